"""The four X-ray sets as their archives unpack, tiny. The lungs are images of garments, dark on a bright background."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from mmbdg.annotation.foreground import fashion_foreground
from mmbdg.converters.chest_xray.archives import ARCHIVES
from mmbdg.datasets.fashion_files import load_fashion

RAW_SIDE = 64
COUNTS = dict(jsrt=6, montgomery=4, shenzhen=8, nih=3)


def archives(**counts):
    """The archives with other numbers of cases."""
    return tuple(replace(archive, count=(COUNTS | counts)[archive.set]) for archive in ARCHIVES)


def radiograph(index):
    """A radiograph, uint8 (64,64) with dark air, and its lungs, bool (32,32), at half the size as in SCR."""
    image = load_fashion('test')[0][index]
    return np.kron(230 - (image.astype(int) * 200 // 255), np.ones((2, 2), int)).astype(np.uint8), fashion_foreground(image)


def halves(lungs):
    """The left and the right lung of a mask."""
    left = np.arange(lungs.shape[1]) < lungs.shape[1] // 2
    return lungs & left, lungs & ~left


def save(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def save_mask(path, mask, zoom=1):
    save(path, np.kron(mask, np.ones((zoom, zoom), bool)).astype(np.uint8) * 255)


def write_jsrt(root: Path, count: int) -> None:
    for i in range(count):
        name = f'JPCLN{i + 1:03d}' if i % 2 else f'JPCNN{i + 1:03d}'
        grey, lungs = radiograph(i)
        raw = root / 'jsrt' / 'All247images' / f'{name}.IMG'
        raw.parent.mkdir(parents=True, exist_ok=True)
        (4095 - grey.astype('>u2') * 16).astype('>u2').tofile(raw)
        organs = dict(zip(('left lung', 'right lung'), halves(lungs), strict=True))
        organs |= {'heart': np.roll(lungs, 9, 1), 'left clavicle': ~lungs, 'right clavicle': ~lungs}
        for organ, mask in organs.items():
            save_mask(root / 'jsrt' / 'scratch' / f'fold{i % 2 + 1}' / 'masks' / organ / f'{name}.gif', mask)
        save_mask(root / 'jsrt' / 'scratch' / f'fold{i % 2 + 1}' / 'second_observer' / 'left lung' / f'{name}.gif', ~lungs)


def write_montgomery(root: Path, count: int) -> None:
    """Write images that are wider than high and masks of full size."""
    for i in range(count):
        grey, lungs = radiograph(100 + i)
        name, base = f'MCUCXR_{3 * i + 1:04d}_{i % 2}.png', root / 'montgomery' / 'MontgomerySet'
        save(base / 'CXR_png' / name, np.pad(grey, ((0, 0), (8, 8)), mode='edge'))
        for folder, mask in zip(('leftMask', 'rightMask'), halves(np.pad(lungs, ((0, 0), (4, 4)))), strict=True):
            save_mask(base / 'ManualMask' / folder / name, mask, 2)


def write_shenzhen(root: Path, count: int) -> None:
    """Write RGB images with equal channels. Three have no mask, as 96 in the real set."""
    for i in range(count + 3):
        grey, lungs = radiograph(200 + i)
        name = f'CHNCXR_{i + 1:04d}_{i % 2}'
        save(root / 'shenzhen' / 'ChinaSet_AllFiles' / 'CXR_png' / f'{name}.png', np.repeat(grey[..., None], 3, 2))
        if i < count:
            save_mask(root / 'shenzhen' / 'mask' / 'mask' / f'{name}_mask.png', lungs, 2)


def write_nih(root: Path, count: int) -> None:
    for i in range(count):
        grey, lungs = radiograph(300 + i)
        save(root / 'nih' / 'images' / f'{i:08d}_00{i}.png', grey)
        save_mask(root / 'nih' / 'masks' / f'{i:08d}_00{i}_mask.png', lungs, 2)
    twin = root / 'nih' / '__MACOSX' / 'images' / '._00000000_000.png'  # from an archive packed on a Mac
    twin.parent.mkdir(parents=True)
    twin.write_bytes(b'no picture')


def write_all(root: Path, **counts) -> None:
    """Write all four sets with ``COUNTS`` cases each unless given."""
    counts = COUNTS | counts
    write_jsrt(root, counts['jsrt'])
    write_montgomery(root, counts['montgomery'])
    write_shenzhen(root, counts['shenzhen'])
    write_nih(root, counts['nih'])
