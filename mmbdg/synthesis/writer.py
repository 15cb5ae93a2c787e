"""Writing the samples of a block, as folders or as a shard."""

import io
import json
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from mmbdg.files import write_atomically
from mmbdg.synthesis.block import BlockResult, Sample
from mmbdg.synthesis.labelled_generator import LabelledGenerator
from mmbdg.synthesis.layout import BlockRecords, sample_files, sample_id, shard_name
from mmbdg.synthesis.plan import Synthesis
from mmbdg.synthesis.shards import write_shard
from mmbdg.synthesis.stages import Stages


class BlockWriter:
    """Writes blocks, files first, then the record that they are finished.

    Args:
        out: The dataset's folder.
        plan: Of the dataset.
        generator: Of the plan, for the names of the classes.
        stages: Takes the time.
        workers: Threads that encode and write while the next block is computed; 0 to do it in turn.
    """

    def __init__(self, out: Path, plan: Synthesis, generator: LabelledGenerator, stages: Stages, workers: int = 0) -> None:
        self.out, self.plan, self.generator, self.stages = out, plan, generator, stages
        self.records = BlockRecords(out)
        self._encoders = ThreadPoolExecutor(workers) if workers else None
        self._behind = ThreadPoolExecutor(1) if workers else None
        self._pending: Future | None = None

    def write(self, class_id: int, block: int, result: BlockResult, wanted: int) -> None:
        """The first ``wanted`` samples of a block."""
        self.wait()
        if self._behind:
            self._pending = self._behind.submit(self._write, class_id, block, result, wanted)
        else:
            self._write(class_id, block, result, wanted)

    def wait(self) -> None:
        """Until everything is on the disk; what went wrong there is raised here."""
        if self._pending:
            self._pending.result()
            self._pending = None

    def close(self) -> None:
        """End the threads."""
        for pool in (self._behind, self._encoders):
            if pool:
                pool.shutdown(cancel_futures=True)

    def _write(self, class_id: int, block: int, result: BlockResult, wanted: int) -> None:
        samples = result.samples[:wanted]
        with self.stages('write', len(samples)):
            lines = [self.line(class_id, block, sample) for sample in samples]
            encode = self._encoders.map if self._encoders else map
            encoded = list(encode(self.encode, samples))
            folder = self.generator.folders[class_id]
            size = (
                self._write_shard(folder, block, lines, encoded)
                if self.plan.format == 'shards'
                else self._write_files(folder, lines, encoded)
            )
            self.records.write(folder, block, {**result.outcome, 'bytes': size}, lines)

    def _write_files(self, folder: str, lines: Sequence[dict], encoded: Sequence[dict[str, bytes]]) -> int:
        size = 0
        for line, contents in zip(lines, encoded, strict=True):
            names = sample_files(folder, line['id'], self.plan.image_suffix)
            for kind, content in contents.items():
                path = self.out / names[kind]
                if not (path.is_file() and path.stat().st_size == len(content)):  # what is there whole is the same
                    write_atomically(path, lambda part, content=content: part.write_bytes(content))
                size += len(content)
        return size

    def _write_shard(self, folder: str, block: int, lines: Sequence[dict], encoded: Sequence[dict[str, bytes]]) -> int:
        if not lines:
            return 0
        files = []
        for line, contents in zip(lines, encoded, strict=True):
            names = sample_files(folder, line['id'], self.plan.image_suffix, sharded=True)
            files += [(names[kind], content) for kind, content in contents.items()]
            files.append((f'{folder}/{line["id"]}.json', json.dumps(line, ensure_ascii=False).encode()))
        path = self.out / shard_name(folder, block)
        write_shard(path, files)
        return path.stat().st_size

    def line(self, class_id: int, block: int, sample: Sample) -> dict:
        """A sample's line of the manifest."""
        folder = self.generator.folders[class_id]
        kind = 'wnid' if len(folder) == 9 and folder[0] == 'n' and folder[1:].isdigit() else 'slug'
        return {
            'id': sample_id(sample.index),
            'class': class_id,
            kind: folder,
            'seed': self.plan.seed,
            'truncation': self.generator.truncation,
            'classifier_score': None if sample.score is None else round(sample.score, 6),
            'uncertainty': round(sample.uncertainty, 6),
            'foreground_ratio': round(sample.foreground_ratio, 6),
            **({'shard': shard_name(folder, block)} if self.plan.format == 'shards' else {}),
        }

    def encode(self, sample: Sample) -> dict[str, bytes]:
        """The contents of a sample's files."""
        options = dict(format='JPEG', quality=self.plan.jpeg_quality) if self.plan.image == 'jpeg' else dict(format='PNG')
        contents = dict(image=_picture(sample.image, **options), mask=_picture(sample.mask, format='PNG'))
        if sample.disagreement is not None:
            contents['uncertainty'] = _picture(sample.disagreement, format='PNG')
        if sample.tokens is not None:
            buffer = io.BytesIO()
            np.save(buffer, sample.tokens, allow_pickle=False)
            contents['tokens'] = buffer.getvalue()
        return contents


def _picture(array: np.ndarray, **options: object) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, **options)
    return buffer.getvalue()
