"""Writer of the samples of a block, as folders or as a shard."""

import io
import json
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from mmbdg.errors import InputError
from mmbdg.files import link_atomically, sync_files, write_atomically
from mmbdg.storage.checksums import KEY, checksum, file_checksum, lines_checksum
from mmbdg.storage.layout import sample_files, sample_id, shard_name
from mmbdg.storage.records import BlockRecords, Record, new_record
from mmbdg.storage.shards import write_shard
from mmbdg.synthesis.block import BlockMaker, BlockResult, Sample


class BlockWriter:
    """Writes the files of blocks, and then their records.

    Args:
        out: Folder of the dataset.
        maker: Maker of the blocks. It determines the files of a sample.
        workers: Number of threads that encode and write while the next block is computed. 0 encodes in the main thread.
            Default: 0.
        run: Name of this run, for the records. Default: ''.
        sync: Whether to wait until a block's files are on the disk before its record is written. A power loss then cannot
            leave a record of incomplete files. Otherwise such files are detected by their checksums only. The waiting runs
            while the next block is computed. Default: True.
    """

    def __init__(
        self,
        out: Path,
        maker: BlockMaker,
        workers: int = 0,
        run: str = '',
        sync: bool = True,
    ) -> None:
        self.out, self.plan, self.catalogue, self.stages, self.sync = out, maker.plan, maker.catalogue, maker.stages, sync
        self.links = maker.source.store == 'link'
        self.records = BlockRecords(out, run)
        self._encoders = ThreadPoolExecutor(workers) if workers else None
        self._behind = ThreadPoolExecutor(1) if workers or sync else None
        self._pending: Future | None = None

    def write(self, class_id: int, block: int, result: BlockResult, wanted: int, expected: str | None = None) -> None:
        """Write the first ``wanted`` samples of a block.

        Args:
            class_id, block: Class index and number of the block.
            result: Result of the block.
            wanted: Number of samples to write.
            expected: Expected checksum of the manifest lines of a block that was made before. If it differs, nothing is
                written. Default: None, for a new block.

        Raises:
            InputError: The checksum differs from ``expected``.
        """
        self.wait()
        if self._encoders:
            self._pending = self._behind.submit(lambda: self._finish(*self._write(class_id, block, result, wanted, expected)))
            return
        written = self._write(class_id, block, result, wanted, expected)
        if self._behind:
            self._pending = self._behind.submit(self._finish, *written)
        else:
            self._finish(*written)

    def check(self, class_id: int, block: int, result: BlockResult, wanted: int, expected: str) -> None:
        """Compare the manifest lines of a block with their expected checksum. Nothing is written. See :meth:`write`.

        Raises:
            InputError: The checksum differs from ``expected``.
        """
        samples = result.samples[:wanted]
        lines = [self.line(class_id, block, sample, self.encode(sample)) for sample in samples]
        self._compare(self.catalogue.folders[class_id], block, lines, expected)

    def wait(self) -> None:
        """Wait until everything is written and recorded. Errors of the writing threads are raised here."""
        pending, self._pending = self._pending, None
        if pending:
            pending.result()

    def close(self) -> None:
        """End the threads."""
        for pool in (self._behind, self._encoders):
            if pool:
                pool.shutdown(cancel_futures=True)

    def _write(
        self, class_id: int, block: int, result: BlockResult, wanted: int, expected: str | None
    ) -> tuple[list[Path], Record, list[dict]]:
        """Write the files of a block, and return the arguments of :meth:`_finish`."""
        samples = result.samples[:wanted]
        with self.stages('write', len(samples)):
            encode = self._encoders.map if self._encoders else map
            encoded = list(encode(self.encode, samples))
            lines = [self.line(class_id, block, sample, contents) for sample, contents in zip(samples, encoded, strict=True)]
            folder = self.catalogue.folders[class_id]
            if expected is not None:
                self._compare(folder, block, lines, expected)
            if self.plan.format == 'shards':
                paths = self._write_shard(folder, block, lines, encoded)
            else:
                paths = self._write_files(folder, lines, encoded, samples)
            size, shard = sum(path.stat().st_size for path in paths), None
            if paths and self.plan.format == 'shards':
                shard = file_checksum(paths[0])
            return paths, new_record(folder, block, result.outcome, lines, size, shard), lines

    def _finish(self, paths: Sequence[Path], record: Record, lines: Sequence[dict]) -> None:
        if paths and self.sync:
            sync_files(paths, self.out)
        self.records.write(record, lines, self.sync)

    def _compare(self, folder: str, block: int, lines: Sequence[dict], expected: str) -> None:
        if lines_checksum(lines) != expected:
            raise InputError(
                f'block {block} of the class {folder} differs from the original block of {self.out}: the plan or the generator is another '
                'one, or this machine computes other values. The block was not changed; use the original config and machine'
            )

    def _write_files(
        self, folder: str, lines: Sequence[dict], encoded: Sequence[dict[str, bytes]], samples: Sequence[Sample]
    ) -> list[Path]:
        paths = []
        for line, contents, sample in zip(lines, encoded, samples, strict=True):
            names = sample_files(folder, line['id'], self.plan.image_suffix)
            for kind, content in contents.items():
                path = self.out / names[kind]
                if _holds(path, content):
                    pass
                elif kind == 'image' and self.links and self.is_unchanged(sample):
                    if not _holds(sample.original.path, content):
                        raise InputError(f'{sample.original.path} has changed while the dataset was made; repeat the command')
                    link_atomically(sample.original.path, path)
                else:
                    write_atomically(path, lambda part, content=content: part.write_bytes(content), sync=False)
                paths.append(path)
        return paths

    def is_unchanged(self, sample: Sample) -> bool:
        """Whether the image of a sample is stored as the given file, and not encoded."""
        return sample.original is not None and sample.original.suffix == self.plan.image_suffix

    def _write_shard(self, folder: str, block: int, lines: Sequence[dict], encoded: Sequence[dict[str, bytes]]) -> list[Path]:
        if not lines:
            return []
        files = []
        for line, contents in zip(lines, encoded, strict=True):
            names = sample_files(folder, line['id'], self.plan.image_suffix, sharded=True)
            files += [(names[kind], content) for kind, content in contents.items()]
            files.append((f'{folder}/{line["id"]}.json', json.dumps(line, ensure_ascii=False).encode()))
        path = self.out / shard_name(folder, block)
        write_shard(path, files, sync=False)
        return [path]

    def line(self, class_id: int, block: int, sample: Sample, contents: dict[str, bytes]) -> dict:
        """Return the manifest line of a sample. ``contents`` holds the contents of its files."""
        folder = self.catalogue.folders[class_id]
        kind = 'wnid' if len(folder) == 9 and folder[0] == 'n' and folder[1:].isdigit() else 'slug'
        return {
            'id': sample_id(sample.index),
            'class': class_id,
            kind: folder,
            'seed': self.plan.seed,
            **sample.record,
            **{field: round(score, 6) for field, score in sample.scores.items()},
            **({} if sample.uncertainty is None else {'uncertainty': round(sample.uncertainty, 6)}),
            **({} if sample.foreground_ratio is None else {'foreground_ratio': round(sample.foreground_ratio, 6)}),
            **({} if sample.original is None else {'original': dict(sample.original.facts), 'unchanged': self.is_unchanged(sample)}),
            **({'shard': shard_name(folder, block)} if self.plan.format == 'shards' else {}),
            KEY: {kind: checksum(content) for kind, content in contents.items()},
        }

    def encode(self, sample: Sample) -> dict[str, bytes]:
        """Return the contents of a sample's files by kind."""
        options = dict(format='JPEG', quality=self.plan.jpeg_quality) if self.plan.image == 'jpeg' else dict(format='PNG')
        contents = dict(image=sample.original.data if self.is_unchanged(sample) else _picture(sample.image, **options))
        if sample.mask is not None:
            contents['mask'] = _picture(sample.mask, format='PNG')
        if sample.disagreement is not None:
            contents['uncertainty'] = _picture(sample.disagreement, format='PNG')
        if sample.tokens is not None:
            buffer = io.BytesIO()
            np.save(buffer, sample.tokens, allow_pickle=False)
            contents['tokens'] = buffer.getvalue()
        return contents


def _holds(path: Path, content: bytes) -> bool:
    """Whether a file exists with this content. The content is compared, because a file of the same size can be damaged."""
    return path.is_file() and path.stat().st_size == len(content) and file_checksum(path) == checksum(content)


def _picture(array: np.ndarray, **options: object) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, **options)
    return buffer.getvalue()
