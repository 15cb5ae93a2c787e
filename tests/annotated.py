"""A folder in the layout that "annotate.py sample" writes, and masks for it. No generator runs."""

import io

import numpy as np
from PIL import Image

from mmbdg.annotation.mask_values import FOREGROUND, IGNORE
from mmbdg.files import write_png

HEIGHT, WIDTH, DIM = 20, 26, 12
STEMS = tuple(f'{name}_{c}_{i}' for c, name in enumerate(('disc', 'square', 'ring')) for i in (0, 1))


def folder_of(stem):
    return stem.split('_')[0]


def make_out(root, name='tiny'):
    """Write random images and latents for STEMS."""
    rng = np.random.default_rng(0)
    for stem in STEMS:
        write_png(root / 'images' / name / folder_of(stem) / f'{stem}.png', rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8))
        path = root / 'latents' / name / folder_of(stem) / f'{stem}.npy'
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, rng.standard_normal((1, DIM)).astype(np.float32))
    return root


def noisy_masks(ignored=False):
    """Random mask of each stem, uint8 (HEIGHT,WIDTH). Only an exact copy of a random mask is equal to it."""
    rng = np.random.default_rng(1)
    values = [0, FOREGROUND, IGNORE] if ignored else [0, FOREGROUND]
    return {stem: rng.choice(values, (HEIGHT, WIDTH)).astype(np.uint8) for stem in STEMS}


def write_masks(root, masks, kind='auto', name='tiny'):
    for stem, mask in masks.items():
        write_png(root / kind / name / folder_of(stem) / f'{stem}.png', mask)


def imported_masks(root, name='tiny'):
    return {path.stem: np.asarray(Image.open(path)) for path in (root / 'annotations' / name).glob('*/*.png')}


def assert_equal(found, expected):
    assert set(found) == set(expected)
    for stem in expected:
        assert np.array_equal(found[stem], expected[stem]), stem


def files_below(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob('*') if path.is_file())


def png_bytes(array, **options):
    buffer = io.BytesIO()
    (array if isinstance(array, Image.Image) else Image.fromarray(array)).save(buffer, format='PNG', **options)
    return buffer.getvalue()
