"""Small datasets to share: one with names that break careless writers, and the golden one."""

from pathlib import Path

import numpy as np
from conftest import ROOT

from mmbdg.files import write_json, write_png
from mmbdg.storage.manifest import write_jsonl
from mmbdg.storage.stored import StoredDataset

GOLDEN = ROOT / 'tests/golden/datasets/0.5.0'
SIZE = 16
HOSTILE = (
    *(
        'no',
        '1e3',
        '~',
        '- x',
        'a: b',
        '# c',
        '"',
        "'",
        '{{x}}',
        '---',
        'x\n---\nlicense: mit\n',
        '[a](javascript:x)',
        '<script>x</script>',
    ),
    *(
        '![x](http://x.test/y.png)',
        '`x` | y',
        '$$x$$',
        'ünïcode 😀',
        'l\u2028r\u202e',
        '\x1b[31m',
        '!!python/object:os.system',
        '&a *a',
    ),
)
"""Names of classes and labels."""


def square(top: int, left: int, height: int, width: int) -> np.ndarray:
    area = np.zeros((SIZE, SIZE), bool)
    area[top : top + height, left : left + width] = True
    return area


def drawn(
    root: Path, drawings: list[np.ndarray], classes: tuple[str, ...] = ('A', 'B'), labels: tuple[str, ...] = (), **info
) -> StoredDataset:
    """A dataset with the given masks; sample i has class i modulo the number of classes, and a grey image of value i."""
    folders = [f'f.{i}' for i in range(len(classes))]
    lines = [{'id': f'{i:08d}', 'class': i % len(classes), 'slug': folders[i % len(classes)]} for i in range(len(drawings))]
    for i, (line, mask) in enumerate(zip(lines, drawings, strict=True)):
        write_png(root / f'images/{line["slug"]}/{line["id"]}.png', np.full((SIZE, SIZE, 3), i, np.uint8))
        write_png(root / f'masks/{line["slug"]}/{line["id"]}.png', mask.astype(np.uint16 if len(labels) > 254 else np.uint8))
        line['foreground_ratio'] = float((mask > 0).mean())
    write_jsonl(root / 'manifest.jsonl', lines)
    counts = {folder: len(drawings[i :: len(classes)]) for i, folder in enumerate(folders)}
    content = dict(
        classes=list(labels or ('background', 'foreground')),
        palette=[[0, 0, 0]] * len(labels or 'ab'),
        resolution=SIZE,
        image_classes=[dict(name=name, folder=folder) for name, folder in zip(classes, folders, strict=True)],
        counts=counts,
        label_space='own' if labels else 'fgbg',
    )
    write_json(root / 'dataset.json', content | info)
    return StoredDataset(root)
