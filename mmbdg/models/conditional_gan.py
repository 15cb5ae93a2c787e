"""Training of a class-conditional GAN as an mmengine model."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModel, ExponentialMovingAverage
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from mmbdg.generators import ClassConditionalGenerator, reestimate_spectral_norm, to_pixels
from mmbdg.models.diff_augment import diff_augment
from mmbdg.models.projection_discriminator import hinge_discriminator, hinge_generator
from mmbdg.registry import MODELS
from mmbdg.sources.latents import generator_inputs


@MODELS.register_module()
class ConditionalGAN(BaseModel):
    """Hinge loss, ``discriminator_steps`` discriminator steps for one of the generator, an exponential moving average of the generator.

    One iteration of the runner is one discriminator step. ``predict`` answers for each real image with a generated one of the same class,
    from the averaged generator, at the address (class, sample_idx).

    Args:
        generator: A class-conditional generator.
        discriminator: ``forward(images, classes) -> logits (N,)``.
        discriminator_steps: Discriminator steps for one of the generator.
        ema_momentum: Weight of the new value in the average (1 - 0.9999 in BigGAN).
        augment: Names of differentiable augmentations, see :mod:`mmbdg.models.diff_augment`.
        channels_last: Memory format of both networks; on a CPU about twice as fast.
        data_preprocessor: Must bring images to [-1,1].
        init_cfg: mmengine's.
    """

    def __init__(
        self,
        generator: dict,
        discriminator: dict,
        discriminator_steps: int = 2,
        ema_momentum: float = 1e-4,
        augment: Sequence[str] = (),
        channels_last: bool = True,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.generator: ClassConditionalGenerator = MODELS.build(generator).to(memory_format=memory_format)
        self.discriminator: nn.Module = MODELS.build(discriminator).to(memory_format=memory_format)
        self.generator_ema = ExponentialMovingAverage(self.generator, momentum=ema_momentum)
        self.discriminator_steps = discriminator_steps
        self.augment = tuple(augment)
        self.register_buffer('steps', torch.zeros((), dtype=torch.long))

    def train_step(self, data: dict, optim_wrapper: OptimWrapperDict) -> dict[str, Tensor]:
        """One discriminator step, and a generator step when it is due."""
        data = self.data_preprocessor(data, True)
        real, y = data['inputs'], self._labels(data['data_samples'])
        log = {'loss_discriminator': self._discriminator_step(real, y, optim_wrapper['discriminator'])}
        self.steps += 1
        if self.steps % self.discriminator_steps == 0:
            log['loss_generator'] = self._generator_step(y, optim_wrapper['generator'])
            self.generator_ema.update_parameters(self.generator)
        return log

    def _discriminator_step(self, real: Tensor, y: Tensor, optim_wrapper: OptimWrapper) -> Tensor:
        with optim_wrapper.optim_context(self):
            with torch.no_grad():
                fake = self.generator(self._noise(y), y)
            images = diff_augment(torch.cat([real, fake]), self.augment)
            logits = self.discriminator(images, torch.cat([y, y]))
            loss = hinge_discriminator(*logits.split(len(y)))
        optim_wrapper.update_params(loss)
        return loss.detach()

    def _generator_step(self, y: Tensor, optim_wrapper: OptimWrapper) -> Tensor:
        self.discriminator.requires_grad_(False)
        with optim_wrapper.optim_context(self):
            # Fakes are drawn for the classes of the real batch, so rare classes stay rare.
            fake = diff_augment(self.generator(self._noise(y), y), self.augment)
            loss = hinge_generator(self.discriminator(fake, y))
        optim_wrapper.update_params(loss)
        self.discriminator.requires_grad_(True)
        return loss.detach()

    def _noise(self, y: Tensor) -> Tensor:
        return torch.randn(len(y), self.generator.latent_dim, device=y.device)

    @staticmethod
    def _labels(data_samples: Sequence[BaseDataElement]) -> Tensor:
        return torch.cat([sample.gt_label for sample in data_samples])

    def refresh_average(self, class_ids: Sequence[int], batch_size: int = 64) -> None:
        """Re-estimate what an average of weights leaves behind: the spectral norms' vectors, then the batch-norm statistics.

        Args:
            class_ids: Classes of the samples the statistics are taken over; their number is the number of samples.
            batch_size: Samples per forward pass.
        """
        refresh_statistics(self.generator_ema.module, class_ids, batch_size)

    def forward(
        self, inputs: Tensor, data_samples: list[BaseDataElement] | None = None, mode: str = 'tensor'
    ) -> Tensor | list[BaseDataElement]:
        """``predict``: data samples with ``real`` and ``generated``, uint8 (3,R,R); ``tensor``: generated images float (N,3,R,R)."""
        y = self._labels(data_samples)
        generator = self.generator_ema.module
        images = generator(*generator_inputs(generator, 0, y.tolist(), [sample.sample_idx for sample in data_samples]))
        if mode == 'tensor':
            return images
        if mode == 'predict':
            for sample, real, generated in zip(data_samples, to_pixels(inputs), to_pixels(images), strict=True):
                sample.set_field(real, 'real')
                sample.set_field(generated, 'generated')
            return data_samples
        raise ValueError(f'ConditionalGAN has modes "tensor" and "predict", and train_step for training; got "{mode}"')


@torch.no_grad()
def refresh_statistics(generator: ClassConditionalGenerator, class_ids: Sequence[int], batch_size: int = 64) -> None:
    """Re-estimate the vectors of a generator's spectral norms, then its batch-norm statistics.

    Args:
        generator: Is changed.
        class_ids: Classes of the samples the statistics are taken over; their number is the number of samples.
        batch_size: Samples per forward pass.
    """
    reestimate_spectral_norm(generator)
    norms = [m for m in generator.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over the batches
    was_training = generator.training
    generator.train()
    for start in range(0, len(class_ids), batch_size):
        ids = list(class_ids[start : start + batch_size])
        generator(*generator_inputs(generator, 0, ids, range(start, start + len(ids))))
    generator.train(was_training)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
