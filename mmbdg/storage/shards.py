"""Tar shards: many small files of a dataset in one, as the library webdataset reads them.

The same files give the same bytes: times and owners are fixed. ``tar://PATH.tar!NAME`` names a file in a shard for everything in OpenMMLab
that reads through ``mmengine.fileio``; signs that URLs do not have are written as they are there (``%21`` for ``!``).
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
REPAIR = 'python tools/verify.py DATASET --repair makes it again'


def write_shard(path: str | os.PathLike, files: Iterable[tuple[str, bytes]], sync: bool = True) -> None:
    """Files by name, in the order given; ``sync`` as :func:`~mmbdg.files.write_atomically`."""

    def write(part: Path) -> None:
        with tarfile.open(part, 'w', format=tarfile.USTAR_FORMAT) as shard:
            for name, content in files:
                entry = tarfile.TarInfo(name)  # its defaults: no owner, time 0
                entry.size, entry.mode = len(content), 0o644
                shard.addfile(entry, io.BytesIO(content))

    write_atomically(path, write, sync)


def read_from_shard(path: str | os.PathLike, name: str, advice: str = REPAIR) -> bytes:
    """One file of a shard.

    Args:
        path: Of the shard.
        name: Of the file in it.
        advice: What to do where the shard is damaged; default: as for a dataset that mmbdg has made.

    Raises:
        InputError: There is no such shard or no such file in it, or the shard is cut off.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f'there is no shard {path}; {advice}')
    state = check_regular(path)
    index = _index(str(path), state.st_size, state.st_mtime_ns, advice)
    offset, size = index.get(name, (0, -1))
    if not 0 <= size <= state.st_size - offset:
        raise InputError(f'{path} does not hold {name} whole; is the shard cut off? {advice}')
    with open(path, 'rb') as shard:
        shard.seek(offset)
        return shard.read(size)


@lru_cache(maxsize=4096)
def _index(path: str, size: int, changed: int, advice: str) -> dict[str, tuple[int, int]]:
    """Where each file of a shard begins and how long it is; read anew when the shard has changed."""
    try:
        with tarfile.open(path, 'r:') as shard:
            return {entry.name: (entry.offset_data, entry.size) for entry in shard}
    except (tarfile.TarError, ValueError, OverflowError, EOFError, OSError) as error:
        raise InputError(f'{path} is no tar file or is cut off ({error}); {advice}') from error


def shard_url(path: str | os.PathLike, name: str) -> str:
    """How ``mmengine.fileio`` is told of a file in a shard."""
    return f'{PREFIX}{quote(os.fspath(path))}!{quote(name)}'


class TarBackend(BaseStorageBackend):
    """Lets ``mmengine.fileio``, and with it the loading transforms of mmcv and mmseg, read ``tar://PATH.tar!NAME``."""

    def get(self, filepath: str) -> bytes:
        path, found, name = str(filepath).removeprefix(PREFIX).partition('.tar!')
        if not found:
            raise InputError(f'{filepath} names no file in a shard: {PREFIX}PATH.tar!NAME')
        return read_from_shard(f'{unquote(path)}.tar', unquote(name))

    def get_text(self, filepath: str, encoding: str = 'utf-8') -> str:
        return self.get(filepath).decode(encoding)


register_backend('mmbdg.tar', TarBackend, prefixes='tar', force=True)
