"""Training of feature interpreters on annotated latents as an mmengine model."""

import json
from collections.abc import Sequence
from functools import partial

import torch
from mmengine.dist import get_rank
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement, PixelData
from torch import Tensor

from mmbdg.addressed import generator_at
from mmbdg.errors import InputError
from mmbdg.generators import ClassConditionalGenerator
from mmbdg.generators.card import with_own_sizes
from mmbdg.generators.frozen import Frozen
from mmbdg.interpreter import Consensus, PixelMLP, image_uncertainty, segmentation_loss
from mmbdg.interpreter.labels import probabilities
from mmbdg.models.feature_cache import FeatureCache, fingerprint
from mmbdg.registry import MODELS
from mmbdg.sources.truncation import Truncation, select_statistics
from mmbdg.storage.masks import ignore_label


@MODELS.register_module()
class InterpreterTraining(BaseModel):
    """Trains an ensemble of interpreters to predict labels from a frozen generator's features of annotated latents (paper, section 3.2).

    The generator is neither optimised nor saved. Each member of the ensemble gets its own part of the batch and so sees the data in its own
    order: 16 members x 4 samples make a batch of 64.

    With ``--amp`` only the interpreters use mixed precision; the generator uses ``precision``.

    Args:
        generator: Config of the generator, with ``init_cfg``; sizes in the card of its weights override it, see
            :mod:`mmbdg.generators.card`.
        interpreter: Config of an :class:`~mmbdg.interpreter.InterpreterEnsemble` or another ensemble; the generator's feature sizes are
            filled in.
        vote: Voting rule that combines the members' outputs in ``predict``; default 'majority'.
        truncation: Truncation of the annotated latents, see :class:`~mmbdg.sources.Truncation`; it selects the batch-norm statistics.
        ignore: Ignore label; None: 255, or 65535 for a head with more than 254 labels.
        pixels_per_image: Number of random pixels of each image to train on; only for :class:`~mmbdg.interpreter.PixelMLP`. None: all.
        feature_cache: Arguments of a :class:`~mmbdg.models.feature_cache.FeatureCache`; None: features are recomputed each time.
        keep_members: Whether ``predict`` also returns each member's labels, ``member_sem_seg`` (M,R,R).
        precision: Precision of the generator, see :class:`~mmbdg.generators.frozen.Frozen`.
        data_preprocessor: mmengine's data preprocessor; it only moves the latents to the device.
        init_cfg: mmengine's ``init_cfg``.
    """

    def __init__(
        self,
        generator: dict,
        interpreter: dict,
        vote: str = 'majority',
        ignore: int | None = None,
        truncation: dict | float | None = None,
        pixels_per_image: int | None = None,
        feature_cache: dict | None = None,
        keep_members: bool = False,
        precision: str = 'float32',
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        generator = with_own_sizes(generator)
        net: ClassConditionalGenerator = MODELS.build(generator)
        net.init_weights()
        self.generator_config, self.interpreter_config = generator, interpreter
        self.interpreter = MODELS.build({**net.interpreter_sizes(), **interpreter})
        self.interpreter.to(memory_format=torch.channels_last)  # a third faster (measured at 32 px on a CPU)
        self.generator_state = net.state_dict()  # before Frozen folds the spectral norms
        self._generator = Frozen(net, precision)
        self.truncation, self.latent_distribution = Truncation.of(truncation), net.latent_distribution
        select_statistics(net, self.truncation)
        self._cache = feature_cache and FeatureCache(
            **feature_cache, identity=[fingerprint(self.generator_state), _settings(generator), precision, str(self.truncation)]
        )
        self.vote, self.pixels_per_image, self.keep_members = vote, pixels_per_image, keep_members
        if pixels_per_image and not all(isinstance(member, PixelMLP) for member in getattr(self.interpreter, 'members', [None])):
            raise InputError('pixels_per_image is for an InterpreterEnsemble of PixelMLP; other heads need all pixels: set it to None')
        self.ignore = ignore_label(self.interpreter.num_outputs) if ignore is None else ignore

    def forward(self, inputs: Sequence[Tensor], data_samples: list[BaseDataElement], mode: str = 'tensor') -> dict | Tensor | list:
        """``loss``: dict with one loss; ``predict``: data samples with ``pred_sem_seg``; ``tensor``: logits of all members (M,N,C,R,R).

        A prediction also has ``uncertainty`` (1,) in nats, see :func:`mmbdg.interpreter.image_uncertainty`.

        Args:
            inputs: N latents, each float32 (latent_dim,).
            data_samples: N data samples with ``gt_label`` (1,) and ``gt_sem_seg`` (1,R,R).
        """
        y = torch.cat([sample.gt_label for sample in data_samples])
        features, embedding = self._features(torch.stack(list(inputs)), y)
        if mode == 'loss':
            return self._loss(features, embedding, torch.cat([sample.gt_sem_seg.data for sample in data_samples]))
        if mode == 'tensor':
            return self.interpreter(features, embedding)
        return self._predict(features, embedding, data_samples)

    def _loss(self, features: list[Tensor], embedding: Tensor, labels: Tensor) -> dict:
        sampled = []
        if self.pixels_per_image:
            pixels = _random(labels.flatten(1).shape, labels.device).argsort(1)[:, : self.pixels_per_image]
            labels, sampled = labels.flatten(1).gather(1, pixels)[:, None], [pixels]
        losses = self.interpreter.own_losses(partial(segmentation_loss, ignore=self.ignore), labels, features, embedding, *sampled)
        # The sum, so that a member's gradient does not depend on the number of members; the mean is logged.
        return dict(loss=losses.sum(), member_mean=losses.mean().detach())

    def _predict(self, features: list[Tensor], embedding: Tensor, data_samples: list[BaseDataElement]) -> list[BaseDataElement]:
        consensus, members = Consensus(self.vote), []
        for logits in self.interpreter.each(features, embedding):
            consensus.add(logits)
            if self.keep_members:
                members += [probabilities(member).argmax(1) for member in logits]
        uncertainty = image_uncertainty(consensus.disagreement())
        for i, (sample, labels) in enumerate(zip(data_samples, consensus.labels(), strict=True)):
            sample.set_field(PixelData(data=labels[None]), 'pred_sem_seg')
            sample.set_field(uncertainty[i : i + 1], 'uncertainty')
            if self.keep_members:
                sample.set_field(PixelData(data=torch.stack([member[i] for member in members])), 'member_sem_seg')
            sample.set_metainfo(dict(num_outputs=self.interpreter.num_outputs))  # 1: ids are 0 and 1, else those of the dataset
        return data_samples

    @torch.no_grad()
    def _features(self, z: Tensor, y: Tensor) -> tuple[list[Tensor], Tensor]:
        generator = self._generator.on(z.device)

        def compute(rows: Tensor) -> list[Tensor]:
            # Without the training's mixed precision: features must equal those of synthesis.
            with torch.autocast(z.device.type, enabled=False), self._generator.autocast(z.device):
                return generator.forward_features(z[rows], y[rows])[1]

        features = self._cache.features(z, y, compute) if self._cache else compute(torch.arange(len(z), device=z.device))
        return [feature.float() for feature in features], generator.embed(y)


def _settings(generator: dict) -> str:
    """Config values that can change the features; not all are stored in the weights (VQGAN's temperature, BigGAN's eps)."""
    return json.dumps({key: value for key, value in generator.items() if key != 'init_cfg'}, sort_keys=True, default=str)


def _random(shape: torch.Size, device: torch.device) -> Tensor:
    """Uniform random numbers; in a Runner they depend on seed, iteration and rank only, so that a resumed training draws the same."""
    info = MessageHub.get_current_instance().runtime_info
    if 'iter' not in info:
        return torch.rand(shape, device=device)
    key = int(generator_at('pixels', info.get('seed', 0), info['iter'], get_rank()).integers(2**63))
    return torch.rand(shape, generator=torch.Generator(device).manual_seed(key), device=device)
