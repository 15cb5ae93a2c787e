"""Tar shards of images with captions, in the layout of webdataset and of img2dataset's output format "webdataset"."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

from mmbdg.errors import InputError
from mmbdg.listing import IMAGE_SUFFIXES, list_files
from mmbdg.paths import check_regular, inside
from mmbdg.pools.base import Pool
from mmbdg.pools.entry import Entry
from mmbdg.pools.faults import MISSING_IMAGE, Faults
from mmbdg.pools.sidecar_files import MOST_BYTES, SIDECARS, entry_of
from mmbdg.storage.shards import read_from_shard

ADVICE = 'index the pool again'


class CaptionShards(Pool):
    """Shards ``*.tar`` in a folder and its subfolders, which hold ``KEY.jpg`` or ``KEY.png``, ``KEY.txt`` and ``KEY.json``.

    A key ends at the first dot of the file's name, as in webdataset. Several shards may have the same key: an entry is named after its
    shard and its member. Captions and further columns are as in :class:`~mmbdg.pools.sidecar_files.SidecarFiles`.

    Args:
        folder: Path of the folder.
    """

    layout, has_files = 'caption_shards', False

    def entries(self, faults: Faults) -> Iterator[Entry]:
        left_out = 0
        for path in list_files(self.folder, ('.tar',)).files:
            shard = path.relative_to(self.folder).as_posix()
            samples: dict[str, dict[str, tuple[str, int, bytes]]] = {}
            for name, size, content in _members(inside(self.folder, shard)):
                key, suffix = _split(name)
                if suffix not in (*IMAGE_SUFFIXES, *SIDECARS):
                    left_out += 1
                elif suffix in (files := samples.setdefault(key, {})):
                    raise InputError(f'{path} holds {name} twice')
                else:
                    files[suffix] = (name, size, content)
            for key, files in samples.items():
                images = [suffix for suffix in files if suffix in IMAGE_SUFFIXES]
                if not images:
                    faults.note(MISSING_IMAGE, f'{shard}!{key}', 'only ' + ', '.join(name for name, _, _ in files.values()))
                    continue
                if len(images) > 1:
                    raise InputError(f'{path} holds several images of the key {key}: which one is meant?')
                name, size, _ = files[images[0]]
                contents = {suffix: files[suffix][2] for suffix in SIDECARS if suffix in files}
                if entry := entry_of(f'{shard}!{name}', size, contents, bytes, faults):
                    yield entry
        if left_out:
            self.notes.append(f'{self.folder}: {left_out} files in shards are not images, captions or JSON, and are not used')

    def file(self, name: str) -> bytes:
        shard, found, member = name.partition('.tar!')
        if not found:
            raise InputError(f'{name[:200]!r} names no file in a shard: SHARD.tar!MEMBER')
        return read_from_shard(inside(self.folder, f'{shard}.tar'), member, ADVICE)

    def files(self) -> Iterator[tuple[str, int | str]]:
        for path in list_files(self.folder, ('.tar',)).files:
            yield path.relative_to(self.folder).as_posix(), path.stat().st_size


def _members(path: Path) -> Iterator[tuple[str, int, bytes]]:
    """Name and size of each file in a shard, with the content of text and JSON."""
    check_regular(path)
    try:
        with tarfile.open(path, 'r:') as shard:
            for entry in shard:
                if not entry.isreg():
                    continue
                content = b''
                if _split(entry.name)[1] in SIDECARS:
                    if entry.size > MOST_BYTES:
                        raise InputError(f'{path}: {entry.name} has {entry.size:,} bytes; more than {MOST_BYTES:,} are not read')
                    content = shard.extractfile(entry).read()
                yield entry.name, entry.size, content
    except (tarfile.TarError, ValueError, OverflowError, EOFError, OSError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f'{path} is not a tar file or is truncated ({error})') from error


def _split(name: str) -> tuple[str, str]:
    """Key and suffix of a member."""
    folder, slash, file = name.rpartition('/')
    stem, dot, suffix = file.partition('.')
    return f'{folder}{slash}{stem}', f'{dot}{suffix}'.lower()
