"""A judge of early rejection as files: ``judge.safetensors`` and its card ``judge.safetensors.json``, in a labelled generator's folder."""

import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmbdg import assets
from mmbdg.data_configs import build_plainly, check_weights_hold, checked_config
from mmbdg.errors import InputError
from mmbdg.files import sha256, write_json, write_safetensors
from mmbdg.generators import ClassConditionalGenerator, Coarse
from mmbdg.generators.card import card_path
from mmbdg.generators.frozen import Frozen
from mmbdg.interpreter.coarse_judge import CoarseJudge
from mmbdg.reading import read_json
from mmbdg.registry import MODELS
from mmbdg.schema import Schema

JUDGE = 'judge.safetensors'


class JudgeCard(Schema):
    """Schema of ``judge.safetensors.json``.

    Attributes:
        config: Config of the network, a :class:`~mmbdg.interpreter.coarse_judge.CoarseJudge`.
        generator: SHA-256 of the generator's weights file, which the judge belongs to.
        classifier: SHA-256 of the weights file of the classifier that the judge imitates.
        truncation: Truncation of the samples that the judge was trained on.
        figures: Results of its validation. They are not used.
    """

    config: dict[str, Any]
    generator: str
    classifier: str
    truncation: float | dict[str, Any] | None = None
    figures: dict[str, float] = {}


class Judge:
    """A trained judge of early rejection.

    Args:
        path: Folder with ``judge.safetensors``, or the path of such a file, with its card beside it.
        generator: Generator whose features are judged.
        generator_weights: Weights file of this generator.

    Attributes:
        block: Name of the block whose output is judged.
        classifier: SHA-256 of the weights file of the imitated classifier.
        truncation: Truncation of the samples that the judge was trained on.
        weights: Path of the weights file.

    Raises:
        InputError: There is no judge, its files are damaged, or it belongs to another generator or to a block that this one has not.
    """

    def __init__(self, path: str | os.PathLike, generator: ClassConditionalGenerator, generator_weights: Path) -> None:
        self.weights = assets.resolve(path)
        if self.weights.is_dir():
            self.weights = self.weights / JUDGE
        self.card_path = card_path(str(self.weights))
        for file in (self.weights, self.card_path):
            if not file.is_file():
                raise InputError(
                    f'early rejection needs a judge, but there is no {file}: train one (configs/judge/early_biggan32.py is an example) and '
                    "copy its two files there, or name it by early=dict(judge='PATH')"
                )
        card = read_json(self.card_path, JudgeCard)
        if card['generator'] != sha256(generator_weights):
            raise InputError(
                f'the judge {self.weights} belongs to another generator than {generator_weights}: train one for this generator'
            )
        config = checked_config(card['config'], MODELS, [CoarseJudge], f'{self.card_path}: config')
        check_weights_hold(config, MODELS, f'the judge of {self.card_path}', self.weights)
        network = build_plainly(MODELS, dict(config, init_cfg=dict(type='Pretrained', checkpoint=str(self.weights))), 'the judge')
        network.init_weights()
        info = generator.feature_info[generator.tap_of(network.block)]
        if (info.channels, generator.latent_dim) != (network.channels, config['latent_dim']):
            raise InputError(
                f'the judge {self.weights} needs {network.channels} channels and z of {config["latent_dim"]} after {network.block}, but '
                f'this generator has {info.channels} and {generator.latent_dim}: it belongs to another generator'
            )
        self.block, self.classifier, self._network = network.block, card['classifier'], Frozen(network)
        self.truncation: float | dict[str, Any] | None = card['truncation']

    @torch.no_grad()
    def scores(self, coarse: Coarse) -> Tensor:
        """Return the score of each sample of a pass that stopped after :attr:`block`, float32 (N,)."""
        device = coarse.feature.device
        with torch.autocast(device.type, enabled=False):
            return self._network.on(device)(coarse.feature, coarse.z, coarse.y)

    def checksums(self) -> dict[str, str]:
        """Return the SHA-256 of the judge's files."""
        return dict(judge=sha256(self.weights), judge_card=sha256(self.card_path))


def write_judge(weights: str | os.PathLike, config: dict, state: dict[str, Tensor], **card: Any) -> None:
    """Write the two files that :class:`Judge` reads.

    Args:
        weights: Path of the weights file.
        config: Config of the network with all sizes.
        state: State dict of the network.
        **card: Other fields of :class:`JudgeCard`.
    """
    write_safetensors(weights, state)
    write_json(card_path(str(weights)), dict(config={key: value for key, value in config.items() if key != 'init_cfg'}, **card))
