"""Tiny sets of masks of ImageNet's classes in the layouts of their publishers."""

import numpy as np
from PIL import Image

from mmbdg.assets.class_lists import folder_names

WNIDS = folder_names('in1k')
TENCH, DRAGON_LIZARD, CHIHUAHUA, TOILET_TISSUE = 0, 44, 151, 999  # 44 is in no mask of MC-992


def picture(path, size, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)).save(path)


def drawn(path, mask):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask).save(path)


def half(size):
    """A mask whose lower half is foreground."""
    mask = np.zeros(size, np.uint8)
    mask[size[0] // 2 :] = 255
    return mask


def write_annotated(root, class_ids, per_class=1, size=(8, 8)):
    """Synthetic-annotated, with latents."""
    for class_id in class_ids:
        for index in range(per_class):
            stem = f'{WNIDS[class_id]}/{WNIDS[class_id]}_{class_id}_{index}'
            picture(root / 'images' / 'biggan512' / f'{stem}.png', size)
            drawn(root / 'annotations' / 'biggan512' / f'{stem}.png', half(size))
            (root / 'latents' / 'biggan512' / stem).parent.mkdir(parents=True, exist_ok=True)
            np.save(root / 'latents' / 'biggan512' / f'{stem}.npy', np.zeros((1, 4), np.float32))


def write_real(root, class_ids, size=(8, 12)):
    """Real-annotated, with the list of its images."""
    stems = [f'{WNIDS[class_id]}/{WNIDS[class_id]}_{40 + class_id}' for class_id in class_ids]
    for stem in stems:
        picture(root / 'images' / 'real-random' / f'{stem}.jpg', size)
        drawn(root / 'annotations' / 'real-random' / f'{stem}.png', half(size))
    (root / 'annotations' / 'real-random-list.txt').write_text('\n'.join(stems) + '\n')


def write_imagenet_s(root, masks, split='validation'):
    """ImageNet-S. ``masks``: ids (H,W) of the images of each class, by class index."""
    for class_id, several in masks.items():
        for number, ids in enumerate(several):
            ids = np.asarray(ids)
            stem = f'{WNIDS[class_id]}/ILSVRC2012_val_{number:08d}'
            picture(root / split / f'{stem}.JPEG', ids.shape)
            drawn(root / f'{split}-segmentation' / f'{stem}.png', np.stack([ids % 256, ids // 256, 0 * ids], -1).astype(np.uint8))
