"""Training of feature interpreters on annotated latents as an mmengine model."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement, PixelData
from torch import Tensor

from mmbdg.generators import ClassConditionalGenerator
from mmbdg.generators.frozen import Frozen
from mmbdg.interpreter import ignore_label, segmentation_loss, vote
from mmbdg.registry import MODELS
from mmbdg.synthesis.truncation import Truncation, select_statistics


@MODELS.register_module()
class InterpreterTraining(BaseModel):
    """A frozen generator makes features of annotated latents; an ensemble of interpreters learns the labels (paper, section 3.2).

    The generator is neither optimised nor saved. Every member of the ensemble gets its own part of the batch, so that each sees the data
    in an order of its own: a batch of 16 members x 4 is 64.

    Args:
        generator: Config of the generator, with ``init_cfg``.
        interpreter: Config of an :class:`~mmbdg.interpreter.InterpreterEnsemble`; the generator's feature sizes are filled in.
        vote: How labels are made in ``predict``.
        truncation: Of the annotated latents, see :class:`~mmbdg.synthesis.Truncation`: the generator's batch statistics go with it.
        ignore: Label of pixels that do not count; None: 255, or 65535 if the head tells more than 254 labels apart.
        data_preprocessor: mmengine's; latents need none but the move to the device.
        init_cfg: mmengine's.
    """

    def __init__(
        self,
        generator: dict,
        interpreter: dict,
        vote: str = 'majority',
        ignore: int | None = None,
        truncation: dict | float | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        net: ClassConditionalGenerator = MODELS.build(generator)
        net.init_weights()
        self.generator_config, self.interpreter_config = generator, interpreter
        self.interpreter = MODELS.build({**net.interpreter_sizes(), **interpreter})
        self.generator_state = net.state_dict()  # unfolded, before the next line folds it
        self._generator = Frozen(net)
        self.truncation, self.latent_distribution = Truncation.of(truncation), net.latent_distribution
        select_statistics(net, self.truncation)
        self.vote = vote
        self.ignore = ignore_label(self.interpreter.num_outputs) if ignore is None else ignore

    def forward(self, inputs: Sequence[Tensor], data_samples: list[BaseDataElement], mode: str = 'tensor') -> dict | Tensor | list:
        """``loss``: dict of one loss; ``predict``: data samples with ``pred_sem_seg``; ``tensor``: logits of all members (M,N,C,R,R).

        Args:
            inputs: Latents, N of float32 (latent_dim,).
            data_samples: With ``gt_label`` (1,) and ``gt_sem_seg`` (1,R,R).
        """
        y = torch.cat([sample.gt_label for sample in data_samples])
        features, embedding = self._features(torch.stack(list(inputs)), y)
        if mode == 'loss':
            labels = torch.cat([sample.gt_sem_seg.data for sample in data_samples])
            logits = self.interpreter.forward_own(features, embedding)
            members = len(self.interpreter.members)
            losses = [
                segmentation_loss(own, target, self.ignore)
                for own, target in zip(logits.chunk(members), labels.chunk(members), strict=True)
            ]
            # The sum, so that no member's gradient depends on how many there are; the mean is logged.
            return dict(loss=torch.stack(losses).sum(), member_mean=torch.stack(losses).mean().detach())
        logits = self.interpreter(features, embedding)
        if mode == 'tensor':
            return logits
        for sample, labels in zip(data_samples, vote(logits, self.vote), strict=True):
            sample.set_field(PixelData(data=labels[None]), 'pred_sem_seg')
            sample.set_metainfo(dict(num_outputs=self.interpreter.num_outputs))  # whether its ids are the dataset's or 0 and 1
        return data_samples

    @torch.no_grad()
    def _features(self, z: Tensor, y: Tensor) -> tuple[list[Tensor], Tensor]:
        generator = self._generator.on(z.device)
        _, features = generator.forward_features(z, y)
        return features, generator.embed(y)
