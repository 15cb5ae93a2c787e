"""Training of VQGAN's first stage, the autoencoder with a table of codes, as an mmengine model."""

import torch
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement
from torch import Tensor, nn
from torch.nn import functional as F

from mmbdg.errors import InputError
from mmbdg.generators import to_pixels
from mmbdg.generators.vqgan import VQGAN
from mmbdg.models.codebook import CodebookAverage, straight_through
from mmbdg.registry import MODELS


@MODELS.register_module()
class VQGANAutoencoderTraining(BaseModel):
    """Trains encoder, decoder and codes of a VQGAN (Taming Transformers, arXiv 2012.09841, section 3.1).

    The loss is the error of the reconstructions plus the commitment of the encoder to its codes; the codes are moving averages, see
    :class:`~mmbdg.models.codebook.CodebookAverage`. The paper's perceptual and adversarial losses are left out, so that no network that
    judges the samples later takes part in the training; reconstructions are therefore smoother than the paper's.

    ``predict`` returns the data samples with ``real`` and ``generated`` (the reconstruction), uint8 (3,R,R), and ``tokens``, int64 (L,).

    Args:
        generator: Config of the whole generator, ``dict(type='mmbdg.VQGAN', ...)``; its transformer is not trained here and not kept.
        commitment: Weight of the commitment loss (beta of VQ-VAE, equation 3). Default: 0.25.
        codebook: Arguments of :class:`~mmbdg.models.codebook.CodebookAverage`, without the sizes. Default: none.
        grey: Whether all images are grey. If True, the three output channels start equal, and training keeps them equal. Default: False.
        data_preprocessor: Config of a data preprocessor that scales images to [-1,1].
        init_cfg: See mmengine's ``BaseModule``.

    Raises:
        InputError: The generator is no VQGAN, or a value is out of range.
    """

    def __init__(
        self,
        generator: dict,
        commitment: float = 0.25,
        codebook: dict | None = None,
        grey: bool = False,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        if not commitment >= 0:
            raise InputError(f'model.commitment is a number of at least 0, got {commitment!r}')
        self.commitment = commitment
        self.autoencoder: nn.Module = built_vqgan(generator).first_stage_model
        codes = self.autoencoder.quantize.embedding.weight
        codes.requires_grad_(False)
        self.codebook = CodebookAverage(*codes.shape, **codebook or {})
        if grey:
            last = self.autoencoder.decoder.conv_out
            for values in (last.weight, last.bias):
                values.data[:] = values.data.mean(0)

    def init_weights(self) -> None:
        """Do nothing: the networks are initialised when they are built."""

    def forward(
        self, inputs: Tensor, data_samples: list[BaseDataElement] | None = None, mode: str = 'tensor'
    ) -> Tensor | dict[str, Tensor] | list[BaseDataElement]:
        """``loss``: losses and use of the codes; ``predict``: data samples; ``tensor``: reconstructions float (N,3,R,R)."""
        if mode == 'loss':
            return self.loss(inputs)
        tokens = self.autoencoder.encode(inputs)
        images = self.autoencoder.decode(tokens)
        if mode == 'tensor':
            return images
        for sample, real, generated, own in zip(data_samples, to_pixels(inputs), to_pixels(images), tokens, strict=True):
            sample.set_field(real, 'real')
            sample.set_field(generated, 'generated')
            sample.set_field(own, 'tokens')
        return data_samples

    def loss(self, images: Tensor) -> dict[str, Tensor]:
        """Losses of images float (N,3,R,R) in [-1,1]; ``codes_used``: number of codes in the batch. In training the codes are updated."""
        net = self.autoencoder
        # channels_last is faster on a CPU
        vectors = net.quant_conv(net.encoder(images.contiguous(memory_format=torch.channels_last))).float()  # (N,D,H,W)
        flat = vectors.detach().permute(0, 2, 3, 1).flatten(0, 2)  # (N*H*W,D), in the order of the tokens
        if self.training:
            self.codebook.start(net.quantize, flat)
        tokens = net.quantize.nearest(vectors.detach())
        codes = net.quantize(tokens)
        images_again = net.decoder(net.post_quant_conv(straight_through(vectors, codes)))
        losses = dict(
            loss_reconstruction=F.mse_loss(images_again.float(), images),
            loss_commitment=self.commitment * F.mse_loss(vectors, codes.detach()),
            codes_used=tokens.unique().numel() * torch.ones((), device=images.device),
        )
        if self.training:  # after the forward pass, whose graph holds a copy of the codes
            self.codebook.update(net.quantize, flat, tokens.flatten())
        return losses


def built_vqgan(config: dict) -> VQGAN:
    """Build a VQGAN with random weights from its config; its ``init_cfg`` is not used.

    Raises:
        InputError: It is another generator.
    """
    generator = MODELS.build({key: value for key, value in config.items() if key != 'init_cfg'})
    if not isinstance(generator, VQGAN):
        raise InputError(f'model.generator must be a mmbdg.VQGAN, got {type(generator).__name__}')
    generator.init_weights()
    return generator
