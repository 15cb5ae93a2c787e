"""The plan of a synthetic dataset: the settings of a config's ``synthesis``."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache, cached_property
from typing import Any

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from mmbdg.compat.config_keys import ROLES, Role, register_part
from mmbdg.config_parts import known_arguments
from mmbdg.errors import InputError, nearest
from mmbdg.registry import FILTERS, SOURCES
from mmbdg.schema import validated
from mmbdg.sources.base import Source
from mmbdg.sources.build import source_class
from mmbdg.synthesis.filters.base import Filter
from mmbdg.synthesis.filters.build import build_filters
from mmbdg.synthesis.short_forms import SHORT_FORMS, without_short_forms

FORMATS, IMAGES = ('folder', 'shards'), ('png', 'jpeg')
MOST = dict(threads=1024, resolution=8192, batch_size=100_000, candidates=1_000_000, num_per_class=10**8, max_candidates=10**8)
"""Upper limits of the settings. Larger values are mistakes, because no machine has the threads or the memory."""
MOST_CANDIDATES = 10**8
"""Largest number of candidates of a class, because sample ids have 8 digits."""


@dataclass(frozen=True)
class Synthesis:
    """The keys of a config's ``synthesis = dict(...)``, besides the short forms of :mod:`mmbdg.synthesis.short_forms`.

    Attributes:
        source: Config of the source of the images, e.g. ``dict(type='mmbdg.LabelledGeneratorSource',
            labelled_generator='fashion32')``, see :mod:`mmbdg.sources`.
        filters: Configs of the filters, in the order in which they run, cheap ones first, see
            :mod:`mmbdg.synthesis.filters`. Default: ().
        num_per_class: Number of kept samples of each class; or numbers by name or folder of the class, then only these classes
            are made. Default: 100.
        classes: Classes by index, name or folder. Default: None, for all classes, or for those of ``num_per_class``.
        first: Index of the first candidate of a class, by its name or folder; a multiple of ``candidates``. Samples of an
            earlier dataset with the same seed are not made again then. Default: None, for 0 in all classes.
        seed: Seed of all samples. Default: 0.
        candidates: Number of candidates in a block. Default: 200.
        max_candidates: Largest number of candidates of a class. It is used only if a filter has bounds. Default: None, for
            4 times the number needed without bounds.
        label_space: Label space of the masks. "classes" or another label space needs a source with the labels background
            and foreground; the foreground then gets the label of the image's class. Default: None, for the source's labels.
        resolution: Height and width in pixels of the written files. Default: None, for the source's resolution.
        format: Format of the dataset: "folder" (a file for each image and mask) or "shards" (a tar file for each block).
            Default: "folder".
        image: Format of the images, "png" or "jpeg". Masks are always PNG. Default: "png".
        jpeg_quality: Quality of JPEG images, 1 to 100. Default: 95.
        uncertainty_maps: Whether to write the uncertainty of each pixel. Default: False.
        tokens: Whether to write the drawn state of each sample (the tokens of a VQGAN). A sample can be generated again from
            it. Default: False.
        batch_size: Number of images that are computed at once, within a block. Default: 50.
        threads: Number of CPU threads. It is part of the identity of a dataset, because floating point results depend on
            it. Default: 1.
        round_plan: Checksum of the plan of a round, see :mod:`mmbdg.synthesis.round_plan`. It is only stored with the dataset.
            Default: None.
    """

    source: dict
    filters: Sequence[dict] = ()
    num_per_class: int | Mapping[str, int] = 100
    classes: Sequence[int | str] | None = None
    first: Mapping[str, int] | None = None
    seed: int = 0
    candidates: int = 200
    max_candidates: int | None = None
    label_space: str | Mapping | None = None
    resolution: int | None = None
    format: str = 'folder'
    image: str = 'png'
    jpeg_quality: int = 95
    uncertainty_maps: bool = False
    tokens: bool = False
    batch_size: int = 50
    threads: int = 1
    round_plan: str | None = None

    def __post_init__(self) -> None:
        values = self.plain()
        if isinstance(self.num_per_class, Mapping):
            validated(dict[str, int], values.pop('num_per_class'), 'synthesis.num_per_class')
        validated(_types(type(self)), dict(num_per_class=1) | values, 'synthesis')
        for name in ('num_per_class', 'candidates', 'batch_size', 'threads', 'resolution', 'max_candidates'):
            value = getattr(self, name)
            if isinstance(value, Mapping):
                self._check_numbers(value)
            elif value is not None and value < 1:
                raise InputError(f'synthesis.{name} must be at least 1, got {value}')
            elif value is not None and value > MOST[name]:
                raise InputError(f'synthesis.{name} is at most {MOST[name]:,}, got {value:,}')
        for name, index in (self.first or {}).items():
            if index < 0 or index % self.candidates:
                raise InputError(
                    f'synthesis.first.{name} must be a multiple of synthesis.candidates={self.candidates}, got {index}: datasets of one '
                    'seed need the same number of candidates'
                )
        for name, known in (('format', FORMATS), ('image', IMAGES)):
            if getattr(self, name) not in known:
                raise InputError(f'synthesis.{name} must be one of {", ".join(known)}, got {getattr(self, name)!r}')
        if not 1 <= self.jpeg_quality <= 100:
            raise InputError(f'synthesis.jpeg_quality must be 1..100, got {self.jpeg_quality}')
        if self.classes is not None and not len(self.classes):
            raise InputError('synthesis.classes is empty; list at least one class, or omit it for all classes')
        source_class(self.source)
        first = max((self.first or {}).values(), default=0)
        if (tried := first + self.max_blocks * self.candidates) > MOST_CANDIDATES:
            raise InputError(
                f'synthesis.num_per_class={self.most_per_class:,} needs {tried:,} candidates per class; the limit is {MOST_CANDIDATES:,}. '
                'Lower it (or max_candidates), reject less, or make several datasets with different seeds'
            )

    def _check_numbers(self, numbers: Mapping[str, int]) -> None:
        if self.classes is not None:
            raise InputError('synthesis.num_per_class names the classes already: set synthesis.classes=None')
        for name, value in numbers.items():
            if not 0 <= value <= MOST['num_per_class']:
                raise InputError(f'synthesis.num_per_class.{name} must be 0 to {MOST["num_per_class"]:,}, got {value:,}')
        if not any(numbers.values()):
            raise InputError('synthesis.num_per_class asks for no samples: give at least one class a number above 0')

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> 'Synthesis':
        """Create the plan from ``synthesis = dict(...)`` of a config.

        Raises:
            InputError: A key is missing or unknown, or a value is invalid.
        """
        names = {entry.name for entry in fields(cls)} | set(SHORT_FORMS)
        if unknown := sorted(set(config) - names):
            raise InputError(f'synthesis takes no "{unknown[0]}"{nearest(unknown[0], names)} It takes {", ".join(sorted(names))}')
        if 'labelled_generator' not in config and 'source' not in config:
            raise InputError(
                'synthesis.source is missing: dict(type=...) of a source; or, as its short form, synthesis.labelled_generator, the name or '
                'folder of a labelled generator'
            )
        return cls(**without_short_forms(config))

    def changed(self, **keys: Any) -> 'Synthesis':
        """Return a copy of the plan with other values of some keys. Short forms are allowed."""
        return self.from_config(self.plain() | keys)

    @cached_property
    def built_filters(self) -> list[Filter]:
        """The filters before their ``prepare``."""
        return build_filters(self.filters)

    @property
    def survivors(self) -> int:
        """Number of candidates of a block after the coarse and image filters, if no bound drops any."""
        return self._left('coarse', 'image')

    @property
    def kept(self) -> int:
        """Number of kept samples of a block, if no bound drops any."""
        return self._left('coarse', 'image', 'mask')

    def _left(self, *stages: str) -> int:
        left = self.candidates
        for entry in self.built_filters:
            left = entry.most(left) if entry.stage in stages else left
        return left

    @property
    def most_per_class(self) -> int:
        """Largest number of samples of a class."""
        return max(self.num_per_class.values()) if isinstance(self.num_per_class, Mapping) else self.num_per_class

    @property
    def blocks(self) -> int:
        """Largest number of blocks of a class that are needed for its samples, if no bound drops any."""
        return self.blocks_for(self.most_per_class)

    def blocks_for(self, samples: int) -> int:
        """Number of blocks of a class that are needed for this number of samples, if no bound drops any."""
        return math.ceil(samples / self.kept)

    @property
    def may_fall_short(self) -> bool:
        """Whether filters can leave fewer than :attr:`kept` samples of a block."""
        return any(entry.may_fall_short for entry in self.built_filters)

    @property
    def max_blocks(self) -> int:
        """Largest number of blocks that are made for any class."""
        return self.max_blocks_for(self.most_per_class)

    def max_blocks_for(self, samples: int) -> int:
        """Largest number of blocks that are made for a class with this number of samples."""
        if not (self.may_fall_short and samples):
            return self.blocks_for(samples)
        return max(1, self.max_candidates // self.candidates) if self.max_candidates else 4 * self.blocks_for(samples)

    @property
    def image_suffix(self) -> str:
        """Suffix of the image files."""
        return {'png': '.png', 'jpeg': '.jpg'}[self.image]

    @property
    def layout(self) -> dict[str, Any]:
        """File layout of the samples, as entries of ``dataset.json``. Whether there are masks depends on the source."""
        return dict(format=self.format, image_suffix=self.image_suffix, uncertainty_maps=self.uncertainty_maps, tokens=self.tokens)

    def plain(self) -> dict[str, Any]:
        """Return all keys with their values."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        by_class = {key: dict(values[key]) for key in ('num_per_class', 'first') if isinstance(values[key], Mapping)}
        return values | by_class


@cache
def _types(plan: type) -> type:
    """Return a strict schema with the types of the fields. Values are not converted."""
    # a number only: the message about a union would name its members
    types = TypedDict('types', {entry.name: entry.type for entry in fields(plan)} | dict(num_per_class=int))
    return with_config(ConfigDict(strict=True, allow_inf_nan=False))(types)


ROLES['synthesis.source'] = Role(known=lambda: known_arguments(SOURCES, Source), rest='data')
ROLES['synthesis.filter'] = Role(known=lambda: known_arguments(FILTERS, Filter), open=True, parts=dict(classifier='any'), rest='data')
register_part(
    'synthesis',
    Role(
        known=lambda: frozenset({*(entry.name for entry in fields(Synthesis)), *SHORT_FORMS}),
        parts=dict(classifier='any', source='synthesis.source', filters='synthesis.filter'),
        rest='data',
    ),
)
