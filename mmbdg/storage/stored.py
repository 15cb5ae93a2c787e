"""A finished dataset, read by sample."""

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
from mmbdg.schema import OpenSchema, PlainName, Schema
from mmbdg.storage.catalogue import catalogue_of
from mmbdg.storage.checksums import KEY, Checksum, checksum
from mmbdg.storage.layout import IDENTITY, KINDS, folder_of, repair_hint, sample_files
from mmbdg.storage.line_index import LineIndex
from mmbdg.storage.manifest import Manifest, ManifestPart
from mmbdg.storage.masks import read_labels
from mmbdg.storage.selections import read_selection
from mmbdg.storage.shards import read_from_shard, shard_url


class ImageClass(OpenSchema):
    """A class of images in ``dataset.json``."""

    name: str
    folder: PlainName


class FileFacts(Schema):
    """What ``dataset.json`` says of a file beside it."""

    bytes: Annotated[int, Field(ge=0)]
    blake2b: Checksum


class Info(OpenSchema):
    """What ``dataset.json`` must hold."""

    classes: Annotated[list[str], Field(max_length=65_534)]
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
    licence: str = ''
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
            raise PydanticCustomError('too_short', 'classes must name two labels at least, or none where there are no masks')
        return self


class StoredDataset:
    """A finished dataset of our layout (see :mod:`mmbdg.storage.layout`), as folders or as tar shards.

    What is cheap is checked at once: each line of the manifest, that its class, its folder and its file are there, and that none is there
    twice. A file's checksum and its pixels are checked when it is read; ``tools/verify.py`` reads them all.

    Args:
        root: Its folder.
        selection: Name of a selection of ``tools/select_samples.py``, to read its samples only; None for all samples.

    Attributes:
        info: Content of ``dataset.json``. Of a selection, ``counts`` are those of its samples, and ``selection`` says what made it.
        catalogue: Its classes, labels, size and licence.
        lines: Those of ``manifest.jsonl``, one a sample.
        index: Classes and numbers of the samples, as arrays.
        places: Indices of the samples' lines in ``manifest.jsonl``, int64 (N,), ascending.
        ignore: Value of mask pixels that do not count: 255, or 65535 in masks of more than 254 labels (uint16).

    Raises:
        InputError: The folder is missing or unfinished; dataset.json is not as it should be; the manifest does not hold what it counts, or
            a line of it is wrong; a file of a sample is missing; a link leads out of the folder; or
            there is no such selection, it is damaged, or it was made from another dataset.
    """

    def __init__(self, root: str | os.PathLike, selection: str | None = None) -> None:
        self.root = root = Path(root)
        if not (root / 'dataset.json').is_file():
            if (root / IDENTITY).is_file() or (root / 'manifest.jsonl').is_file():
                raise InputError(
                    f'{root} is unfinished (no dataset.json): python tools/synthesize.py CONFIG {root} goes on; if the file was lost, '
                    f'{repair_hint(root)} brings it back'
                )
            raise InputError(f'{root} holds no synthetic dataset (no dataset.json): python tools/synthesize.py CONFIG {root}')
        try:
            self.info = read_json(inside(root, 'dataset.json'), Info)
            self.catalogue = catalogue_of(self.info)
            self.lines = Manifest(inside(root, 'manifest.jsonl'))
            self.index = self._checked_index()
        except InputError as error:
            raise InputError(f'{root} is damaged ({error}): {repair_hint(root)} mends it') from error
        self.ignore = self.catalogue.ignore
        self.places = np.arange(len(self.lines))
        if selection is not None:
            self._restrict(selection)

    def _restrict(self, selection: str) -> None:
        """Leave the samples of a selection."""
        header, self.places = read_selection(self.root, selection, self.info, self.index)
        self.lines, self.index = ManifestPart(self.lines, self.places), self.index.part(self.places)
        made = {key: header[key] for key in ('name', 'steps', 'dataset')}
        self.info = {**self.info, 'counts': header['counts'], 'selection': made}

    def _checked_index(self) -> LineIndex:
        refuse_links_out(self.root, *KINDS)
        counted = sum(self.info['counts'].values())
        if len(self.lines) != counted:
            raise InputError(f'manifest.jsonl has {len(self.lines)} lines, dataset.json counts {counted}')
        index = LineIndex(self.lines, self.info, self.root / 'manifest.jsonl')
        missing = index.missing_files(self.root)
        if first := next(missing, None):
            raise InputError(f'{self.root / first} is missing, and {sum(1 for _ in missing)} other files')
        return index

    def image(self, line: dict) -> np.ndarray:
        """RGB uint8 (H,W,3) of a line of the manifest.

        Raises:
            InputError: The file is missing, damaged, or of another size than dataset.json says.
        """
        return self._read(line, 'image', open_image)

    def mask(self, line: dict) -> np.ndarray:
        """uint8 or uint16 (H,W) of a line of the manifest: ids of ``info['classes']``, :attr:`ignore` where a pixel does not count.

        Raises:
            InputError: The file is missing, damaged, of another size than dataset.json says, has colours or a label that does not exist.
        """
        if not self.catalogue.has_masks:
            raise InputError(f'{self.root} has no masks: its source gives images only')
        size, labels = self.info['resolution'], len(self.info['classes'])
        return self._read(line, 'mask', lambda data, name: read_labels(data, size, labels, self.ignore, name))

    def uncertainty_map(self, line: dict) -> np.ndarray | None:
        """float32 (H,W), nats, in steps of a 255th of ``info['uncertainty_maps']``; None if the dataset has no such maps."""
        top = self.info.get('uncertainty_maps')
        return None if top is None else self._read(line, 'uncertainty', open_grey).astype(np.float32) * (top / 255)

    def tokens(self, line: dict) -> np.ndarray | None:
        """A VQGAN sample's tokens, int32 (L,); None if the dataset has none."""
        if not self.info.get('tokens'):
            return None
        return read_array(self.stored_bytes(line, 'tokens'), self.name(line, 'tokens')).astype(np.int32)

    def paths(self, line: dict) -> tuple[str, str]:
        """Image and mask of a line for ``mmengine.fileio``: paths, or ``tar://SHARD!NAME``."""
        files = self._names(line)
        if shard := self._shard(line):
            return shard_url(shard, files['image']), shard_url(shard, files['mask'])
        return str(self.root / files['image']), str(self.root / files['mask'])

    def name(self, line: dict, kind: str) -> str:
        """What messages call a file of a sample: its path, in a shard ``SHARD:MEMBER``."""
        name = self._names(line)[kind]
        return f'{shard}:{name}' if (shard := self._shard(line)) else str(self.root / name)

    def stored_bytes(self, line: dict, kind: str) -> bytes:
        """One of a sample's files, "image", "mask", "uncertainty" or "tokens", as it is stored.

        Raises:
            InputError: It is missing, or its shard is missing or cut off; or it is not of its checksum.
        """
        name = self._names(line)[kind]
        if shard := self._shard(line):
            data = read_from_shard(shard, name)
        else:
            try:
                data = read_bytes(self.root / name)
            except InputError as error:
                raise InputError(f'{error}; {repair_hint(self.root)} brings lost files back') from error
        known = line.get(KEY, {}).get(kind)  # none in a dataset of version 0.4.0
        if known is not None and checksum(data) != known:
            raise InputError(f'{self.name(line, kind)} is not of its checksum; {repair_hint(self.root)} mends it')
        return data

    def _read(self, line: dict, kind: str, read: Callable[[bytes, str], np.ndarray]) -> np.ndarray:
        """A picture of the size that dataset.json says."""
        data, name, size = self.stored_bytes(line, kind), self.name(line, kind), self.info['resolution']
        try:
            picture = read(data, name)
            if picture.shape[:2] != (size, size):
                raise InputError(f'{name} has {picture.shape[1]}x{picture.shape[0]} pixels, dataset.json says {size}x{size}')
        except InputError as error:
            raise InputError(f'{error}; {repair_hint(self.root)} mends it') from error
        return picture

    def _shard(self, line: dict) -> Path | None:
        return self.root / relative_path(line['shard']) if line.get('shard') else None

    def _names(self, line: dict) -> dict[str, str]:
        return sample_files(folder_of(line), line['id'], self.info.get('image_suffix', '.png'), sharded=bool(line.get('shard')))
