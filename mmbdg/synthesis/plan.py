"""What a synthetic dataset is made of."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from mmbdg.compat.config_keys import Role, register_part
from mmbdg.errors import InputError, nearest
from mmbdg.schema import validated
from mmbdg.sources.labelled_generator import check_bound
from mmbdg.sources.truncation import Truncation

FORMATS, IMAGES = ('folder', 'shards'), ('png', 'jpeg')
MOST = dict(threads=1024, resolution=8192, batch_size=100_000, candidates=1_000_000, num_per_class=10**8, max_candidates=10**8)
"""Values above these are mistakes: no machine has the threads or the memory."""
MOST_CANDIDATES = 10**8
"""Of a class: the names of samples have 8 digits."""


@dataclass(frozen=True)
class Synthesis:
    """A config's ``synthesis = dict(...)`` has these keys.

    Attributes:
        labelled_generator: Name of an embedded one, or a folder; see :meth:`LabelledGenerator.load`.
        num_per_class: Samples kept of each class.
        classes: Classes by index, name or folder; None for all.
        seed: Of the latents.
        truncation: Of the latents, see :class:`~mmbdg.sources.Truncation`; "default" for the labelled generator's own.
        candidates: Candidates in a block.
        classifier: Config of the classifier for rejection sampling, see :func:`~mmbdg.classifiers.build_classifier`; None for
            no rejection.
        classifier_size: Height and width in pixels images are resized to for the classifier; None for what its library does.
        rejection_rate: Part of the candidates that is rejected, the least confident in their own class (paper: 0.9).
        class_map: From the generator's classes to the classifier's, see :func:`~mmbdg.classifiers.class_map`; None if they are
            the same.
        min_confidence: Survivors less confident than this are dropped too, 0..1.
        uncertainty_rate: Part of the survivors that is dropped, those the ensemble disagrees on most (paper: 0.1).
        min_foreground, max_foreground: Samples with less or more foreground than this are dropped, parts of the picture 0..1.
        max_candidates: Candidates tried for a class at most, where the bounds above drop samples; None for four times what would do
            without them.
        ignore_above: Disagreement in nats above which a pixel is written as *ignore* (255, or 65535 in uint16 masks); None: the
            labelled generator's own, as a rule never.
        label_space: What the masks hold: None for the ids of the interpreter's labels; of an FG/BG interpreter also "classes" or another
            label space, in which a foreground is painted as its class.
        resolution: Height and width of what is written; None for the generator's own.
        format: "folder" (a file each) or "shards" (a tar file for each block).
        image: "png" or "jpeg". Masks are PNG always.
        jpeg_quality: 1..100.
        uncertainty_maps: Whether the disagreement is written for each pixel too.
        tokens: Whether the tokens of a VQGAN's samples are written too, from which they can be made again.
        batch_size: Images computed at once, within a block.
        threads: CPU threads; floating point depends on them, so they belong to the dataset.
        precision, compile: See :class:`~mmbdg.generators.frozen.Frozen`; they belong to the dataset too. What torch compiles can depend on
            the batches it saw before: the promise of equal bytes is for ``compile=False``.
    """

    labelled_generator: str
    num_per_class: int = 100
    classes: Sequence[int | str] | None = None
    seed: int = 0
    truncation: dict | float | str | None = 'default'
    candidates: int = 200
    classifier: dict | None = None
    classifier_size: int | None = None
    rejection_rate: float = 0.9
    class_map: Sequence | Mapping | str | None = None
    min_confidence: float = 0.0
    uncertainty_rate: float = 0.1
    min_foreground: float = 0.0
    max_foreground: float = 1.0
    max_candidates: int | None = None
    ignore_above: float | None = None
    label_space: str | Mapping | None = None
    resolution: int | None = None
    format: str = 'folder'
    image: str = 'png'
    jpeg_quality: int = 95
    uncertainty_maps: bool = False
    tokens: bool = False
    batch_size: int = 50
    threads: int = 1
    precision: str = 'float32'
    compile: bool = False

    def __post_init__(self) -> None:
        validated(_types(type(self)), self.plain(), 'synthesis')
        for name in ('rejection_rate', 'uncertainty_rate'):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f'synthesis.{name} must be in [0, 1), got {getattr(self, name)}; 1 would keep nothing')
        for name in ('min_confidence', 'min_foreground', 'max_foreground'):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f'synthesis.{name} must be in [0, 1], got {getattr(self, name)}')
        if self.min_foreground > self.max_foreground:
            raise InputError('synthesis.min_foreground is above max_foreground: nothing would be kept')
        if self.min_confidence and not self.classifier:
            raise InputError('synthesis.min_confidence needs a classifier')
        for name in ('num_per_class', 'candidates', 'batch_size', 'threads', 'resolution', 'max_candidates'):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f'synthesis.{name} must be at least 1, got {value}')
            if value is not None and value > MOST[name]:
                raise InputError(f'synthesis.{name} is at most {MOST[name]:,}, got {value:,}')
        for name, known in (('format', FORMATS), ('image', IMAGES)):
            if getattr(self, name) not in known:
                raise InputError(f'synthesis.{name} must be one of {", ".join(known)}, got {getattr(self, name)!r}')
        if not 1 <= self.jpeg_quality <= 100:
            raise InputError(f'synthesis.jpeg_quality must be 1..100, got {self.jpeg_quality}')
        if self.classes is not None and not len(self.classes):
            raise InputError('synthesis.classes names no class')
        check_bound(self.ignore_above)
        if self.truncation != 'default':
            Truncation.of(self.truncation)
        if (tried := self.max_blocks * self.candidates) > MOST_CANDIDATES:
            raise InputError(
                f'synthesis.num_per_class={self.num_per_class:,} takes {tried:,} candidates of a class; at most {MOST_CANDIDATES:,} can be '
                'named. Lower it (or max_candidates), reject less, or make several datasets with other seeds'
            )

    @classmethod
    def from_config(cls, config: dict) -> 'Synthesis':
        """From ``synthesis = dict(...)`` of a config.

        Raises:
            InputError: A key is missing or unknown, or a value does not make sense.
        """
        names = {entry.name for entry in fields(cls)}
        if unknown := sorted(set(config) - names):
            raise InputError(f'synthesis takes no "{unknown[0]}"{nearest(unknown[0], names)} It takes {", ".join(sorted(names))}')
        if 'labelled_generator' not in config:
            raise InputError('synthesis.labelled_generator is missing: the name or folder of a labelled generator')
        return cls(**config)

    @property
    def survivors(self) -> int:
        """Candidates of a block that pass the rejection rate."""
        return max(1, round(self.candidates * (1 - self.rejection_rate))) if self.classifier else self.candidates

    @property
    def kept(self) -> int:
        """Samples a block gives; fewer only where a bound drops some."""
        return self.certain(self.survivors)

    def certain(self, survivors: int) -> int:
        """How many of so many survivors the uncertainty filter leaves."""
        return max(min(1, survivors), survivors - math.floor(survivors * self.uncertainty_rate))

    @property
    def blocks(self) -> int:
        """Blocks of a class that give ``num_per_class`` samples, if no bound drops any."""
        return math.ceil(self.num_per_class / self.kept)

    @property
    def has_bounds(self) -> bool:
        """Whether a block can give fewer than :attr:`kept` samples."""
        return self.min_confidence > 0 or self.min_foreground > 0 or self.max_foreground < 1

    @property
    def max_blocks(self) -> int:
        """Blocks of a class that are tried at most."""
        if not self.has_bounds:
            return self.blocks
        return max(1, self.max_candidates // self.candidates) if self.max_candidates else 4 * self.blocks

    @property
    def image_suffix(self) -> str:
        """Of the image files."""
        return {'png': '.png', 'jpeg': '.jpg'}[self.image]

    @property
    def layout(self) -> dict[str, Any]:
        """Which files a sample has, under the keys of ``dataset.json``."""
        return dict(format=self.format, image_suffix=self.image_suffix, uncertainty_maps=self.uncertainty_maps, tokens=self.tokens)

    def plain(self) -> dict[str, Any]:
        """All keys."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self)}


@cache
def _types(plan: type) -> type:
    """The types of its fields as a schema; nothing is converted."""
    types = TypedDict('types', {entry.name: entry.type for entry in fields(plan)})
    return with_config(ConfigDict(strict=True, allow_inf_nan=False))(types)


register_part(
    'synthesis', Role(known=lambda: frozenset(entry.name for entry in fields(Synthesis)), parts=dict(classifier='any'), rest='data')
)
