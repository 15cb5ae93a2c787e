"""Annotated images as annotated latents: VQGAN's encoder makes tokens of an image, its mask comes along.

The images are real ones, or another generator's: BigGAN-512's annotated samples for a VQGAN at 256 px, as in the paper (section 3.2). Where
they lie, one of

.. code-block:: none

    SRC/images/NAME/<class>/<prefix>_<class id>_<index>.png      annotated samples, as mmbdg.annotation.latent_files has them
    SRC/annotations/NAME/<class>/<the same stem>.png

    SRC/images/<class>/<stem>.png|jpg|...                        any images
    SRC/masks/<class>/<stem>.png

Images and masks are read as :mod:`mmbdg.images` says. A mask has the size of its image. Both are cropped to the square in their middle and
resized to the generator's resolution, the image by Lanczos, the mask by nearest neighbour: its values stay as they are, those above 255
become 255. What is written is the layout of annotated latents; its images are what the generator makes of the tokens, since that is what
its features have seen.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mmbdg.annotation.latent_files import class_folders
from mmbdg.annotation.mask_values import read_values
from mmbdg.errors import InputError, listed
from mmbdg.files import whole_folder, write_npy, write_png
from mmbdg.generators import VQGAN, to_pixels
from mmbdg.images import open_image
from mmbdg.listing import composed, list_files, list_folders
from mmbdg.reading import read_bytes


@dataclass(frozen=True)
class AnnotatedImage:
    """An image, its mask, and the name of both in what is written: <prefix>_<class id>_<index>."""

    stem: str
    class_id: int
    image_path: Path
    mask_path: Path

    def read(self, resolution: int) -> tuple[np.ndarray, np.ndarray]:
        """Image RGB uint8 (R,R,3) and mask uint8 (R,R), cropped and resized alike.

        Raises:
            InputError: One is no picture, they differ in size, or nothing of the object is left.
        """
        from PIL import Image

        image = Image.fromarray(open_image(self.image_path))  # turned, as whoever drew the mask saw it
        try:
            mask = Image.fromarray(np.minimum(read_values(read_bytes(self.mask_path)), 255).astype(np.uint8))
        except InputError as error:
            raise InputError(f'{self.mask_path}: {error}') from error
        if mask.size != image.size:
            raise InputError(f'{self.mask_path} is {mask.width}x{mask.height} px, its image {image.width}x{image.height}')
        small = mask.resize((resolution, resolution), Image.Resampling.NEAREST, middle_square(*mask.size))
        if mask.getbbox() and not small.getbbox():
            raise InputError(
                f'{self.mask_path}: nothing of its object lies in the square in the middle; crop the image and the mask yourself'
            )
        pixels = image.resize((resolution, resolution), Image.Resampling.LANCZOS, middle_square(*image.size))
        return np.array(pixels), np.array(small)


@dataclass(frozen=True)
class Reconstruction:
    """What tokens keep of an image."""

    stem: str
    class_id: int
    error: float
    """Mean absolute difference to the resized image, grey levels 0..255."""
    object_error: float
    """The same where the mask is not 0; nan if it is 0 everywhere."""


def read_annotated_images(
    root: str | os.PathLike,
    class_names: Sequence[str],
    resolution: int,
    folders: Sequence[str] | None = None,
    name: str | None = None,
) -> list[AnnotatedImage]:
    """All images with masks of a folder, sorted by class and name.

    Args:
        root: Folder in one of the two layouts.
        class_names, resolution: Of the generator.
        folders: Other names of the classes' folders, e.g. wnids; slugs of the names count always.
        name: Of the set in the first layout; None if there is only one.

    Raises:
        InputError: It has neither layout, an image has no mask or the reverse, a class is unknown, or see :meth:`AnnotatedImage.read`. All
            problems are listed at once.
    """
    root = Path(root)
    if (root / 'annotations').is_dir() == (root / 'masks').is_dir() or not (root / 'images').is_dir():
        raise InputError(f'{root} must hold images/ and either annotations/ (annotated samples) or masks/ (any images)')
    known = {composed(folder): i for names in (class_folders(class_names), folders or ()) for i, folder in enumerate(names)}
    sampled = (root / 'annotations').is_dir()
    images, masks = (root / 'images', root / 'annotations') if sampled else (root / 'images', root / 'masks')
    if sampled:
        name = name or _only_set(masks)
        images, masks = images / name, masks / name
    pairs, problems = _paired(images, masks)
    found, counts = [], [0] * len(class_names)
    for key, image, mask in pairs:
        try:
            class_id = _sampled_class(image, len(class_names), known) if sampled else _class_of(image, known)
            stem = key.name if sampled else f'{key.name}_{class_id}_{counts[class_id]}'
            found.append(AnnotatedImage(stem, class_id, image, mask))
            found[-1].read(resolution)  # now, before hours of encoding
            counts[class_id] += 1
        except InputError as error:
            problems.append(str(error))
    if not found and not problems:
        problems.append(f'there are no images {images}/<class>/*.png')
    if problems:
        raise InputError(f'{root} is no consistent set of annotated images; nothing was written:\n  {listed(problems)}')
    return sorted(found, key=lambda pair: (pair.class_id, pair.stem))


def encode_annotated_images(
    images: Sequence[AnnotatedImage],
    root: str | os.PathLike,
    name: str,
    generator: VQGAN,
    class_names: Sequence[str],
    batch_size: int = 8,
) -> list[Reconstruction]:
    """Write annotated latents, tokens int64 (1,L), with masks and with the images the generator makes of the tokens.

    Args:
        images: From :func:`read_annotated_images`.
        root, name: What is written, see :mod:`mmbdg.annotation.latent_files`; ``root`` appears whole or not at all.
        generator: In eval mode.
        class_names: One for each class.
        batch_size: Images encoded at once.

    Returns:
        For each image what its tokens keep of it.

    Raises:
        InputError: The generator has no encoder, the batch no image, ``root`` is there already, or see :meth:`AnnotatedImage.read`.
    """
    from tqdm import tqdm

    if not isinstance(generator, VQGAN):
        raise InputError(f'{type(generator).__name__} has no encoder; images become latents of a VQGAN only')
    if batch_size < 1:
        raise InputError(f'batches hold at least 1 image, got {batch_size}')
    slugs, done = class_folders(class_names), []
    with whole_folder(root) as part, tqdm(total=len(images), unit='img', desc='encode', dynamic_ncols=True) as bar:
        for start in range(0, len(images), batch_size):
            pairs = images[start : start + batch_size]
            pixels, masks = map(np.stack, zip(*(pair.read(generator.resolution) for pair in pairs), strict=True))
            tokens, decoded = _through_tokens(generator, pixels)
            for pair, image, mask, own, seen in zip(pairs, pixels, masks, tokens, decoded, strict=True):
                path = Path(name, slugs[pair.class_id], pair.stem)
                write_png(part / 'images' / f'{path}.png', seen)
                write_png(part / 'annotations' / f'{path}.png', mask)
                write_npy(part / 'latents' / f'{path}.npy', own[None])
                done.append(_compared(pair, image, seen, mask))
            bar.update(len(pairs))
    return done


def middle_square(width: int, height: int) -> tuple[int, int, int, int]:
    """The largest square in the middle of an image: left, top, right, bottom."""
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def _paired(images: Path, masks: Path) -> tuple[list[tuple[Path, Path, Path]], list[str]]:
    """(<class>/<stem>, image, mask) of all pairs, and what has no partner."""
    files, drawn_files = (
        {path: Path(composed(str(path.relative_to(folder).with_suffix('')))) for path in list_files(folder, depth=1).log().files}
        for folder in (images, masks)
    )
    named, drawn = ({key: path for path, key in found.items() if len(key.parts) == 2} for found in (files, drawn_files))
    problems = [f'{path} lies in no class folder' for path, key in (files | drawn_files).items() if len(key.parts) != 2]
    problems += [
        f'{path} and {kind[key]} have the same name'
        for found, kind in ((files, named), (drawn_files, drawn))
        for path, key in found.items()
        if kind.get(key, path) != path
    ]
    problems += [f'{named[key]} has no mask {masks / key}.png' for key in sorted(named.keys() - drawn.keys())]
    problems += [f'{drawn[key]} has no image {images / key}.png' for key in sorted(drawn.keys() - named.keys())]
    return [(key, named[key], drawn[key]) for key in sorted(named.keys() & drawn.keys())], problems


def _only_set(folder: Path) -> str:
    sets = [path.name for path in list_folders(folder)]
    if len(sets) != 1:
        raise InputError(f'{folder} holds {len(sets)} sets ({", ".join(sets)}); name one')
    return sets[0]


def _class_of(image: Path, known: dict[str, int]) -> int:
    folder = composed(image.parent.name)
    for spelling in (folder, *_slug(folder)):
        if spelling in known:
            return known[spelling]
    raise InputError(f'{image}: its folder is none of {", ".join(list(known)[:20])}' + (', ...' if len(known) > 20 else ''))


def _slug(folder: str) -> list[str]:
    """``Ankle boot`` and ``ankle_boot`` are ``ankle-boot``; nothing without letters or digits."""
    return class_folders([folder]) if any(map(str.isalnum, folder)) else []


def _sampled_class(image: Path, num_classes: int, known: dict[str, int]) -> int:
    """From the name; a folder that belongs to another class of this generator means that the classes are numbered otherwise."""
    try:
        class_id = int(image.stem.split('_')[-2])
    except (IndexError, ValueError) as error:
        raise InputError(f'{image}: the name does not end in _<class id>_<index>') from error
    if not 0 <= class_id < num_classes:
        raise InputError(f'{image}: class {class_id} is not among the {num_classes} classes of the generator')
    by_folder = known.get(composed(image.parent.name), class_id)
    if by_folder != class_id:
        raise InputError(f'{image}: class {class_id} by its name, {by_folder} by its folder; are they of another list of classes?')
    return class_id


@torch.no_grad()
def _through_tokens(generator: VQGAN, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N,R,R,3) -> tokens int64 (N,L), and the images they stand for, uint8 (N,R,R,3)."""
    device = next(generator.parameters()).device
    tokens = generator.encode(torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1)
    return tokens.cpu().numpy(), to_pixels(generator.decode(tokens)).permute(0, 2, 3, 1).cpu().numpy()


def _compared(pair: AnnotatedImage, image: np.ndarray, seen: np.ndarray, mask: np.ndarray) -> Reconstruction:
    difference = np.abs(image.astype(np.int16) - seen).mean(2)
    of_object = float(difference[mask > 0].mean()) if mask.any() else float('nan')
    return Reconstruction(pair.stem, pair.class_id, float(difference.mean()), of_object)
