"""Converts the archives to the images, masks and lists of :class:`~mmbdg.datasets.chest_xray.ChestXRayDataset`."""

import os
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from warnings import warn

from mmbdg.converters.chest_xray.archives import ARCHIVES, Archive, Case
from mmbdg.converters.chest_xray.pictures import RAW_SIDE, as_pictures, check_same_shape, read_lungs, read_radiograph
from mmbdg.datasets.chest_xray.card import CARD, Card
from mmbdg.datasets.chest_xray.split import FRACTIONS, labelled_part, set_of, split
from mmbdg.errors import InputError
from mmbdg.files import write_atomically, write_json, write_png
from mmbdg.reading import read_json

NAME = 'chest_xray'
LABEL_SEEDS = (0, 1, 2)  # three trials (paper, Table 5)


def convert(
    root: str | os.PathLike,
    out: str | os.PathLike,
    size: int = 512,
    sets: Sequence[str] | None = None,
    archives: Sequence[Archive] = ARCHIVES,
    raw_side: int = RAW_SIDE,
) -> dict:
    """Write ``images/ID.png``, ``masks/ID.png``, ``train.txt``, ``test.txt``, ``label_subsets.json`` and the card ``chest_xray.json``.

    Existing cases are not written again, so a second call completes an interrupted one. The lists are written last.

    Args:
        root: Folder with the unpacked archives, one folder for each set.
        out: Output folder.
        size: Side of the images in pixels. Default: 512.
        sets: Names of the sets to use. Default: all. With fewer sets the result is another dataset; the card records this.
        archives: Known sets. Default: :data:`ARCHIVES`.
        raw_side: Side of JSRT's raw files in pixels. Default: :data:`RAW_SIDE`.

    Returns:
        Content of the card.

    Raises:
        InputError: A set is incomplete, a file is damaged, or ``out`` contains another dataset.
    """
    from tqdm import tqdm

    root, out = Path(root), Path(out)
    chosen = _chosen(archives, sets)
    cases = _all_cases(chosen, root)
    card = _card(cases, size, [archive.set for archive in archives])
    _claim(out, card)
    bright = Counter()
    for case in tqdm(cases, desc=card['name'], unit='image', disable=None):
        image, mask = out / 'images' / f'{case.id}.png', out / 'masks' / f'{case.id}.png'
        if image.is_file() and mask.is_file():
            continue
        radiograph, lungs = read_radiograph(case.image, raw_side), read_lungs(case.masks)
        check_same_shape(case.id, radiograph, lungs)
        pixels, labels = as_pictures(radiograph, lungs, size)
        bright[case.set] += pixels[labels == 1].mean() > pixels[labels == 0].mean()
        write_png(image, pixels)
        write_png(mask, labels)
    for name, count in bright.items():
        if 2 * count > card['images'][name]:
            warn(
                f'in {count} of {card["images"][name]} {name} images the lungs are brighter than the rest; the images may be inverted: '
                'check the archive',
                stacklevel=2,
            )
    _write_lists(out, [case.id for case in cases])
    write_json(out / CARD, card | dict(finished=True))
    return card


def _chosen(archives: Sequence[Archive], sets: Sequence[str] | None) -> list[Archive]:
    known = {archive.set: archive for archive in archives}
    if unknown := [name for name in sets or () if name not in known]:
        raise InputError(f'there is no set "{unknown[0]}"; choose from {", ".join(known)}')
    return [archive for archive in archives if sets is None or archive.set in sets]


def _all_cases(archives: Sequence[Archive], root: Path) -> list[Case]:
    """Cases of all sets. One error reports the problems of all sets."""
    cases, problems = [], []
    for archive in archives:
        try:
            cases += archive.cases(root)
        except InputError as error:
            problems.append(str(error))
    if problems:
        raise InputError('\n'.join(problems))
    return sorted(cases, key=lambda case: case.id)


def _card(cases: Sequence[Case], size: int, all_sets: list[str]) -> dict:
    ids = [case.id for case in cases]
    counts, parts = Counter(map(set_of, ids)), split(ids)
    missing = [name for name in all_sets if name not in counts]
    card = dict(
        name=NAME if not missing else f'{NAME}_{"+".join(counts)}',
        size=size,
        images=dict(counts),
        train=dict(Counter(map(set_of, parts['train']))),
        test=dict(Counter(map(set_of, parts['test']))),
        ids_sha256=sha256('\n'.join(ids).encode()).hexdigest(),
        inferred='which images the paper means by "NIH" is inferred from the counts',
    )
    return card | (dict(missing_sets=missing, note="not the paper's dataset: figures do not compare with its Table 5") if missing else {})


def _claim(out: Path, card: dict) -> None:
    """Mark the folder as started. Raises InputError if it was started with another size or other sets."""
    path = out / CARD
    if path.is_file():
        found = read_json(path, Card)
        if differing := [key for key, value in card.items() if found.get(key) != value]:
            raise InputError(
                f'{out} contains another dataset: its {differing[0]} is {found.get(differing[0])}, not {card[differing[0]]}. '
                'Choose another folder, or remove it'
            )
    elif out.is_dir() and any(out.iterdir()):
        raise InputError(f'{out} is not empty and contains no {CARD}: choose another folder')
    if not path.is_file():
        write_json(path, card | dict(finished=False))


def _write_lists(out: Path, ids: Sequence[str]) -> None:
    parts = split(ids)
    for name, members in parts.items():
        text = ''.join(f'{i}\n' for i in members)
        write_atomically(out / f'{name}.txt', lambda part, text=text: part.write_text(text, encoding='utf-8'))
    subsets = {f: {seed: labelled_part(parts['train'], f, seed) for seed in LABEL_SEEDS} for f in FRACTIONS if f < 1}
    what = 'ids in train.txt whose labels label_fraction and label_seed keep; a smaller fraction lies within a larger one of the same seed'
    write_json(out / 'label_subsets.json', dict(what=what) | {str(f): by_seed for f, by_seed in subsets.items()})
