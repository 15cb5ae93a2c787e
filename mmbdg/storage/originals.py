"""Image files that a dataset stores unchanged, as they were given, instead of encoding their pixels again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import Field

from mmbdg.errors import InputError
from mmbdg.image_files import header, image_limits, metadata_at_the_end, orientation
from mmbdg.images import open_image
from mmbdg.reading import read_bytes
from mmbdg.schema import Schema
from mmbdg.storage.checksums import Checksum, checksum

Store = Literal['encode', 'copy', 'link']
"""How a source stores given images: encoded again; as copies of the files where possible; the same as hard links."""
SUFFIXES = dict(PNG='.png', JPEG='.jpg')


class OriginalFacts(Schema):
    """The key ``original`` of a manifest line: the file from which the image was read."""

    bytes: Annotated[int, Field(ge=1)]
    blake2b: Checksum
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]


class Original(NamedTuple):
    """A given image file.

    Attributes:
        facts: Content of :class:`OriginalFacts`.
        suffix: ".png" or ".jpg" if every reader shows the file as the sample's image: an image of its size in greys or RGB of 8 bits,
            without orientation, transparency and further frames. Otherwise ''.
        data: Bytes of the file; b'' without a suffix.
        path: Path of the file. None if it is a part of a shard.
    """

    facts: dict[str, Any]
    suffix: str
    data: bytes
    path: Path | None


def given_image(file: Path | bytes, size: int, store: Store, name: str) -> tuple[np.ndarray, Original | None]:
    """Read a given image, and its file unless images are encoded again.

    Args:
        file: Path of the file, or its bytes.
        size: Height and width in pixels of the samples of the dataset.
        store: Value of the source's key.
        name: Name of the image in messages.

    Returns:
        RGB uint8 (H,W,3), and the file.

    Raises:
        InputError: The file is missing or damaged.
    """
    if store == 'encode':
        return open_image(file, name), None
    path, data = (None, file) if isinstance(file, bytes) else (file, read_bytes(file, image_limits()[1]))
    image = open_image(data, name)
    suffix = _suffix(data, name) if image.shape[:2] == (size, size) else ''
    facts = dict(bytes=len(data), blake2b=checksum(data), width=image.shape[1], height=image.shape[0])
    return image, Original(facts, suffix, data if suffix else b'', path)


def _suffix(data: bytes, name: str) -> str:
    with header(data, name) as picture:
        plain = (
            picture.mode in ('RGB', 'L') and 'transparency' not in picture.info and not any(';16' in str(tile[3]) for tile in picture.tile)
        )
        still = getattr(picture, 'n_frames', 1) == 1 and orientation(picture) == 1
        if not (plain and still) or (picture.format == 'PNG' and metadata_at_the_end(data)):
            return ''
        return SUFFIXES.get(picture.format, '')


def originals_of(read: Sequence[tuple[np.ndarray, Original | None]]) -> list[Original] | None:
    """The files of images that were read by :func:`given_image`; None if there are none."""
    originals = [original for _, original in read]
    return originals if any(originals) else None


def stored_as(store: Store) -> str:
    """Value of the key ``store`` in the identity of a source: copies and links have the same bytes."""
    return 'encode' if store == 'encode' else 'copy'


def check_store(store: str, has_files: bool, where: str) -> None:
    """Check a source's key ``store``.

    Args:
        store: Value of the key.
        has_files: Whether the given images are files, and no parts of shards.
        where: Name of the source in the config, for messages.

    Raises:
        InputError: Images in shards cannot be linked.
    """
    if store == 'link' and not has_files:
        raise InputError(f'{where}.store="link": the images lie in shards, so there are no files to link to; use store="copy"')
