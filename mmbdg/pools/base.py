"""Interface of all layouts of a pool."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from mmbdg.errors import InputError
from mmbdg.images import image_size, open_image
from mmbdg.pools.entry import Entry
from mmbdg.pools.faults import Faults

Modality = Literal['image', 'text']


class Pool(ABC):
    """Images with captions in a folder.

    Args:
        folder: Path of the folder.

    Attributes:
        layout: Name of the layout.
        has_files: Whether each image is a file of its own, and no part of a shard.
        images: Path of the folder to which the names of images are relative.
        notes: Remarks on ignored content that is not a fault, such as unused columns; filled by :meth:`entries`.

    Raises:
        InputError: There is no such folder.
    """

    layout: ClassVar[str]
    has_files: ClassVar[bool] = True

    def __init__(self, folder: str) -> None:
        self.folder = self.images = Path(folder).expanduser()
        self.notes: list[str] = []
        if not self.folder.is_dir():
            raise InputError(f'there is no pool {folder}: it must be a folder')

    @abstractmethod
    def entries(self, faults: Faults) -> Iterator[Entry]:
        """Read the entries in a fixed order, without opening the images.

        Args:
            faults: Collects the entries without a caption or an image.

        Raises:
            InputError: A file that lists entries cannot be read, or is ambiguous.
        """

    @abstractmethod
    def file(self, name: str) -> Path | bytes:
        """Path of the image file of an entry; its bytes if it is a part of a shard.

        Raises:
            InputError: The name leads out of the pool, or there is no such part of a shard.
        """

    def image(self, name: str) -> np.ndarray:
        """Image of an entry, RGB uint8 (H,W,3).

        Raises:
            InputError: The image is missing or damaged.
        """
        return open_image(self.file(name), str(self.images / name))

    def check_image(self, name: str) -> None:
        """Check that an image exists and has a valid header, without decoding its pixels.

        Raises:
            InputError: The image is missing or damaged.
        """
        image_size(self.file(name), str(self.images / name))

    @abstractmethod
    def files(self) -> Iterator[tuple[str, int | str]]:
        """Name of each file of the pool with its size in bytes or its checksum, in a fixed order."""

    def vectors(self, modality: Modality) -> Iterator[np.ndarray] | None:
        """Embeddings that the pool provides, float32 (N,D) each, all rows in order; None if there are none."""
        return None

    def checksum(self) -> str:
        """BLAKE2b checksum of :meth:`files`. A change that keeps the size of a file may not be detected."""
        state = blake2b(self.layout.encode(), digest_size=16)
        for name, size in self.files():
            state.update(f'\0{name}\0{size}'.encode(errors='surrogatepass'))
        return state.hexdigest()


def size_of(path: Path) -> int:
    """Size of a file in bytes; 0 if it cannot be read, such as a broken link."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
