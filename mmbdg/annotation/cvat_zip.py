"""CVAT's format "Segmentation mask 1.1", a zip file.

.. code-block:: none

    labelmap.txt                            label:red,green,blue:parts:actions, one line per label
    ImageSets/Segmentation/default.txt      names of the images
    SegmentationClass/<name>.png            colours from labelmap.txt, or line numbers in labelmap.txt as grey values
"""

import io
import json
import zipfile
from collections.abc import Sequence

import numpy as np

from mmbdg.annotation.drawn import LABELS, Drawn, Findings, Problem, role_of
from mmbdg.annotation.file_tree import FileTree, stem_of
from mmbdg.annotation.mask_values import FOREGROUND, IGNORE, compose, encode_png
from mmbdg.annotation.sampled import Sampled
from mmbdg.errors import InputError
from mmbdg.images import read_stored
from mmbdg.storage.palette import palette

LINES = ('background', 'foreground', 'ignore')  # lines of the label map, with the colours of PASCAL VOC


def cvat_zip(masks: Sequence[tuple[str, np.ndarray | None]]) -> bytes:
    """Content of a zip file with annotations to upload into a CVAT task with these images.

    Args:
        masks: Name without suffix, and automatic mask uint8 (H,W) or None, of each image.
    """
    colours = np.array(palette(len(LINES)), np.uint8)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:

        def add(name: str, data: bytes) -> None:
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)  # ZipInfo has a fixed date: equal content gives equal bytes

        lines = [f'{label}:{",".join(map(str, colour))}::' for label, colour in zip(LINES, colours, strict=True)]
        add('labelmap.txt', ('# label:color_rgb:parts:actions\n' + '\n'.join(lines) + '\n').encode())
        add('ImageSets/Segmentation/default.txt', ''.join(f'{name}\n' for name, _ in masks).encode())
        for name, mask in masks:
            if mask is not None:
                ids = np.where(mask == FOREGROUND, 1, np.where(mask == IGNORE, 2, 0))
                add(f'SegmentationClass/{name}.png', encode_png(colours[ids]))
    return buffer.getvalue()


def cvat_labels() -> bytes:
    """JSON for the "Raw" tab of CVAT's label constructor."""
    colours = palette(len(LINES))
    labels = [dict(name=label, color='#{:02x}{:02x}{:02x}'.format(*colours[i]), attributes=[]) for i, label in enumerate(LINES) if i]
    return (json.dumps(labels, indent=2) + '\n').encode()


def read_cvat(tree: FileTree, samples: dict[str, Sampled]) -> Findings:
    """Yield one finding for each image that has a mask or is listed.

    Raises:
        InputError: The label map is missing or invalid.
    """
    maps = [name for name in tree.names if name.split('/')[-1] == 'labelmap.txt']
    if not maps:
        raise InputError(f'{tree.where()} has no labelmap.txt; export the task as "Segmentation mask 1.1"')
    try:
        labels = _read_labels(tree.read_lines(maps[0]))
    except InputError as error:
        raise InputError(f'{tree.where(maps[0])} {error}') from error
    found = set()
    for name in tree.ending_in('.png'):
        parts = name.split('/')
        if 'SegmentationClass' not in parts[:-1]:
            continue
        stem, where = stem_of(name), tree.where(name)
        found.add(stem)
        try:
            yield Drawn(stem, where, _paint(tree.read(name), labels, samples[stem].folder if stem in samples else ''), parts[-2])
        except InputError as error:
            yield Problem(where, str(error), stem)
    yield from _listed_without_mask(tree, found)


def _read_labels(lines: list[str]) -> dict[tuple[int, int, int], str]:
    labels = {}
    for line in lines:
        if line.startswith('#'):
            continue
        label, _, rest = line.partition(':')
        try:
            red, green, blue = (int(number) for number in rest.split(':')[0].split(','))
        except ValueError as error:
            raise InputError(f'is not a label map: the line "{line[:80]}" is not label:red,green,blue::') from error
        if (red, green, blue) in labels:
            raise InputError(f'gives "{labels[red, green, blue]}" and "{label}" the same colour')
        labels[red, green, blue] = label
    if not labels:
        raise InputError('lists no labels')
    return labels


def _paint(data: bytes, labels: dict[tuple[int, int, int], str], folder: str) -> np.ndarray:
    values, colours = read_stored(data, 'it')
    grey = colours is None and values.ndim == 2
    if grey:
        table = dict(enumerate(labels.values()))
        codes = values.astype(np.int64)
    else:
        rgb = (values if colours is None else colours[values]).astype(np.int64)
        codes = (rgb[..., 0] << 16) + (rgb[..., 1] << 8) + rgb[..., 2]
        table = {(red << 16) + (green << 8) + blue: label for (red, green, blue), label in labels.items()}
    foreground, ignored = np.zeros(codes.shape, bool), np.zeros(codes.shape, bool)
    for code in np.unique(codes).tolist():
        if code not in table:
            raise InputError(f'holds {f"the value {code}" if grey else f"the colour #{code:06x}"}, which labelmap.txt does not list')
        role = role_of(table[code], folder)
        if role != LABELS[2]:
            (ignored if role == 'ignore' else foreground)[codes == code] = True
    return compose(foreground, ignored)


def _listed_without_mask(tree: FileTree, found: set[str]) -> Findings:
    for name in tree.names:
        if 'ImageSets/Segmentation/' in f'/{name}' and name.endswith('.txt'):
            try:
                listed = tree.read_lines(name)
            except InputError as error:
                yield Problem(tree.where(name), str(error))
                continue
            for line in listed:
                stem = line.replace('\\', '/').split('/')[-1]
                if stem and stem not in found:
                    found.add(stem)
                    yield Drawn(stem, tree.where(name), None)
