"""Training of the judge of early rejection as an mmengine model."""

from inspect import signature

import torch
from mmengine.model import BaseModel
from torch import Tensor
from torch.nn import functional as F

from mmbdg.errors import InputError
from mmbdg.generators import ClassConditionalGenerator
from mmbdg.interpreter import CoarseJudge
from mmbdg.registry import MODELS
from mmbdg.sources import LabelledGenerator


@MODELS.register_module()
class JudgeTraining(BaseModel):
    """Trains a :class:`~mmbdg.interpreter.coarse_judge.CoarseJudge` to imitate the ranking by a classifier.

    The loss is the binary cross entropy between the sigmoid of the score and ``rank ** sharpness``, where ``rank`` in (0, 1) is the
    position of a candidate in its class, see :class:`~mmbdg.datasets.ScoredCandidates`. Only few candidates of the highest ranks are
    kept, so their order matters most. This is ours; the paper has no early rejection.

    Args:
        labelled_generator: Name or folder of the labelled generator of the training data. Only its card is read.
        block: Name of the generator's block whose output is judged.
        judge: Further arguments of the judge. Default: None.
        sharpness: Exponent of the rank, above 0. Default: 4.
        data_preprocessor, init_cfg: mmengine's.

    Raises:
        InputError: The generator has no such block or cannot stop after it, or ``sharpness`` is not positive; in training, the features
            have fewer cells than the judge.
    """

    def __init__(
        self,
        labelled_generator: str,
        block: str,
        judge: dict | None = None,
        sharpness: float = 4.0,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        if not sharpness > 0:
            raise InputError(f'JudgeTraining.sharpness must be above 0, got {sharpness}')
        generator = _without_weights(LabelledGenerator.card(labelled_generator)['generator'])
        if generator.whole_because:
            raise InputError(f'{type(generator).__name__} cannot stop after a block: {generator.whole_because}')
        self.judge_config = dict(type='mmbdg.CoarseJudge', **CoarseJudge.sizes(generator, block), **(judge or {}))
        self.judge = MODELS.build(self.judge_config)
        self.sharpness = sharpness

    def forward(
        self, feature: Tensor, z: Tensor, y: Tensor, confidence: Tensor, rank: Tensor, mode: str = 'tensor'
    ) -> dict[str, Tensor] | Tensor | list[dict]:
        """``loss``: dict with the loss; ``predict``: a dict for each sample; ``tensor``: scores float32 (N,).

        Args:
            feature, z, y, confidence, rank: A batch of :class:`~mmbdg.datasets.ScoredCandidates`.
            mode: See above. A prediction has ``early_score``, ``confidence`` and ``gt_label``.
        """
        if feature.shape[-1] < self.judge.cells:
            raise InputError(
                f'the features have {feature.shape[-1]} cells along each side, the judge {self.judge.cells}: set model.judge.cells and the '
                'cells of the datasets to the same number, at most the resolution of the block'
            )
        scores = self.judge(feature, z, y)
        if mode == 'loss':
            return dict(loss=F.binary_cross_entropy_with_logits(scores, rank**self.sharpness))
        if mode == 'tensor':
            return scores
        rows = zip(scores.tolist(), confidence.tolist(), y.tolist(), strict=True)
        return [dict(early_score=score, confidence=known, gt_label=label) for score, known, label in rows]


def _without_weights(config: dict) -> ClassConditionalGenerator:
    """Build a generator for its sizes only."""
    if 'spectral_norm' in signature(MODELS.get(config['type'])).parameters:
        config = config | dict(spectral_norm=False)
    with torch.device('meta'):
        return MODELS.build(config)
