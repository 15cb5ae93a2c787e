"""The garments in colour as folders of images and masks, for tools that read files: labellers, encoders, sources of real images."""

import os

from mmbdg.assets.class_lists import folder_names
from mmbdg.datasets.colour_garments import ColourGarments
from mmbdg.files import whole_folder, write_png


def write_colour_garments(
    out: str | os.PathLike,
    split: str = 'train',
    label_fraction: float = 1.0,
    label_seed: int = 0,
    masks: bool = True,
    source: str = 'embedded',
    size: int = 32,
    seed: int = 0,
) -> int:
    """Write images of :class:`~mmbdg.datasets.ColourGarments` as ``images/<class>/<number>.png`` and ``masks/<class>/<number>.png``.

    Images are RGB uint8 (S,S,3), masks uint8 (S,S), 255 on the visible garment, else 0. The number is that of the photo in its split, so
    the images of two label seeds have the same names where both have them.

    Args:
        out: Path of the folder, which must not exist.
        split, label_fraction, label_seed, source, size, seed: See :class:`~mmbdg.datasets.ColourGarments`.
        masks: Whether masks are written. Default True.

    Returns:
        Number of images.

    Raises:
        InputError: The folder exists, or the full set is missing.
        ValueError: ``split`` or ``label_fraction`` is out of range.
    """
    from tqdm import tqdm

    data = ColourGarments(split, source, 'fgbg', label_fraction, label_seed, masks, size, seed)
    folders = folder_names('fashion32')
    with whole_folder(out) as part:
        for place in tqdm(range(len(data)), desc='images', unit='image', dynamic_ncols=True):
            info = data.get_data_info(place)
            name = f'{folders[info["gt_label"]]}/{info["img_id"]:05d}.png'
            write_png(part / 'images' / name, info['img'][:, :, ::-1])
            if masks:
                write_png(part / 'masks' / name, (info['gt_seg_map'] == 1).astype('uint8') * 255)
    return len(data)
