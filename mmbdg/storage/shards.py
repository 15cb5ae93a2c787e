"""Tar shards: many small files of a dataset in one tar file. The library webdataset can read them.

The same files give the same bytes, because times and owners are fixed. ``tar://PATH.tar!NAME`` is the address of a file in
a shard for all OpenMMLab code that reads through ``mmengine.fileio``. Special characters are percent-encoded (``%21`` for
``!``).
"""

import io
import os
import tarfile
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, unquote

from mmengine.fileio import BaseStorageBackend, register_backend

from mmbdg.errors import InputError
from mmbdg.files import write_atomically
from mmbdg.paths import check_regular

PREFIX = 'tar://'
REPAIR = 'repair the dataset with python tools/verify.py DATASET --repair'


def write_shard(path: str | os.PathLike, files: Iterable[tuple[str, bytes]], sync: bool = True) -> None:
    """Write (name, content) pairs to a shard in the given order. For ``sync`` see :func:`~mmbdg.files.write_atomically`."""

    def write(part: Path) -> None:
        with tarfile.open(part, 'w', format=tarfile.USTAR_FORMAT) as shard:
            for name, content in files:
                entry = tarfile.TarInfo(name)  # the defaults are: no owner, time 0
                entry.size, entry.mode = len(content), 0o644
                shard.addfile(entry, io.BytesIO(content))

    write_atomically(path, write, sync)


def read_from_shard(path: str | os.PathLike, name: str, advice: str = REPAIR) -> bytes:
    """Read one file of a shard.

    Args:
        path: Path of the shard.
        name: Name of the file in the shard.
        advice: What to do if the shard is damaged, for the message. Default: repair of a dataset made by mmbdg.

    Raises:
        InputError: The shard or the file in it does not exist, or the shard is truncated.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f'there is no shard {path}; {advice}')
    state = check_regular(path)
    index = _index(str(path), state.st_size, state.st_mtime_ns, advice)
    offset, size = index.get(name, (0, -1))
    if not 0 <= size <= state.st_size - offset:
        raise InputError(f'{path} does not hold the complete file {name}; the shard may be cut off: {advice}')
    with open(path, 'rb') as shard:
        shard.seek(offset)
        return shard.read(size)


@lru_cache(maxsize=4096)
def _index(path: str, size: int, changed: int, advice: str) -> dict[str, tuple[int, int]]:
    """Return offset and size of each file of a shard. ``size`` and ``changed`` make the cache invalid when the shard changes."""
    try:
        with tarfile.open(path, 'r:') as shard:
            return {entry.name: (entry.offset_data, entry.size) for entry in shard}
    except (tarfile.TarError, ValueError, OverflowError, EOFError, OSError) as error:
        raise InputError(f'{path} is not a tar file or is cut off ({error}); {advice}') from error


def shard_url(path: str | os.PathLike, name: str) -> str:
    """Return the address of a file in a shard for ``mmengine.fileio``."""
    return f'{PREFIX}{quote(os.fspath(path))}!{quote(name)}'


class TarBackend(BaseStorageBackend):
    """Backend of ``mmengine.fileio`` that reads ``tar://PATH.tar!NAME``. The loading transforms of mmcv and mmseg use it."""

    def get(self, filepath: str) -> bytes:
        path, found, name = str(filepath).removeprefix(PREFIX).partition('.tar!')
        if not found:
            raise InputError(f'{filepath} is not the address of a file in a shard; use {PREFIX}PATH.tar!NAME')
        return read_from_shard(f'{unquote(path)}.tar', unquote(name))

    def get_text(self, filepath: str, encoding: str = 'utf-8') -> str:
        return self.get(filepath).decode(encoding)


register_backend('mmbdg.tar', TarBackend, prefixes='tar', force=True)
