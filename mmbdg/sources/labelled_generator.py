"""Generator + interpreter: images with masks, one call."""

import math
import os
from collections.abc import Sequence
from inspect import signature
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from mmbdg import assets
from mmbdg.data_configs import build_plainly, check_weights_hold, checked_config
from mmbdg.errors import InputError
from mmbdg.files import write_json, write_safetensors
from mmbdg.generators import ClassConditionalGenerator, to_pixels
from mmbdg.generators.frozen import Frozen
from mmbdg.interpreter import (
    Consensus,
    Ensemble,
    FeatureInterpreter,
    PixelMLP,
    ignore_uncertain,
    image_uncertainty,
)
from mmbdg.reading import read_json
from mmbdg.registry import MODELS
from mmbdg.schema import PlainName, Schema
from mmbdg.sources.base import LabelledBatch
from mmbdg.sources.hub import downloaded, may_be_repository
from mmbdg.sources.latents import generator_inputs
from mmbdg.sources.truncation import Truncation, select_statistics
from mmbdg.storage.masks import as_mask, ignore_label

CARD = 'labelled_generator.json'
KINDS = dict(generator=(ClassConditionalGenerator,), interpreter=(Ensemble, FeatureInterpreter, PixelMLP))
"""What the parts of a card are built from."""


class TruncationCard(Schema):
    """A truncation in a card, see :class:`~mmbdg.sources.Truncation`."""

    threshold: float
    definition: str = 'resampled'
    statistics: str = 'default'


class Card(Schema):
    """What ``labelled_generator.json`` holds: arguments of :class:`LabelledGenerator`."""

    generator: dict[str, Any]
    interpreter: dict[str, Any]
    classes: Annotated[list[str], Field(min_length=1, max_length=100_000)]
    folders: Annotated[list[PlainName], Field(min_length=1, max_length=100_000)]
    labels: Annotated[list[str], Field(min_length=2, max_length=65_534)] = ['background', 'foreground']
    seed: int = 0
    truncation: float | TruncationCard | None = 0.9
    vote: str = 'majority'
    ignore_above: float | None = None
    licence: str = ''
    precision: Literal['float32', 'bfloat16', 'float16'] = 'float32'
    compile: bool = False
    members: int | None = None


@MODELS.register_module()
class LabelledGenerator:
    """A frozen generator with a frozen ensemble of feature interpreters.

    Args:
        generator: Config of a class-conditional generator, with ``init_cfg``.
        interpreter: Config of an :class:`~mmbdg.interpreter.InterpreterEnsemble`, with ``init_cfg``.
        classes: Name of each class of the generator.
        folders: Name of each class's folder in a dataset: its wnid, else a slug.
        labels: Names of the interpreter's labels, background first.
        seed: Of the latents.
        truncation: Of the latents, see :class:`~mmbdg.sources.Truncation`; None for none.
        vote: How the ensemble's labels are made, see :func:`mmbdg.interpreter.vote`.
        ignore_above: Disagreement in nats (at most ln 2 = 0.693 for FG/BG) above which a pixel's label is *ignore*; None: never.
        licence: Of what it makes.
        precision, compile: Of the computation, see :class:`~mmbdg.generators.frozen.Frozen`. Another precision makes other samples.
        members: Only the first so many members of the ensemble; None: all.
    """

    def __init__(
        self,
        generator: dict,
        interpreter: dict,
        classes: Sequence[str],
        folders: Sequence[str],
        labels: Sequence[str] = ('background', 'foreground'),
        seed: int = 0,
        truncation: Truncation | dict | float | None = 0.9,
        vote: str = 'majority',
        ignore_above: float | None = None,
        licence: str = '',
        precision: str = 'float32',
        compile: bool = False,
        members: int | None = None,
    ) -> None:
        net = build_plainly(MODELS, generator, 'the generator')
        net.init_weights()
        head = build_plainly(MODELS, {**net.interpreter_sizes(), **interpreter}, 'the interpreter')
        head.init_weights()
        if members is not None:
            head.keep_first(members)
        if len(set(folders)) != len(folders) or not all(folders):
            raise InputError(f'every class needs a folder of its own, got {sorted(folders)}')
        if len(labels) != max(2, head.num_outputs):
            raise InputError(f'the interpreter tells {max(2, head.num_outputs)} labels apart, {len(labels)} names are given: {labels}')
        if not len(classes) == len(folders) == net.num_classes:
            raise InputError(f'the generator has {net.num_classes} classes; {len(classes)} names and {len(folders)} folders are given')
        self._generator, self._interpreter = Frozen(net, precision, compile), Frozen(head, precision)
        self.classes, self.folders, self.labels = tuple(classes), tuple(folders), tuple(labels)
        self.num_classes, self.resolution, self.latent_dim = net.num_classes, net.resolution, net.latent_dim
        self.device = torch.device('cpu')
        self.seed, self.truncation, self.vote, self.licence = seed, truncation, vote, licence
        check_bound(ignore_above)
        self.ignore_above, self.ignore = ignore_above, ignore_label(len(labels))

    @property
    def truncation(self) -> float | dict | None:
        """Of the latents, as a config writes it; setting it chooses the generator's batch statistics too."""
        return self._truncation and self._truncation.plain

    @truncation.setter
    def truncation(self, value: Truncation | dict | float | None) -> None:
        generator = self._generator.on(self.device)
        truncation = Truncation.of(value)
        if truncation and generator.latent_distribution != 'normal':
            raise InputError(f'truncation is not defined for {type(generator).__name__}, whose z is no normal one; set it to None')
        select_statistics(generator, truncation)
        self._truncation = truncation

    @classmethod
    def load(cls, path: str | os.PathLike, **options: Any) -> 'LabelledGenerator':
        """Load a labelled generator.

        Args:
            path: Folder written by :meth:`write`; name of an embedded one, e.g. ``fashion32``; or a repository of the Hugging Face hub,
                ``org/name``, ``org/name@revision`` or ``hf://org/name`` (needs ``huggingface_hub``; safetensors and JSON only).
            **options: Arguments of this class that replace those of the folder.

        Raises:
            InputError: There is no such folder, or a file in it is missing, cut off, or does not fit.
        """
        folder, card = cls.find(path), cls.card(path)
        quick = card['generator']
        if 'spectral_norm' in signature(MODELS.get(quick['type'])).parameters:  # whose vectors take long to estimate, of nothing
            quick = quick | dict(spectral_norm=False)
        check_weights_hold(quick, MODELS, f'the generator of {folder / CARD}', folder / 'generator.safetensors')
        weights = {part: dict(type='Pretrained', checkpoint=str(folder / f'{part}.safetensors')) for part in ('generator', 'interpreter')}
        return cls(**{key: {**value, 'init_cfg': weights[key]} if key in weights else value for key, value in card.items()} | options)

    @classmethod
    def card(cls, path: str | os.PathLike) -> dict:
        """The arguments in the folder that :meth:`load` reads: names of classes and labels, and more, without any weights.

        Raises:
            InputError: As :meth:`load`.
        """
        file = cls.find(path) / CARD
        card = read_json(file, Card)
        return card | {part: checked_config(card[part], MODELS, kinds, f'{file}: {part}') for part, kinds in KINDS.items()}

    @staticmethod
    def find(path: str | os.PathLike) -> Path:
        """The folder that :meth:`load` reads: a local or an embedded one first, then a repository of the Hugging Face hub."""
        for folder in (assets.resolve(path), assets.ROOT / str(path)):
            if (folder / CARD).is_file():
                return folder
        embedded = sorted(p.parent.name for p in assets.ROOT.glob(f'*/{CARD}'))
        missing = (
            f'there is no labelled generator at {path} (a folder with {CARD}, generator.safetensors, interpreter.safetensors); '
            f'embedded ones: {", ".join(embedded)}'
        )
        if not may_be_repository(str(path)):
            raise InputError(missing)
        try:
            folder = downloaded(str(path))
        except InputError as error:
            raise InputError(f'{missing}. {error}') from error
        if not (folder / CARD).is_file():
            raise InputError(f'the repository {path} holds no labelled generator: it has no {CARD}')
        return folder

    @staticmethod
    def write(
        folder: str | os.PathLike, generator: tuple[dict, dict[str, Tensor]], interpreter: tuple[dict, dict[str, Tensor]], **card
    ) -> None:
        """Write a folder that :meth:`load` reads.

        Args:
            folder: Where.
            generator, interpreter: Config (its ``init_cfg`` is left out) and state dict of each.
            **card: The other arguments of this class.
        """
        configs = {}
        for part, (config, state) in dict(generator=generator, interpreter=interpreter).items():
            write_safetensors(Path(folder) / f'{part}.safetensors', state)
            configs[part] = {key: value for key, value in config.items() if key != 'init_cfg'}
        write_json(Path(folder) / CARD, {**configs, **card})

    def to(self, device: torch.device | str) -> 'LabelledGenerator':
        """Compute there from now on; results come from there."""
        self.device = torch.device(device)
        return self

    def class_id(self, cls: int | str) -> int:
        """A class by index, name or folder.

        Raises:
            InputError: There is no such class.
        """
        for names in (self.classes, self.folders, range(self.num_classes)):
            if cls in names:
                return names.index(cls)
        raise InputError(
            f'there is no class {cls!r}; classes are 0 to {self.num_classes - 1}: {", ".join(self.classes[:20])}'
            + (', ...' if self.num_classes > 20 else '')
        )

    @torch.no_grad()
    def latents(self, class_ids: Sequence[int], indices: Sequence[int]) -> Tensor:
        """What N addresses (class, index) under ``seed`` are made of: float32 (N,latent_dim), of a VQGAN its tokens, int64 (N,L).

        :meth:`images` and :meth:`label` take it, so that a VQGAN draws its tokens once.
        """
        generator = self._generator.on(self.device)
        z, y = self._inputs(class_ids, indices)
        if not self.draws_tokens:
            return z
        with self._generator.autocast(self.device):
            return generator.sample(y, z)

    @torch.no_grad()
    def images(self, class_ids: Sequence[int], indices: Sequence[int], latents: Tensor | None = None) -> Tensor:
        """Images only, for filters that look at nothing else: RGB uint8 (N,3,R,R). Latents are those of the addresses if none are given."""
        generator = self._generator.on(self.device)
        with self._generator.autocast(self.device):
            return to_pixels(generator(*self._inputs(class_ids, indices, latents)))

    @torch.no_grad()
    def label(self, class_ids: Sequence[int], indices: Sequence[int], latents: Tensor | None = None) -> LabelledBatch:
        """Images with masks for N addresses (class, index) under ``seed``, or for their :meth:`latents`."""
        generator = self._generator.on(self.device)
        z, y = self._inputs(class_ids, indices, latents)
        with self._generator.autocast(self.device):
            images, features = generator.forward_features(z, y)
            consensus = Consensus.of(self._interpreter.on(self.device).each(features, generator.embed(y)), self.vote)
        disagreement = consensus.disagreement()
        masks = ignore_uncertain(consensus.labels(), disagreement, self.ignore_above, self.ignore)
        return LabelledBatch(to_pixels(images), masks, image_uncertainty(disagreement), disagreement)

    @property
    def draws_tokens(self) -> bool:
        """Whether its samples are made of tokens that were drawn: a VQGAN's."""
        return hasattr(self._generator.on(self.device), 'sample')

    @property
    def most_disagreement(self) -> float:
        """Nats at which its members disagree entirely: ln min(members, labels)."""
        return math.log(max(2, min(self._interpreter.on(self.device).num_members, len(self.labels))))

    def _inputs(self, class_ids: Sequence[int], indices: Sequence[int], latents: Tensor | None = None) -> tuple[Tensor, Tensor]:
        generator = self._generator.on(self.device)
        if latents is None:
            return generator_inputs(generator, self.seed, class_ids, indices, self._truncation)
        device = next(generator.parameters()).device
        return latents.to(device), torch.tensor(class_ids, dtype=torch.int64, device=device)

    def sample(self, cls: int | str, index: int) -> tuple[np.ndarray, np.ndarray]:
        """One labelled sample: image RGB uint8 (R,R,3), mask uint8 or uint16 (R,R) with the interpreter's ids.

        Args:
            cls: Class index, name or folder.
            index: Any integer from 0; the same one always gives the same sample.
        """
        batch = self.label([self.class_id(cls)], [index])
        return batch.images[0].permute(1, 2, 0).cpu().numpy(), as_mask(batch.masks[0], len(self.labels))


def check_bound(ignore_above: float | None) -> None:
    """Raise InputError unless it is None or nats, from 0 on."""
    if ignore_above is not None and not 0 <= ignore_above < math.inf:
        raise InputError(f'ignore_above must be None or nats from 0 on, got {ignore_above}')
