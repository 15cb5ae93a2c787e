"""Small datasets with given uncertainties and foreground ratios, in the format of version 0.4.0 (without checksums)."""

from pathlib import Path

import numpy as np

from mmbdg.files import write_json, write_png
from mmbdg.storage.manifest import write_jsonl

CLASSES = ('cat', 'dog', 'eel')
SAMPLES = {
    # class: id -> uncertainty, foreground
    'cat': {3: (0.40, 0.5), 5: (0.10, 0.01), 8: (0.30, 0.9), 9: (0.20, 0.2), 11: (0.50, 0.3)},
    'dog': {0: (0.03, 0.4), 1: (0.02, 0.4), 2: (0.01, 0.99)},
    'eel': {7: (0.90, 0.1)},
}


def write_ranked(root: Path, samples: dict = SAMPLES, **info: object) -> Path:
    """Write a dataset of 4x4 images as plain folders."""
    lines = []
    for folder, of_class in samples.items():
        for number, (uncertainty, foreground) in of_class.items():
            class_id, name = CLASSES.index(folder), f'{number:08d}'
            image = np.full((4, 4, 3), min(10 * number, 255), np.uint8)
            for kind, picture in dict(images=image, masks=np.full((4, 4), 1, np.uint8)).items():
                (root / kind / folder).mkdir(parents=True, exist_ok=True)
                write_png(root / kind / folder / f'{name}.png', picture)
            lines.append({'id': name, 'class': class_id, 'slug': folder, 'uncertainty': uncertainty, 'foreground_ratio': foreground})
    write_jsonl(root / 'manifest.jsonl', lines)
    content = dict(
        classes=['background', 'foreground'],
        palette=[[0, 0, 0], [128, 0, 0]],
        resolution=4,
        generator_classes=[dict(name=name.title(), folder=name) for name in CLASSES],
        counts={folder: len(of_class) for folder, of_class in samples.items()},
    )
    write_json(root / 'dataset.json', content | info)
    return root


def chosen(root: Path, name: str) -> list[str]:
    """The sample lines of a selection file."""
    return (root / 'selections' / f'{name}.txt').read_text().splitlines()[1:]
