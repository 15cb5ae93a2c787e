"""The end of a synthesis: it writes the manifest and reports classes with too few samples."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mmbdg.files import write_atomically, write_json
from mmbdg.storage.checksums import RunningChecksum, line_bytes, sealed
from mmbdg.storage.palette import palette
from mmbdg.storage.records import BLOCKS, BlockRecords, total_outcome
from mmbdg.synthesis.block import BlockMaker


def fallen_short(maker: BlockMaker, class_ids: Sequence[int], out: Path) -> list[str]:
    """Return a message for each class with fewer samples than requested."""
    short = []
    for class_id in class_ids:
        records = [recorded.record for recorded in BlockRecords(out).of_class(maker.catalogue.folders[class_id])]
        have = sum(record['samples'] for record in records)
        wanted = maker.extent.samples(class_id)
        if have >= wanted:
            continue
        left = ', '.join(f'{value} {key.replace("_", " ")}' for key, value in total_outcome(records).items())
        short.append(f'{maker.catalogue.classes[class_id]}: {have} of {wanted} samples; {left}. {_advice(maker, class_id, records)}')
    return short


def _advice(maker: BlockMaker, class_id: int, records: Sequence[Mapping]) -> str:
    """Return advice on how to get more samples of a class."""
    available, tried = maker.source.available(class_id), sum(record['candidates'] for record in records)
    tried += maker.extent.first_block(class_id) * maker.plan.candidates
    bounds = [advice for entry in maker.filters if (advice := entry.advice())]
    loosen = f'Loosen {" or ".join(bounds)}' if bounds else ''
    if available is not None and tried >= available:
        return f'The source has {available} images of the class' + (f'. {loosen}' if loosen else '')
    return f'{loosen}, or raise max_candidates' if loosen else 'Raise max_candidates'


class Written(NamedTuple):
    """Numbers of samples of a finished dataset."""

    samples: int
    unchanged: int
    """Samples whose images are the given files."""


def write_manifest(maker: BlockMaker, out: Path, identity: dict, sync: bool = True) -> Written:
    """Write ``manifest.jsonl``, ``blocks.jsonl`` and ``dataset.json`` from the block records."""
    records = BlockRecords(out)
    there = records.folders()
    folders = [folder for folder in maker.catalogue.folders if folder in there]
    counts, filters, unchanged = dict.fromkeys(folders, 0), {}, 0
    files = {'manifest.jsonl': RunningChecksum(), BLOCKS: RunningChecksum()}

    def write(manifest: Path) -> None:
        def write_blocks(blocks: Path) -> None:
            nonlocal unchanged
            with open(manifest, 'wb') as lines, open(blocks, 'wb') as outcomes:
                for folder in folders:  # one class at a time, because there may be millions of lines
                    of_class = []
                    for recorded in records.of_class(folder):
                        lines.writelines(files['manifest.jsonl'].add(line_bytes(line)) for line in recorded.lines)
                        outcomes.write(files[BLOCKS].add(line_bytes(recorded.record)))
                        of_class.append(recorded.record)
                        unchanged += sum(line.get('unchanged', False) for line in recorded.lines)
                    counts[folder] = sum(record['samples'] for record in of_class)
                    filters[folder] = total_outcome(of_class)

        write_atomically(out / BLOCKS, write_blocks, sync)

    write_atomically(out / 'manifest.jsonl', write, sync)
    facts = {name: file.facts() for name, file in files.items()}
    write_json(out / 'dataset.json', dataset_info(maker, identity, counts, filters, facts), sync)
    return Written(sum(counts.values()), unchanged)


def dataset_info(
    maker: BlockMaker, identity: dict, counts: dict[str, int], filters: dict[str, dict[str, int]], files: dict[str, dict]
) -> dict:
    """Return the content of ``dataset.json``.

    Args:
        maker: Maker of the blocks.
        identity: Identity of the dataset, see :func:`~mmbdg.synthesis.identity.identity_of`.
        counts: Number of samples of each class, by class folder.
        filters: Counts of candidates after each filter, by class folder.
        files: Sizes and checksums of ``manifest.jsonl`` and ``blocks.jsonl``.
    """
    plan, catalogue, space = maker.plan, maker.catalogue, maker.space
    labels = space.classes if space else catalogue.labels
    available = {folder: maker.source.available(class_id) for class_id, folder in enumerate(catalogue.folders)}
    return sealed(
        dict(
            classes=list(labels),
            palette=palette(len(labels)),
            label_space=space.name if space else 'fgbg' if len(labels) == 2 else 'own' if labels else 'none',
            resolution=plan.resolution or catalogue.resolution,
            **maker.layout | dict(uncertainty_maps=maker.source.most_disagreement if plan.uncertainty_maps else None),
            image_classes=[dict(name=name, folder=folder) for name, folder in zip(catalogue.classes, catalogue.folders, strict=True)],
            **({} if set(available.values()) == {None} else dict(available={k: v for k, v in available.items() if v is not None})),
            counts=counts,
            filters=filters,
            licence=catalogue.licence,
            **identity,
            files=files,
        )
    )
