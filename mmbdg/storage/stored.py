"""Reading of a finished dataset sample by sample."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mmbdg.errors import InputError
from mmbdg.images import open_grey, open_image
from mmbdg.paths import inside, refuse_links_out, relative_path
from mmbdg.reading import read_array, read_bytes, read_json
from mmbdg.schema import OpenSchema, PlainName, Schema, Text
from mmbdg.storage.catalogue import catalogue_of
from mmbdg.storage.checksums import KEY, Checksum, checksum
from mmbdg.storage.layout import IDENTITY, KINDS, folder_of, repair_hint, sample_files
from mmbdg.storage.line_index import LineIndex
from mmbdg.storage.manifest import Manifest, ManifestPart
from mmbdg.storage.masks import read_labels
from mmbdg.storage.selections import read_selection
from mmbdg.storage.shards import read_from_shard, shard_url


class ImageClass(OpenSchema):
    """An image class in ``dataset.json``."""

    name: Text
    folder: PlainName


class FileFacts(Schema):
    """Size and checksum of another file in ``dataset.json``."""

    bytes: Annotated[int, Field(ge=0)]
    blake2b: Checksum


class Info(OpenSchema):
    """Schema of ``dataset.json``."""

    classes: Annotated[list[Text], Field(max_length=65_534)]
    palette: list[Annotated[list[Annotated[int, Field(ge=0, le=255)]], Field(min_length=3, max_length=3)]]
    resolution: Annotated[int, Field(ge=1, le=65_535)]
    image_classes: Annotated[list[ImageClass], Field(min_length=1)] | None = None
    generator_classes: Annotated[list[ImageClass], Field(min_length=1)] | None = None
    counts: dict[PlainName, Annotated[int, Field(ge=0)]]
    label_space: str = 'fgbg'
    format: Literal['folder', 'shards'] = 'folder'
    image_suffix: Literal['.png', '.jpg'] = '.png'
    uncertainty_maps: Annotated[float, Field(gt=0)] | None = None
    tokens: bool = False
    masks: bool = True
    available: dict[PlainName, Annotated[int, Field(ge=0)]] = {}
    filters: dict[PlainName, dict[str, int]] = {}
    licence: Text = ''
    checksums: dict[str, str] = {}
    versions: dict[str, str | None] = {}
    config: dict = {}
    device: str = ''
    files: dict[Literal['manifest.jsonl', 'blocks.jsonl'], FileFacts] = {}
    blake2b: Checksum | None = None

    @model_validator(mode='after')
    def _complete(self) -> 'Info':
        if not (self.image_classes or self.generator_classes):
            raise PydanticCustomError('missing', 'image_classes is missing')
        if len(self.classes) < 2 and (self.masks or self.classes):
            raise PydanticCustomError('too_short', 'classes must name at least two labels, or none if there are no masks')
        return self


class StoredDataset:
    """A finished dataset in the layout of :mod:`mmbdg.storage.layout`, as folders or as tar shards.

    The constructor runs the fast checks: each manifest line is valid, its class, folder and file exist, and no sample
    occurs twice. The checksum and the pixels of a file are checked when the file is read. ``tools/verify.py`` checks all
    files.

    Args:
        root: Folder of the dataset.
        selection: Name of a selection made by ``tools/select_samples.py``; only its samples are read. Default: None, for
            all samples.

    Attributes:
        info: Content of ``dataset.json``. With a selection, ``counts`` holds the counts of its samples, and ``selection``
            its name, steps and dataset checksum.
        catalogue: Classes, labels, resolution and licence of the dataset.
        lines: Lines of ``manifest.jsonl``, one per sample.
        index: Classes and numbers of the samples, as arrays.
        places: Indices of the samples' lines in ``manifest.jsonl``, int64 (N,), ascending.
        ignore: Value of ignored mask pixels: 255, or 65535 in masks of more than 254 labels (uint16).

    Raises:
        InputError: The folder is missing or unfinished; dataset.json or a manifest line is invalid; the number of manifest
            lines is wrong; a file of a sample is missing; a link leads out of the folder; or the selection does not exist,
            is damaged or belongs to another dataset.
    """

    def __init__(self, root: str | os.PathLike, selection: str | None = None) -> None:
        self.root = root = Path(root)
        if not (root / 'dataset.json').is_file():
            if (root / IDENTITY).is_file() or (root / 'manifest.jsonl').is_file():
                raise InputError(
                    f'{root} is unfinished (no dataset.json): continue with python tools/synthesize.py CONFIG {root}; if the file was '
                    f'lost, restore it with {repair_hint(root)}'
                )
            raise InputError(f'{root} holds no synthetic dataset (no dataset.json): make one with python tools/synthesize.py CONFIG {root}')
        try:
            self.info = read_json(inside(root, 'dataset.json'), Info)
            self.catalogue = catalogue_of(self.info)
            self.lines = Manifest(inside(root, 'manifest.jsonl'))
            self.index = self._checked_index()
        except InputError as error:
            raise InputError(f'{root} is damaged ({error}): repair it with {repair_hint(root)}') from error
        self.ignore = self.catalogue.ignore
        self.places = np.arange(len(self.lines))
        if selection is not None:
            self._restrict(selection)

    def _restrict(self, selection: str) -> None:
        """Keep the samples of a selection only."""
        header, self.places = read_selection(self.root, selection, self.info, self.index)
        self.lines, self.index = ManifestPart(self.lines, self.places), self.index.part(self.places)
        made = {key: header[key] for key in ('name', 'steps', 'dataset')}
        self.info = {**self.info, 'counts': header['counts'], 'selection': made}

    def _checked_index(self) -> LineIndex:
        refuse_links_out(self.root, *KINDS)
        counted = sum(self.info['counts'].values())
        if len(self.lines) != counted:
            raise InputError(f'manifest.jsonl has {len(self.lines)} lines, expected {counted} (dataset.json)')
        index = LineIndex(self.lines, self.info, self.root / 'manifest.jsonl')
        missing = index.missing_files(self.root)
        if first := next(missing, None):
            raise InputError(f'{self.root / first} and {sum(1 for _ in missing)} other files are missing')
        return index

    def image(self, line: dict) -> np.ndarray:
        """Return the RGB image uint8 (H,W,3) of a manifest line.

        Raises:
            InputError: The file is missing or damaged, or its size differs from dataset.json.
        """
        return self._read(line, 'image', open_image)

    def mask(self, line: dict) -> np.ndarray:
        """Return the mask uint8 or uint16 (H,W) of a manifest line: ids of ``info['classes']``, and :attr:`ignore`.

        Raises:
            InputError: The dataset has no masks. Or the file is missing or damaged, its size differs from dataset.json, or
                it has colours or an unknown label.
        """
        if not self.catalogue.has_masks:
            raise InputError(f'{self.root} has no masks: its source produces images only')
        size, labels = self.info['resolution'], len(self.info['classes'])
        return self._read(line, 'mask', lambda data, name: read_labels(data, size, labels, self.ignore, name))

    def uncertainty_map(self, line: dict) -> np.ndarray | None:
        """Return the uncertainty map float32 (H,W) in nats of a manifest line. None if the dataset has no such maps.

        The values are multiples of ``info['uncertainty_maps'] / 255``.
        """
        top = self.info.get('uncertainty_maps')
        return None if top is None else self._read(line, 'uncertainty', open_grey).astype(np.float32) * (top / 255)

    def tokens(self, line: dict) -> np.ndarray | None:
        """Return the tokens int32 (L,) of a VQGAN sample. None if the dataset has no tokens."""
        if not self.info.get('tokens'):
            return None
        return read_array(self.stored_bytes(line, 'tokens'), self.name(line, 'tokens')).astype(np.int32)

    def paths(self, line: dict) -> tuple[str, str]:
        """Return the addresses of image and mask of a line for ``mmengine.fileio``: paths, or ``tar://SHARD!NAME``."""
        files = self._names(line)
        if shard := self._shard(line):
            return shard_url(shard, files['image']), shard_url(shard, files['mask'])
        return str(self.root / files['image']), str(self.root / files['mask'])

    def name(self, line: dict, kind: str) -> str:
        """Return the name of a sample's file for messages: its path, or ``SHARD:MEMBER`` in a shard."""
        name = self._names(line)[kind]
        return f'{shard}:{name}' if (shard := self._shard(line)) else str(self.root / name)

    def stored_bytes(self, line: dict, kind: str) -> bytes:
        """Return the stored bytes of a sample's file of kind "image", "mask", "uncertainty" or "tokens".

        Raises:
            InputError: The file or its shard is missing, the shard is truncated, or the checksum does not match.
        """
        name = self._names(line)[kind]
        if shard := self._shard(line):
            data = read_from_shard(shard, name)
        else:
            try:
                data = read_bytes(self.root / name)
            except InputError as error:
                raise InputError(f'{error}; restore lost files with {repair_hint(self.root)}') from error
        known = line.get(KEY, {}).get(kind)  # datasets of version 0.4.0 have no checksums
        if known is not None and checksum(data) != known:
            raise InputError(f'{self.name(line, kind)} does not match its checksum; repair it with {repair_hint(self.root)}')
        return data

    def _read(self, line: dict, kind: str, read: Callable[[bytes, str], np.ndarray]) -> np.ndarray:
        """Read a picture and check its size."""
        data, name, size = self.stored_bytes(line, kind), self.name(line, kind), self.info['resolution']
        try:
            picture = read(data, name)
            if picture.shape[:2] != (size, size):
                raise InputError(f'{name} has {picture.shape[1]}x{picture.shape[0]} pixels, expected {size}x{size} (dataset.json)')
        except InputError as error:
            raise InputError(f'{error}; repair it with {repair_hint(self.root)}') from error
        return picture

    def _shard(self, line: dict) -> Path | None:
        return self.root / relative_path(line['shard']) if line.get('shard') else None

    def _names(self, line: dict) -> dict[str, str]:
        return sample_files(folder_of(line), line['id'], self.info.get('image_suffix', '.png'), sharded=bool(line.get('shard')))
