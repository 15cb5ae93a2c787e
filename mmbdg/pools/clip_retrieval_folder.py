"""Output folder of clip-retrieval's command "inference": embeddings and metadata; the images are separate files."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from types import ModuleType

import numpy as np

from mmbdg.errors import InputError
from mmbdg.listing import list_files
from mmbdg.paths import check_regular, inside
from mmbdg.pools.base import Modality, Pool
from mmbdg.pools.entry import Entry, facts_in, unused_columns
from mmbdg.pools.faults import MISSING_CAPTION, MISSING_IMAGE, Faults
from mmbdg.reading import read_array, read_bytes

METADATA, EMBEDDINGS = 'metadata', dict(image='img_emb', text='text_emb')
IMAGE_PATH = 'image_path'
MOST_BYTES = 2**36
"""Largest size of a file of embeddings in bytes."""


class ClipRetrievalFolder(Pool):
    """``metadata/*.parquet`` with the columns ``image_path`` and ``caption``, ``img_emb/*.npy`` and ``text_emb/*.npy``.

    The images are files; ``image_path`` is relative to ``images``, or an absolute path below it. Columns ``url``, ``LICENSE``, ``NSFW`` and
    ``similarity`` are optional. Parquet is read by pyarrow, which mmbdg does not install.

    Args:
        folder: Path of the folder.
        images: Path of the folder of the images. Default: the folder itself.

    Raises:
        InputError: There is no such folder.
    """

    layout = 'clip_retrieval_folder'

    def __init__(self, folder: str, images: str | None = None) -> None:
        super().__init__(folder)
        if images is not None:
            self.images = Path(images).expanduser()
        if not self.images.is_dir():
            raise InputError(f'there is no folder of images {images}')

    def entries(self, faults: Faults) -> Iterator[Entry]:
        row = -1
        for path in self._parts(METADATA, '.parquet'):
            table = _table(path)
            if lacking := [name for name in (IMAGE_PATH, 'caption') if name not in table]:
                raise InputError(f'{path} has no column "{lacking[0]}"; it has {", ".join(table)}')
            if unused := unused_columns(table, (IMAGE_PATH,)):
                self.notes.append(f'{path}: columns that are not used: {", ".join(unused)}')
            for values in zip(*table.values(), strict=True):
                row += 1
                columns = dict(zip(table, values, strict=True))
                name = self._relative(str(columns.pop(IMAGE_PATH)), path)
                facts = facts_in(columns, f'{path}, row {row}')
                if not (image := inside(self.images, name, source=path)).is_file():
                    faults.note(MISSING_IMAGE, name)
                elif not facts['caption']:
                    faults.note(MISSING_CAPTION, name)
                else:
                    yield Entry(name, image.stat().st_size, **facts, row=row)

    def _relative(self, name: str, source: Path) -> str:
        path, images = PurePosixPath(name), PurePosixPath(self.images.absolute().as_posix())
        if not path.is_absolute():
            return name
        if not path.is_relative_to(images):
            raise InputError(
                f'{source} names the image {name[:200]}, which is not below {images}: state their folder as "images" of the pool'
            )
        return path.relative_to(images).as_posix()

    def _parts(self, folder: str, suffix: str) -> list[Path]:
        parts = list_files(self.folder / folder, (suffix,), depth=0).files
        if not parts:
            raise InputError(f'{self.folder / folder} has no {suffix} files')
        return parts

    def file(self, name: str) -> Path:
        return inside(self.images, name)

    def files(self) -> Iterator[tuple[str, int | str]]:
        folders = {METADATA: '.parquet'} | {name: '.npy' for name in EMBEDDINGS.values() if (self.folder / name).is_dir()}
        for folder, suffix in folders.items():
            for path in self._parts(folder, suffix):
                yield f'{folder}/{path.name}', check_regular(path).st_size

    def vectors(self, modality: Modality) -> Iterator[np.ndarray] | None:
        folder = EMBEDDINGS[modality]
        if not (self.folder / folder).is_dir():
            return None
        return (_unit(path) for path in self._parts(folder, '.npy'))


def _unit(path: Path) -> np.ndarray:
    """Vectors of a file, scaled to length 1, float32 (N,D)."""
    vectors = read_array(read_bytes(path, MOST_BYTES), path).astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True) if vectors.ndim == 2 else np.zeros(1)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise InputError(f'{path} has the shape {vectors.shape}, or vectors of length 0 or without a length; embeddings are (N,D)')
    return vectors / lengths


def _table(path: Path) -> dict[str, list]:
    """Columns of a Parquet file by name."""
    parquet = _pyarrow()
    check_regular(path)
    try:
        return parquet.read_table(path).to_pydict()
    except Exception as error:  # exceptions of Arrow and of the system
        raise InputError(f'{path} cannot be read as Parquet: {str(error).splitlines()[0]}') from error


def _pyarrow() -> ModuleType:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise InputError(f"clip-retrieval's metadata are Parquet files, which pyarrow reads: pip install pyarrow ({error})") from error
    return parquet
