"""Layout ``yolo``: instance segmentation as ultralytics reads it.

.. code-block:: none

    images/train/<class number>_<id>.png|jpg
    labels/train/<class number>_<id>.txt    one instance a line: category (from 0 on), x y x y ..., as shares of width and height
    data.yaml                               train, val, names

An instance is a connected component, as in ``coco``. Its outline runs through the centres of its border pixels, where a reader that
rounds down to whole pixels finds them again; filled with its border it is the component. The format has no holes: they are filled.
"""

from pathlib import Path

import numpy as np

from mmbdg.converters.coco_instances import CocoCounts, category_names, instances
from mmbdg.sharing.front_matter import yaml_text
from mmbdg.sharing.options import Options, progress_bar
from mmbdg.sharing.samples import Shared, key_of


def write_yolo_folder(shared: Shared, out: Path, options: Options) -> list[str]:
    """Write the layout into an existing folder, and return remarks about it.

    Raises:
        InputError: A file of the dataset is missing or damaged, or the dataset has no masks.
    """
    for kind in ('images', 'labels'):
        (out / kind / 'train').mkdir(parents=True)
    counts, written, holes, empty = CocoCounts(), 0, 0, 0
    for line in progress_bar(shared.dataset.lines, options):
        mask, rows = shared.dataset.mask(line), []
        for category, part, box in instances(mask, line, shared.dataset, options.min_pixels, counts):
            points = outline(part) + [box[1].start, box[0].start]
            rows.append(' '.join([str(category - 1), *_shares(points, mask.shape)]))
            holes += hole_pixels(part)
        (out / 'labels' / 'train' / f'{key_of(line)}.txt').write_text(''.join(f'{row}\n' for row in rows))
        (out / 'images' / 'train' / f'{key_of(line)}{shared.suffix}').write_bytes(shared.image(line))
        written, empty = written + len(rows), empty + (not rows)
    names = dict(enumerate(category_names(shared.dataset.info)))
    note = '# val names the training images, because the dataset has one part only: put your own validation images here\n'
    (out / 'data.yaml').write_text(note + yaml_text(dict(train='images/train', val='images/train', names=names)), encoding='utf-8')
    return [
        f'{written} instances; {counts.small} components below {options.min_pixels} pixels are left out, {empty} images have no instance',
        f'the format has no holes and no ignored pixels: {holes} pixels of holes are filled, {counts.ignored_pixels} ignored pixels '
        'belong to no instance',
    ]


def outline(part: np.ndarray) -> np.ndarray:
    """Outer border of one connected component, bool (H,W): its corners in order, int (N,2), N >= 3, x and y of pixels."""
    import cv2

    (border, *_), _ = cv2.findContours(part.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    points = border.reshape(-1, 2)
    return np.concatenate([points, points[-1:].repeat(max(0, 3 - len(points)), 0)])  # a line of one pixel's width has two corners


def hole_pixels(part: np.ndarray) -> int:
    """Number of background pixels that a component, bool (H,W), encloses."""
    from scipy.ndimage import binary_fill_holes

    return int((binary_fill_holes(part) & ~part).sum())


def _shares(points: np.ndarray, shape: tuple[int, ...]) -> list[str]:
    return [f'{one:.6f}' for one in ((points + 0.5) / [shape[1], shape[0]]).ravel()]
