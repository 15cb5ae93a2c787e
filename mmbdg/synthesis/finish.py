"""The end of a synthesis: the manifest, and which classes fell short."""

from collections.abc import Sequence
from pathlib import Path

from mmbdg.files import write_atomically, write_json
from mmbdg.storage.checksums import RunningChecksum, line_bytes, sealed
from mmbdg.storage.palette import palette
from mmbdg.storage.records import BLOCKS, BlockRecords, total_outcome
from mmbdg.synthesis.block import BlockMaker


def fallen_short(maker: BlockMaker, class_ids: Sequence[int], out: Path) -> list[str]:
    """A line for each class that bounds left with fewer samples than asked for."""
    plan, short = maker.plan, []
    for class_id in class_ids:
        records = [recorded.record for recorded in BlockRecords(out).of_class(maker.generator.folders[class_id])]
        have = sum(record['samples'] for record in records)
        if have >= plan.num_per_class:
            continue
        left = ', '.join(f'{value} {key.replace("_", " ")}' for key, value in total_outcome(records).items())
        short.append(
            f'{maker.generator.classes[class_id]}: {have} of {plan.num_per_class} samples; {left}. Loosen min_confidence '
            f'({plan.min_confidence}) or min_foreground, max_foreground ({plan.min_foreground}, {plan.max_foreground}), or raise '
            'max_candidates'
        )
    return short


def write_manifest(maker: BlockMaker, out: Path, identity: dict, sync: bool = True) -> int:
    """``manifest.jsonl``, ``blocks.jsonl`` and ``dataset.json`` from the blocks' records; the number of samples."""
    records = BlockRecords(out)
    there = records.folders()
    folders = [folder for folder in maker.generator.folders if folder in there]
    counts, filters = dict.fromkeys(folders, 0), {}
    files = {'manifest.jsonl': RunningChecksum(), BLOCKS: RunningChecksum()}

    def write(manifest: Path) -> None:
        def write_blocks(blocks: Path) -> None:
            with open(manifest, 'wb') as lines, open(blocks, 'wb') as outcomes:
                for folder in folders:  # a class at a time: there may be millions of lines
                    of_class = []
                    for recorded in records.of_class(folder):
                        lines.writelines(files['manifest.jsonl'].add(line_bytes(line)) for line in recorded.lines)
                        outcomes.write(files[BLOCKS].add(line_bytes(recorded.record)))
                        of_class.append(recorded.record)
                    counts[folder] = sum(record['samples'] for record in of_class)
                    filters[folder] = total_outcome(of_class)

        write_atomically(out / BLOCKS, write_blocks, sync)

    write_atomically(out / 'manifest.jsonl', write, sync)
    facts = {name: file.facts() for name, file in files.items()}
    write_json(out / 'dataset.json', dataset_info(maker, identity, counts, filters, facts), sync)
    return sum(counts.values())


def dataset_info(
    maker: BlockMaker, identity: dict, counts: dict[str, int], filters: dict[str, dict[str, int]], files: dict[str, dict]
) -> dict:
    """What ``dataset.json`` holds.

    Args:
        maker: Of the blocks.
        identity: What decides the bytes, see :func:`~mmbdg.synthesis.identity.identity_of`.
        counts: Samples of each class, by its folder.
        filters: What each filter left of a class's candidates.
        files: Sizes and checksums of the two files beside it.
    """
    plan, generator, space = maker.plan, maker.generator, maker.space
    labels = space.classes if space else generator.labels
    return sealed(
        dict(
            classes=list(labels),
            palette=palette(len(labels)),
            label_space=space.name if space else 'fgbg' if len(labels) == 2 else 'own',
            resolution=plan.resolution or generator.resolution,
            **plan.layout | dict(uncertainty_maps=generator.most_disagreement if plan.uncertainty_maps else None),
            generator_classes=[dict(name=name, folder=folder) for name, folder in zip(generator.classes, generator.folders, strict=True)],
            counts=counts,
            filters=filters,
            licence=generator.licence,
            **identity,
            files=files,
        )
    )
