"""The same drawn images with masks, written in each format that can be read."""

import json
from pathlib import Path

import numpy as np
from drawn_shapes import blob, disc, rectangle
from PIL import Image

from mmbdg.analysis.images.labelled_images import LabelledImages
from mmbdg.files import write_json, write_png
from mmbdg.storage.manifest import write_jsonl

CLASSES = ('round', 'angular', 'rough')


def drawn(per_class: int = 6, height: int = 48) -> list[tuple[np.ndarray, np.ndarray, int]]:
    """Samples: image uint8 (H,W,3), mask uint8 (H,W) of 0 and 1, and class.

    Images have 48x64 px, blobs 64x64. A synthetic dataset needs square images of one size: ``height=64``.
    """
    rng, samples = np.random.default_rng(0), []
    for class_id in range(3):
        for i in range(per_class):
            mask = (
                disc(24, 30, 8 + 2 * i, (height, 64)),
                rectangle(3 + i, 5, 10 + i, 30 - 4 * i, (height, 64)) | rectangle(0, 40, 5, 7, (height, 64)),
                blob(i),
            )[class_id]
            samples.append((rng.integers(0, 256, (*mask.shape, 3), np.uint8), mask.astype(np.uint8), class_id))
    return samples


class Drawn(LabelledImages):
    """Samples in memory."""

    def __init__(self, samples, ignore=255, classes=CLASSES):
        super().__init__('drawn', ('background', 'foreground'), [[0, 0, 0], [128, 0, 0]], ignore, classes)
        self.samples = samples

    def __len__(self):
        return len(self.samples)

    def image(self, i):
        return self.samples[i][0]

    def mask(self, i):
        return self.samples[i][1]

    def class_of(self, i):
        return self.samples[i][2] if self.classes else None

    def uncertainty_of(self, i):
        return None if i == 0 else i / 100


def write_stored(root: Path, samples, labels=('background', 'foreground')) -> Path:
    """Write the samples in the layout of :mod:`mmbdg.storage.layout`."""
    lines = []
    for i, (image, mask, class_id) in enumerate(samples):
        folder = CLASSES[class_id]
        write_png(root / 'images' / folder / f'{i:08d}.png', image)
        write_png(root / 'masks' / folder / f'{i:08d}.png', mask)
        lines.append(dict(id=f'{i:08d}', slug=folder, uncertainty=i / 100, **{'class': class_id}))
    write_jsonl(root / 'manifest.jsonl', lines)
    counts = {name: sum(line['class'] == c for line in lines) for c, name in enumerate(CLASSES)}
    content = dict(
        classes=labels,
        palette=[[0, 0, 0]] + [[128, i // 256, i % 256] for i in range(1, len(labels))],
        resolution=samples[0][1].shape[0],
        label_space='fgbg',
        generator_classes=[dict(name=name.title(), folder=name) for name in CLASSES],
        counts=counts,
        filters={name: dict(candidates=60, after_rejection=7, after_uncertainty=6) for name in CLASSES},
        licence='CC0',
    )
    write_json(root / 'dataset.json', content)
    return root


def write_coco(path: Path, samples, encode) -> Path:
    """Write a COCO instances file with its images.

    Args:
        encode: Function from mask to segmentation, or None for an image without annotations.
    """
    images, annotations = [], []
    for i, (image, mask, class_id) in enumerate(samples):
        name = f'pictures/{i}.png'
        write_png(path.parent / name, image)
        images.append(dict(id=10 + i, file_name=name, height=mask.shape[0], width=mask.shape[1]))
        annotations.append(dict(id=i, image_id=10 + i, category_id=[7, 2, 90][class_id], segmentation=encode(mask), iscrowd=0))
    categories = [dict(id=c, name=name) for c, name in zip((7, 2, 90), CLASSES, strict=True)]
    path.write_text(json.dumps(dict(images=images, categories=categories, annotations=annotations)))
    return path


def as_png(path: Path) -> np.ndarray:
    """The pixel values of a file."""
    return np.asarray(Image.open(path))
