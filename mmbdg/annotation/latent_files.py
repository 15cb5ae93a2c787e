"""Annotated latents on disk, in the layout of BigDatasetGAN's released data.

.. code-block:: none

    ROOT/annotations/NAME/<class>/<prefix>_<class id>_<index>.png   masks: any non-zero pixel is foreground
    ROOT/latents/NAME/<class>/<the same stem>.npy                   z, float (1,latent_dim)
    ROOT/images/NAME/<class>/<the same stem>.png                    generated images that were annotated
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mmbdg.annotation.mask_values import read_mask
from mmbdg.errors import InputError, listed
from mmbdg.files import write_npy, write_png
from mmbdg.generators import ClassConditionalGenerator, to_pixels
from mmbdg.listing import list_files, list_folders
from mmbdg.reading import read_array, read_bytes
from mmbdg.sources.latents import generator_inputs
from mmbdg.sources.truncation import Truncation, select_statistics


@dataclass(frozen=True)
class AnnotatedLatent:
    """A pair of files: a mask and its latent."""

    stem: str
    class_id: int
    mask_path: Path
    latent_path: Path

    def read_latent(self, latent_dim: int) -> np.ndarray:
        """Read z, float32 (latent_dim,); int64 if the file holds integers (tokens of a VQGAN).

        Raises:
            InputError: The file is not an array of finite numbers, or has another size.
        """
        z = read_array(self.latent_path)
        if not np.isfinite(z).all():
            raise InputError(f'{self.latent_path} holds nan or inf')
        if z.size != latent_dim:
            raise InputError(f"{self.latent_path} holds {z.shape}, the generator takes {latent_dim} numbers; is it another generator's?")
        return z.reshape(-1).astype(np.int64 if z.dtype.kind in 'iu' else np.float32)

    def read_mask(self, resolution: int, ignore_value: int | None = None) -> np.ndarray:
        """Read the mask, uint8 (resolution,resolution): 0 background, 255 foreground, 128 ignored.

        Args:
            resolution: Image side of the generator in pixels.
            ignore_value: Grey value of ignored pixels in the file; None: no pixel is ignored, and every value but 0 is foreground.

        Raises:
            InputError: The mask has another size, or is not a PNG with a clear background, see
                :func:`mmbdg.annotation.mask_values.read_values`.
        """
        try:
            mask = read_mask(read_bytes(self.mask_path), ignore_value)
        except InputError as error:
            raise InputError(f'{self.mask_path}: {error}') from error
        if mask.shape != (resolution, resolution):
            raise InputError(
                f'{self.mask_path} is {mask.shape[1]}x{mask.shape[0]} px, the generator makes {resolution}x{resolution}; '
                'a mask must have the size of its generated image'
            )
        return mask


def read_annotated_latents(
    root: str | os.PathLike, name: str, num_classes: int | None = None, allow_missing_classes: bool = False
) -> list[AnnotatedLatent]:
    """Read all pairs, sorted by class and index; masks and latents are paired by stem, never by position.

    Args:
        root: Folder with ``annotations/`` and ``latents/``.
        name: Name of the set, e.g. ``biggan512``.
        num_classes: Number of classes of the generator; class ids must be below it, and each class must have a pair. None: not checked.
        allow_missing_classes: Whether classes may have no pairs (the released data of BigGAN-512 lacks badly generated classes).

    Raises:
        InputError: A folder is missing, a class has no pairs, a mask has no latent or a latent no mask, or a stem has no class id. All
            problems are listed at once.
    """
    annotations, latents_root = Path(root) / 'annotations' / name, Path(root) / 'latents' / name
    for folder in (annotations, latents_root):
        if not folder.is_dir():
            raise InputError(f'there is no folder {folder}; annotated latents lie in ROOT/annotations/{name} and ROOT/latents/{name}')
    masks = {Path(stem): path for stem, path in list_files(annotations, ('.png',)).log().by_stem().items()}
    zs = {Path(stem): path for stem, path in list_files(latents_root, ('.npy',)).log().by_stem().items()}
    problems = [f'{path} lies in no class folder, or too deep' for path in [*masks.values(), *zs.values()] if not _in_a_class(path, root)]
    problems += [f'{masks[key]} has no latent {latents_root / key}.npy' for key in sorted(masks.keys() - zs.keys())]
    problems += [f'{zs[key]} has no mask {annotations / key}.png' for key in sorted(zs.keys() - masks.keys())]
    problems += [
        f'class folder {folder} holds no masks'
        for folder in list_folders(annotations)
        if not any(path.parent == folder for path in masks.values())
    ]
    pairs = []
    for key in sorted(masks.keys() & zs.keys()):
        try:
            class_id = int(key.name.split('_')[-2])
        except (IndexError, ValueError):
            problems.append(f'{masks[key]}: the name does not end in _<class id>_<index>')
            continue
        if num_classes is not None and not 0 <= class_id < num_classes:
            problems.append(f'{masks[key]}: class {class_id} is not among the {num_classes} classes of the generator')
        pairs.append(AnnotatedLatent(key.name, class_id, masks[key], zs[key]))
    missing = sorted(set(range(num_classes or 0)) - {pair.class_id for pair in pairs})
    if missing and not problems and not allow_missing_classes:
        first = ', '.join(map(str, missing[:20])) + (', ...' if len(missing) > 20 else '')
        problems.append(f'{len(missing)} of {num_classes} classes have no pairs: {first} (allow_missing_classes=True if that is meant)')
    if problems:
        raise InputError(
            f'{root} is no consistent set of annotated latents; nothing was read:\n  {listed(problems)}\n'
            'Add what is missing, or remove its partner.'
        )
    if not pairs:
        raise InputError(f'{annotations} and {latents_root} hold no pairs')
    return sorted(pairs, key=lambda pair: (pair.class_id, pair.stem))


def _in_a_class(path: Path, root: str | os.PathLike) -> bool:
    """Whether a path has the form ``root/KIND/NAME/<class>/FILE``."""
    return len(path.relative_to(root).parts) == 4


def write_samples(
    root: str | os.PathLike,
    name: str,
    generator: ClassConditionalGenerator,
    class_names: Sequence[str],
    per_class: int,
    seed: int,
    truncation: Truncation | dict | float | None = None,
    rule: Callable[[np.ndarray], np.ndarray] | None = None,
    indices: Sequence[Sequence[int]] | None = None,
    folders: Sequence[str] | None = None,
) -> int:
    """Write images and latents to annotate, at the addresses (class, 0 ... per_class - 1) or at those of ``indices``.

    Args:
        root, name: Root folder and name of the set, see the layout above.
        generator: Generator in eval mode.
        class_names: Name of each class.
        per_class: Number of samples of each class, if ``indices`` is None.
        seed: Seed of the latents.
        truncation: Truncation, see :class:`~mmbdg.sources.Truncation`; None: no truncation, as in the released annotations.
        rule: Foreground rule, image uint8 (R,R,3) -> bool (R,R), that writes masks too; None: no masks.
        indices: For each class the indices of its samples, e.g. from :mod:`mmbdg.annotation.pick`.
        folders: Folder names of the classes, e.g. wnids; default: slugs of the class names.

    Returns:
        Number of samples written.

    Raises:
        InputError: The set exists already (annotations are never overwritten), or the number of index lists is not the number of classes.
    """
    root = Path(root)
    check_free(root, name)
    chosen = [range(per_class)] * len(class_names) if indices is None else indices
    if len(chosen) != len(class_names):
        raise InputError(f'indices are given for {len(chosen)} classes, there are {len(class_names)}')
    select_statistics(generator, truncation)
    for class_id, slug in enumerate(folders or class_folders(class_names)):
        z, y = generator_inputs(generator, seed, [class_id] * len(chosen[class_id]), chosen[class_id], truncation)
        with torch.no_grad():
            images = to_pixels(generator(z, y))
        for row, (index, image) in enumerate(zip(chosen[class_id], images.permute(0, 2, 3, 1).cpu().numpy(), strict=True)):
            stem = f'{slug}/{slug}_{class_id}_{index}'
            write_png(root / 'images' / name / f'{stem}.png', image)
            write_npy(root / 'latents' / name / f'{stem}.npy', z[row : row + 1].cpu().numpy())
            if rule:
                write_png(root / 'annotations' / name / f'{stem}.png', rule(image).astype(np.uint8) * 255)
    return sum(map(len, chosen))


def check_free(root: str | os.PathLike, name: str) -> None:
    """Raise InputError if the set exists already."""
    if any((Path(root) / kind / name).exists() for kind in ('images', 'latents', 'annotations')):
        raise InputError(f'{root} already holds a set "{name}"; choose another folder or name')


def class_folders(class_names: Sequence[str]) -> list[str]:
    """Convert class names to folder names of letters, digits and hyphens.

    Raises:
        InputError: A name has no letter or digit, or two names give the same folder.
    """
    slugs = ['-'.join(''.join(c if c.isalnum() else ' ' for c in name.lower()).split()) for name in class_names]
    doubtful = [name for name, slug in zip(class_names, slugs, strict=True) if not slug or slugs.count(slug) > 1]
    if doubtful:
        raise InputError(
            f'each class needs a unique name of letters and digits; without other characters these are empty or equal: {doubtful}'
        )
    return slugs
