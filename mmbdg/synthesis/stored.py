"""A finished dataset, read by sample."""

import io
import os
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from mmbdg.errors import InputError
from mmbdg.interpreter import ignore_label
from mmbdg.paths import inside, refuse_links_out, relative_path
from mmbdg.reading import read_json
from mmbdg.schema import OpenSchema, PlainName
from mmbdg.synthesis.layout import IDENTITY, KINDS, folder_of, sample_files
from mmbdg.synthesis.manifest import Manifest
from mmbdg.synthesis.shards import read_from_shard, shard_url


class GeneratorClass(OpenSchema):
    """A class of the generator in ``dataset.json``."""

    name: str
    folder: PlainName


class Info(OpenSchema):
    """What ``dataset.json`` must hold."""

    classes: Annotated[list[str], Field(min_length=2, max_length=65_534)]
    palette: list[Annotated[list[Annotated[int, Field(ge=0, le=255)]], Field(min_length=3, max_length=3)]]
    resolution: Annotated[int, Field(ge=1, le=65_535)]
    generator_classes: Annotated[list[GeneratorClass], Field(min_length=1)]
    counts: dict[PlainName, Annotated[int, Field(ge=0)]]
    label_space: str = 'fgbg'
    format: Literal['folder', 'shards'] = 'folder'
    image_suffix: Literal['.png', '.jpg'] = '.png'
    uncertainty_maps: Annotated[float, Field(gt=0)] | None = None
    tokens: bool = False
    filters: dict[PlainName, dict[str, int]] = {}
    licence: str = ''
    checksums: dict[str, str] = {}
    versions: dict[str, str | None] = {}
    config: dict = {}


class StoredDataset:
    """A finished dataset of our layout (see :mod:`mmbdg.synthesis.layout`), as folders or as tar shards.

    Args:
        root: Its folder.

    Attributes:
        info: What ``dataset.json`` says.
        lines: Those of ``manifest.jsonl``, one a sample.
        ignore: Value of mask pixels that do not count: 255, or 65535 in masks of more than 254 labels (uint16).

    Raises:
        InputError: The folder is missing or unfinished; dataset.json is not as it should be; the manifest does not hold what it counts; a
            link leads out of the folder.
    """

    def __init__(self, root: str | os.PathLike) -> None:
        self.root = root = Path(root)
        if not (root / 'dataset.json').is_file():
            state = 'is unfinished' if (root / IDENTITY).is_file() else 'holds no synthetic dataset'
            raise InputError(f'{root} {state} (no dataset.json): python tools/synthesize.py CONFIG {root}')
        try:
            self.info = read_json(inside(root, 'dataset.json'), Info)
            self.lines = Manifest(inside(root, 'manifest.jsonl'))
        except InputError as error:
            raise InputError(f'{root} is damaged ({error}): python tools/synthesize.py CONFIG {root} repairs it') from error
        refuse_links_out(root, *KINDS)
        counted = sum(self.info['counts'].values())
        if len(self.lines) != counted:
            raise InputError(
                f'{root}/manifest.jsonl has {len(self.lines)} lines, dataset.json counts {counted}: '
                f'python tools/synthesize.py CONFIG {root} repairs it'
            )
        self.ignore = ignore_label(len(self.info['classes']))

    def image(self, line: dict) -> np.ndarray:
        """RGB uint8 (H,W,3) of a line of the manifest.

        Raises:
            InputError: The file is missing or cut off.
        """
        return self._picture(line, 'image')

    def mask(self, line: dict) -> np.ndarray:
        """uint8 or uint16 (H,W) of a line of the manifest: ids of ``info['classes']``, :attr:`ignore` where a pixel does not count.

        Raises:
            InputError: The file is missing or cut off.
        """
        return self._picture(line, 'mask')

    def uncertainty_map(self, line: dict) -> np.ndarray | None:
        """float32 (H,W), nats, in steps of a 255th of ``info['uncertainty_maps']``; None if the dataset has no such maps."""
        top = self.info.get('uncertainty_maps')
        return None if top is None else self._picture(line, 'uncertainty').astype(np.float32) * (top / 255)

    def tokens(self, line: dict) -> np.ndarray | None:
        """A VQGAN sample's tokens, int32 (L,); None if the dataset has none."""
        if not self.info.get('tokens'):
            return None
        return np.load(io.BytesIO(self.stored_bytes(line, 'tokens')), allow_pickle=False).astype(np.int32)

    def paths(self, line: dict) -> tuple[str, str]:
        """Image and mask of a line for ``mmengine.fileio``: paths, or ``tar://SHARD!NAME``."""
        files = self._names(line)
        if shard := self._shard(line):
            return shard_url(shard, files['image']), shard_url(shard, files['mask'])
        return str(self.root / files['image']), str(self.root / files['mask'])

    def _picture(self, line: dict, kind: str) -> np.ndarray:
        from PIL import Image

        try:
            with Image.open(io.BytesIO(self.stored_bytes(line, kind))) as picture:
                return np.asarray(picture)
        except OSError as error:
            where = (self._shard(line) or self.root) / self._names(line)[kind]
            raise InputError(f'{where} is missing or cut off ({error}); lost files come back when the synthesis is run again') from error

    def stored_bytes(self, line: dict, kind: str) -> bytes:
        """One of a sample's files, "image", "mask", "uncertainty" or "tokens", as it is stored.

        Raises:
            InputError: Its shard is missing or cut off.
            OSError: The file is missing.
        """
        name = self._names(line)[kind]
        shard = self._shard(line)
        return read_from_shard(shard, name) if shard else (self.root / name).read_bytes()

    def _shard(self, line: dict) -> Path | None:
        return self.root / relative_path(line['shard']) if line.get('shard') else None

    def _names(self, line: dict) -> dict[str, str]:
        return sample_files(folder_of(line), line['id'], self.info.get('image_suffix', '.png'), sharded=bool(line.get('shard')))
