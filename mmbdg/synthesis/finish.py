"""The end of a synthesis: the manifest, and which classes fell short."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from mmbdg.files import write_atomically, write_json
from mmbdg.synthesis.block import BlockMaker
from mmbdg.synthesis.layout import BlockRecords
from mmbdg.synthesis.palette import palette


def fallen_short(maker: BlockMaker, class_ids: Sequence[int], out: Path) -> list[str]:
    """A line for each class that bounds left with fewer samples than asked for."""
    plan, short = maker.plan, []
    for class_id in class_ids:
        blocks = list(BlockRecords(out).of_class(maker.generator.folders[class_id]))
        have = sum(len(lines) for _, lines in blocks)
        if have >= plan.num_per_class:
            continue
        left = ', '.join(f'{value} {key.replace("_", " ")}' for key, value in total_outcome(outcome for outcome, _ in blocks).items())
        short.append(
            f'{maker.generator.classes[class_id]}: {have} of {plan.num_per_class} samples; {left}. Loosen min_confidence '
            f'({plan.min_confidence}) or min_foreground, max_foreground ({plan.min_foreground}, {plan.max_foreground}), or raise '
            'max_candidates'
        )
    return short


def total_outcome(outcomes: Iterable[dict]) -> dict[str, int]:
    """What became of the candidates of many blocks."""
    total: dict[str, int] = {}
    for outcome in outcomes:
        for key, value in outcome.items():
            if key != 'bytes':
                total[key] = total.get(key, 0) + value
    return total


def write_manifest(maker: BlockMaker, out: Path, identity: dict) -> int:
    """``manifest.jsonl`` and ``dataset.json`` from the blocks' records; the number of samples."""
    plan, generator, records = maker.plan, maker.generator, BlockRecords(out)
    there = records.folders()
    folders = [folder for folder in generator.folders if folder in there]
    counts, filters = dict.fromkeys(folders, 0), {}

    def write(part: Path) -> None:
        with open(part, 'w', encoding='utf-8') as file:
            for folder in folders:  # a class at a time: there may be millions of lines
                outcomes = []
                for outcome, lines in records.of_class(folder):
                    file.writelines(json.dumps(line, ensure_ascii=False) + '\n' for line in lines)
                    counts[folder] += len(lines)
                    outcomes.append(outcome)
                filters[folder] = total_outcome(outcomes)

    write_atomically(out / 'manifest.jsonl', write)
    labels, space = maker.space.classes if maker.space else generator.labels, maker.space
    write_json(
        out / 'dataset.json',
        dict(
            classes=labels,
            palette=palette(len(labels)),
            label_space=space.name if space else 'fgbg' if len(labels) == 2 else 'own',
            resolution=plan.resolution or generator.resolution,
            format=plan.format,
            image_suffix=plan.image_suffix,
            uncertainty_maps=generator.most_disagreement if plan.uncertainty_maps else None,
            tokens=plan.tokens,
            generator_classes=[dict(name=name, folder=folder) for name, folder in zip(generator.classes, generator.folders, strict=True)],
            counts=counts,
            filters=filters,
            licence=generator.licence,
            **identity,
        ),
    )
    return sum(counts.values())
