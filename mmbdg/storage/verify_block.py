"""The check of one block: its manifest lines, and the files of its samples, which are read and decoded."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mmbdg.errors import InputError, os_error_text
from mmbdg.images import open_grey, open_image
from mmbdg.paths import check_regular, inside
from mmbdg.reading import read_array, read_bytes
from mmbdg.storage.checksums import KEY, checksum, file_checksum, lines_checksum
from mmbdg.storage.findings import Block, Problem
from mmbdg.storage.layout import kinds_of, sample_files, shard_name
from mmbdg.storage.masks import ignore_label, read_labels
from mmbdg.storage.records import Record
from mmbdg.storage.shards import read_from_shard

MOST_PICTURE_BYTES = 2**29


class BlockCheck:
    """Checks blocks of a dataset. It can be used in forked processes.

    Args:
        root: Folder of the dataset.
        info: Content of ``dataset.json``.
    """

    def __init__(self, root: Path, info: Mapping) -> None:
        self.root, self.info, self.kinds = root, info, kinds_of(info)
        self.labels, self.ignore = len(info['classes']), ignore_label(len(info['classes']))
        self.sharded = info.get('format', 'folder') == 'shards'

    def __call__(self, block: Block, lines: Sequence[Mapping], record: Record | None) -> list[Problem]:
        """Return the problems of a block.

        Args:
            block: Class folder and number of the block.
            lines: Manifest lines of the block, already checked against schema, class and folder.
            record: Record of the block in ``blocks.jsonl``; None if it is unknown.
        """
        found: list[Problem] = []
        name = f'block {block[1]} of {block[0]}'
        if record and len(lines) != record['samples']:
            found.append(Problem('manifest.jsonl', f'has {len(lines)} lines of {name}, {record["samples"]} were written', block))
        elif record and lines_checksum(lines) != record['lines']:
            found.append(Problem('manifest.jsonl', f'the lines of {name} do not match their checksum', block))
        size = self._check_shard(block, lines, record, found) if self.sharded else 0
        for line in lines:
            for kind in self.kinds:
                size += self._check_file(block, line, kind, found)
        if record and not found and size != record['bytes']:
            found.append(Problem(name, f'has {size:,} bytes, {record["bytes"]:,} were written', block))
        return found

    def _check_shard(self, block: Block, lines: Sequence[Mapping], record: Record | None, found: list[Problem]) -> int:
        """Check the tar file, and return its size in bytes."""
        if not lines:
            return 0
        name = shard_name(*block)
        try:
            path = inside(self.root, name)
            size = check_regular(path).st_size
            if record and record.get('shard', file_checksum(path)) != file_checksum(path):
                found.append(Problem(name, 'does not match its checksum', block))
            return size
        except (InputError, OSError) as error:
            found.append(Problem(name, _reason(error), block))
            return 0

    def _check_file(self, block: Block, line: Mapping, kind: str, found: list[Problem]) -> int:
        """Check one file of a sample, and return its size in bytes (0 in a shard)."""
        name = sample_files(block[0], line['id'], self.info.get('image_suffix', '.png'), self.sharded)[kind]
        place = f'{line["shard"]}:{name}' if self.sharded else name
        try:
            if self.sharded:
                data = read_from_shard(inside(self.root, line['shard']), name)
            else:
                data = read_bytes(inside(self.root, name), MOST_PICTURE_BYTES)
            known = line.get(KEY, {}).get(kind)
            if known is not None and checksum(data) != known:
                raise InputError('does not match its checksum')
            if kind == 'image' and line.get('unchanged') and line.get('original', {}).get(KEY) != known:
                raise InputError('is not the original file that its manifest line names')
            self._decode(data, kind, place)
            return 0 if self.sharded else len(data)
        except (InputError, OSError) as error:
            found.append(Problem(place, _reason(error).removeprefix(f'{place} '), block))
            return 0

    def _decode(self, data: bytes, kind: str, name: str) -> None:
        size = self.info['resolution']
        if kind == 'tokens':
            if read_array(data, name).ndim != 1:
                raise InputError(f'{name} does not hold a one-dimensional array of tokens')
            return
        if kind == 'mask':
            read_labels(data, size, self.labels, self.ignore, name)
            return
        shape = (open_image if kind == 'image' else open_grey)(data, name).shape
        if shape[:2] != (size, size):
            raise InputError(f'{name} has {shape[1]}x{shape[0]} pixels, expected {size}x{size} (dataset.json)')


def _reason(error: InputError | OSError) -> str:
    return str(error) if isinstance(error, InputError) else os_error_text(error)
