"""The samples given to an annotator: latents, and images if there are any."""

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from mmbdg.annotation.drawn import Problem
from mmbdg.annotation.file_tree import FileTree
from mmbdg.errors import InputError
from mmbdg.reading import read_array


@dataclass(frozen=True)
class Sampled:
    """One sample.

    Args:
        stem: Name of the sample.
        folder: Class folder of the sample.
        class_id: Class id, the second-to-last part of the name.
        latent: Unchanged bytes of its .npy file.
        image: Path of its image in the tree of images; None if there is none.
    """

    stem: str
    folder: str
    class_id: int
    latent: bytes
    image: str | None


def class_id_of(stem: str) -> int:
    """``<prefix>_<class id>_<index>`` -> class id.

    Raises:
        InputError: The name does not have this form.
    """
    try:
        class_id = int(stem.split('_')[-2])
    except (IndexError, ValueError):
        class_id = -1
    if class_id < 0:
        raise InputError('the name does not end in _<class id>_<index>')
    return class_id


def decode_latent(data: bytes) -> np.ndarray:
    """Array of a .npy file, of any shape.

    Raises:
        InputError: The data are not a complete .npy file, or hold nan, inf or no numbers.
    """
    try:
        z = read_array(data, 'it')
    except InputError as error:
        raise InputError(f'is not a .npy file of numbers, or is truncated ({error})') from error
    if z.dtype.kind not in 'fiu':
        raise InputError('holds no array of real numbers')
    if not np.isfinite(z).all():
        raise InputError('holds nan or inf')
    return z


def find_sets(latents: FileTree) -> list[str]:
    """Names of the sets: the folders above the class folders."""
    return sorted({PurePosixPath(name).parts[-3] for name in latents.ending_in('.npy') if len(PurePosixPath(name).parts) > 2})


def read_samples(latents: FileTree, images: FileTree | None) -> tuple[dict[str, Sampled], list[Problem]]:
    """All valid samples of a set by their name, and the problems of the others.

    Args:
        latents: Files ``<class>/<stem>.npy``.
        images: Files ``<class>/<stem>.png``; None if there are none.
    """
    pictures = {(PurePosixPath(path).parent.name, PurePosixPath(path).stem): path for path in images.ending_in('.png')} if images else {}
    samples: dict[str, Sampled] = {}
    widths: dict[str, int] = {}
    problems: list[Problem] = []
    places: dict[str, str] = {}
    folder_of: dict[int, str] = {}
    for path in latents.ending_in('.npy'):
        pure = PurePosixPath(path)
        stem, folder, where = pure.stem, pure.parent.name, latents.where(path)
        try:
            if stem in places:
                samples.pop(stem, None)
                raise InputError(f'the same name as {places[stem]}; names must be unique across classes')
            places[stem] = where
            class_id = class_id_of(stem)
            if folder_of.setdefault(class_id, folder) != folder:
                raise InputError(f'class {class_id} has the folder {folder_of[class_id]} elsewhere')
            data = latents.read(path)
            widths[stem] = decode_latent(data).size
            samples[stem] = Sampled(stem, folder, class_id, data, pictures.get((folder, stem)))
        except InputError as error:
            problems.append(Problem(where, str(error), stem))
    usual = most_common(widths.values())
    for stem, width in widths.items():
        if width != usual:
            problems.append(Problem(places[stem], f"holds {width} numbers, the others {usual}; is it another generator's?", stem))
            samples.pop(stem, None)
    return samples, problems


def most_common(values: Iterable[Hashable]) -> Hashable:
    """The most frequent value; None if there are no values."""
    return next((value for value, _ in Counter(values).most_common(1)), None)
