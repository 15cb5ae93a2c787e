"""The labelled generator: a generator and an interpreter that produce images with masks."""

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
from mmbdg.generators import ClassConditionalGenerator, Coarse, FeatureInfo, to_pixels
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
from mmbdg.schema import PlainName, Schema, Text
from mmbdg.sources.base import LabelledBatch
from mmbdg.sources.hub import downloaded, may_be_repository
from mmbdg.sources.judge import Judge
from mmbdg.sources.latents import generator_inputs
from mmbdg.sources.truncation import Truncation, select_statistics
from mmbdg.storage.masks import as_mask, ignore_label

CARD = 'labelled_generator.json'
KINDS = dict(generator=(ClassConditionalGenerator,), interpreter=(Ensemble, FeatureInterpreter, PixelMLP))
"""Base classes that are allowed for the parts of a card."""


class TruncationCard(Schema):
    """A truncation in a card, see :class:`~mmbdg.sources.Truncation`."""

    threshold: float
    definition: str = 'resampled'
    statistics: str = 'default'


class Card(Schema):
    """Schema of ``labelled_generator.json``: the arguments of :class:`LabelledGenerator`."""

    generator: dict[str, Any]
    interpreter: dict[str, Any]
    classes: Annotated[list[Text], Field(min_length=1, max_length=100_000)]
    folders: Annotated[list[PlainName], Field(min_length=1, max_length=100_000)]
    labels: Annotated[list[Text], Field(min_length=2, max_length=65_534)] = ['background', 'foreground']
    seed: int = 0
    truncation: float | TruncationCard | None = 0.9
    vote: str = 'majority'
    ignore_above: float | None = None
    licence: Text = ''
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
        folders: Folder name of each class in a dataset: its wnid if it has one, else a slug.
        labels: Names of the interpreter's labels, background first. Default: background and foreground.
        seed: Seed of the latents. Default: 0.
        truncation: Truncation of the latents, see :class:`~mmbdg.sources.Truncation`; None for no truncation. Default: 0.9.
        vote: Voting rule of the ensemble, see :func:`mmbdg.interpreter.vote`. Default: "majority".
        ignore_above: Disagreement in nats (at most ln 2 = 0.693 for FG/BG) above which the label of a pixel is *ignore*.
            Default: None, for never.
        licence: Licence of the samples. Default: ''.
        precision, compile: Settings of the computation, see :class:`~mmbdg.generators.frozen.Frozen`. Another precision
            gives other samples. Default: "float32" and False.
        members: Number of members of the ensemble that are used, from the first one on. Default: None, for all.
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
            raise InputError(f'the folders of the classes must be unique and not empty, got {sorted(folders)}')
        if len(labels) != max(2, head.num_outputs):
            raise InputError(f'the interpreter has {max(2, head.num_outputs)} labels, but labels has {len(labels)} names: {labels}')
        if not len(classes) == len(folders) == net.num_classes:
            raise InputError(
                f'the generator has {net.num_classes} classes, but classes has {len(classes)} names and folders has {len(folders)}'
            )
        self._generator, self._interpreter = Frozen(net, precision, compile), Frozen(head, precision)
        self.classes, self.folders, self.labels = tuple(classes), tuple(folders), tuple(labels)
        self.num_classes, self.resolution, self.latent_dim = net.num_classes, net.resolution, net.latent_dim
        self.device = torch.device('cpu')
        self.seed, self.truncation, self.vote, self.licence = seed, truncation, vote, licence
        check_bound(ignore_above)
        self.ignore_above, self.ignore = ignore_above, ignore_label(len(labels))

    @property
    def truncation(self) -> float | dict | None:
        """Truncation of the latents as in a config. Setting it also selects the batch statistics of the generator."""
        return self._truncation and self._truncation.plain

    @truncation.setter
    def truncation(self, value: Truncation | dict | float | None) -> None:
        generator = self._generator.on(self.device)
        truncation = Truncation.of(value)
        if truncation and generator.latent_distribution != 'normal':
            raise InputError(f'truncation is not defined for {type(generator).__name__}, whose z is not normal; set it to None')
        select_statistics(generator, truncation)
        self._truncation = truncation

    @classmethod
    def load(cls, path: str | os.PathLike, **options: Any) -> 'LabelledGenerator':
        """Load a labelled generator.

        Args:
            path: Folder written by :meth:`write`; name of an embedded labelled generator, e.g. ``fashion32``; or repository
                of the Hugging Face hub, ``org/name``, ``org/name@revision`` or ``hf://org/name`` (needs
                ``huggingface_hub``; safetensors and JSON files only).
            **options: Arguments of this class that replace those of the folder.

        Raises:
            InputError: There is no such folder, or a file in it is missing, truncated or does not fit.
        """
        folder, card = cls.find(path), cls.card(path)
        quick = card['generator']
        if 'spectral_norm' in signature(MODELS.get(quick['type'])).parameters:  # estimating its vectors is slow and useless here
            quick = quick | dict(spectral_norm=False)
        check_weights_hold(quick, MODELS, f'the generator of {folder / CARD}', folder / 'generator.safetensors')
        weights = {part: dict(type='Pretrained', checkpoint=str(folder / f'{part}.safetensors')) for part in ('generator', 'interpreter')}
        return cls(**{key: {**value, 'init_cfg': weights[key]} if key in weights else value for key, value in card.items()} | options)

    @classmethod
    def card(cls, path: str | os.PathLike) -> dict:
        """Return the arguments in the folder of :meth:`load`, e.g. the names of classes and labels. No weights are loaded.

        Raises:
            InputError: See :meth:`load`.
        """
        file = cls.find(path) / CARD
        card = read_json(file, Card)
        return card | {part: checked_config(card[part], MODELS, kinds, f'{file}: {part}') for part, kinds in KINDS.items()}

    @staticmethod
    def find(path: str | os.PathLike) -> Path:
        """Return the folder of :meth:`load`: a local or embedded folder, else a downloaded repository of the Hugging Face hub."""
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
            raise InputError(f'the repository {path} holds no labelled generator: it has no {CARD}; choose another repository')
        for part in KINDS:
            if not (folder / f'{part}.safetensors').is_file():
                raise InputError(
                    f'the repository {path} has no {part}.safetensors. Weights in other formats (.bin, .pt, .ckpt) are pickles, which '
                    'can run code, and are not downloaded: ask its owner for safetensors'
                )
        return folder

    @staticmethod
    def write(
        folder: str | os.PathLike, generator: tuple[dict, dict[str, Tensor]], interpreter: tuple[dict, dict[str, Tensor]], **card
    ) -> None:
        """Write a folder that :meth:`load` reads.

        Args:
            folder: Folder to write.
            generator, interpreter: Config and state dict of each part. ``init_cfg`` of the config is omitted.
            **card: Other arguments of this class.
        """
        configs = {}
        for part, (config, state) in dict(generator=generator, interpreter=interpreter).items():
            write_safetensors(Path(folder) / f'{part}.safetensors', state)
            configs[part] = {key: value for key, value in config.items() if key != 'init_cfg'}
        write_json(Path(folder) / CARD, {**configs, **card})

    def to(self, device: torch.device | str) -> 'LabelledGenerator':
        """Set the device of the computation and of the results, and return the labelled generator."""
        self.device = torch.device(device)
        return self

    def class_id(self, cls: int | str) -> int:
        """Return the index of a class that is given by index, name or folder.

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
        """Return the latents float32 (N,latent_dim) of N addresses (class, index) under ``seed``. For a VQGAN: tokens int64 (N,L).

        :meth:`images` and :meth:`label` accept them, so that a VQGAN draws its tokens only once.
        """
        generator = self._generator.on(self.device)
        z, y = self._inputs(class_ids, indices)
        if not self.draws_tokens:
            return z
        with self._generator.autocast(self.device):
            return generator.sample(y, z)

    @torch.no_grad()
    def images(self, class_ids: Sequence[int], indices: Sequence[int], latents: Tensor | None = None) -> Tensor:
        """Return RGB images uint8 (N,3,R,R) without masks, for image filters. Default latents: those of the addresses."""
        generator = self._generator.on(self.device)
        with self._generator.autocast(self.device):
            return to_pixels(generator(*self._inputs(class_ids, indices, latents)))

    @torch.no_grad()
    def coarse(self, class_ids: Sequence[int], indices: Sequence[int], block: str) -> Coarse:
        """Begin the images of N addresses and stop after a block of the generator. :meth:`finished` continues.

        Raises:
            InputError: The generator cannot stop, or it has no such block.
        """
        generator = self._generator.on(self.device)
        with self._generator.autocast(self.device):
            return generator.forward_coarse(*self._inputs(class_ids, indices), block)

    @torch.no_grad()
    def finished(self, coarse: Coarse) -> Tensor:
        """Return the RGB images uint8 (N,3,R,R) of a pass that :meth:`coarse` began, up to rounding those of :meth:`images`."""
        generator = self._generator.on(self.device)
        with self._generator.autocast(self.device):
            return to_pixels(generator.forward_fine(coarse))

    def judge(self, path: str | os.PathLike, weights: Path) -> Judge:
        """Return a judge of the generator's coarse features.

        Args:
            path: Folder or file of the judge.
            weights: Weights file of this generator.

        Raises:
            InputError: The generator cannot stop after a block, or see :class:`~mmbdg.sources.judge.Judge`.
        """
        generator = self._generator.on(self.device)
        if generator.whole_because:
            raise InputError(f'{type(generator).__name__} cannot stop after a block: {generator.whole_because}; remove early rejection')
        return Judge(path, generator, weights)

    @torch.no_grad()
    def label(self, class_ids: Sequence[int], indices: Sequence[int], latents: Tensor | None = None) -> LabelledBatch:
        """Return images with masks of N addresses (class, index) under ``seed``, or of their :meth:`latents`."""
        generator = self._generator.on(self.device)
        z, y = self._inputs(class_ids, indices, latents)
        with self._generator.autocast(self.device):
            images, features = generator.forward_features(z, y)
            consensus = Consensus.of(self._interpreter.on(self.device).each(features, generator.embed(y)), self.vote)
        disagreement = consensus.disagreement()
        masks = ignore_uncertain(consensus.labels(), disagreement, self.ignore_above, self.ignore)
        return LabelledBatch(to_pixels(images), masks, image_uncertainty(disagreement), disagreement)

    @torch.no_grad()
    def features(self, class_ids: Sequence[int], indices: Sequence[int], latents: Tensor | None = None) -> list[Tensor]:
        """Return the features of N addresses: float32 (N,C_i,R_i,R_i) for each of :attr:`feature_info`. Latents: see :meth:`images`."""
        generator = self._generator.on(self.device)
        with self._generator.autocast(self.device):
            _, features = generator.forward_features(*self._inputs(class_ids, indices, latents))
        return [feature.float() for feature in features]

    @property
    def feature_info(self) -> tuple[FeatureInfo, ...]:
        """Feature taps of the generator, coarse to fine."""
        return self._generator.on(self.device).feature_info

    @property
    def latent_distribution(self) -> str:
        """Distribution of the generator's z, see :class:`~mmbdg.generators.ClassConditionalGenerator`."""
        return self._generator.on(self.device).latent_distribution

    @property
    def draws_tokens(self) -> bool:
        """Whether the samples are generated from drawn tokens (VQGAN)."""
        return hasattr(self._generator.on(self.device), 'sample')

    @property
    def most_disagreement(self) -> float:
        """Largest possible disagreement of the members in nats: ln min(members, labels)."""
        return math.log(max(2, min(self._interpreter.on(self.device).num_members, len(self.labels))))

    def _inputs(self, class_ids: Sequence[int], indices: Sequence[int], latents: Tensor | None = None) -> tuple[Tensor, Tensor]:
        generator = self._generator.on(self.device)
        if latents is None:
            return generator_inputs(generator, self.seed, class_ids, indices, self._truncation)
        device = next(generator.parameters()).device
        return latents.to(device), torch.tensor(class_ids, dtype=torch.int64, device=device)

    def sample(self, cls: int | str, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return one labelled sample: RGB image uint8 (R,R,3), mask uint8 or uint16 (R,R) with the interpreter's label ids.

        Args:
            cls: Class index, name or folder.
            index: Index of the sample, from 0. The same index always gives the same sample.
        """
        batch = self.label([self.class_id(cls)], [index])
        return batch.images[0].permute(1, 2, 0).cpu().numpy(), as_mask(batch.masks[0], len(self.labels))


def check_bound(ignore_above: float | None) -> None:
    """Raise InputError unless ``ignore_above`` is None or a finite number of nats, at least 0."""
    if ignore_above is not None and not 0 <= ignore_above < math.inf:
        raise InputError(f'ignore_above must be None or a finite number of nats, at least 0, got {ignore_above}')
