"""Training of VQGAN's second stage, the transformer that draws tokens, as an mmengine model."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement
from torch import Tensor
from torch.nn import functional as F

from mmbdg.assets.class_lists import class_names as names_of
from mmbdg.compat.checkpoint import load_strict, read_state_dict
from mmbdg.errors import InputError
from mmbdg.generators import to_pixels
from mmbdg.models.vqgan_autoencoder_training import built_vqgan
from mmbdg.registry import MODELS
from mmbdg.sources.latents import generator_inputs

STAGE = 'first_stage_model.'


@MODELS.register_module()
class VQGANTransformerTraining(BaseModel):
    """Trains the transformer of a VQGAN to predict each token from the class and the tokens before it (arXiv 2012.09841, section 3.2).

    The autoencoder is frozen. With mmengine's ``EMAHook`` validations, checkpoints and exports use the averaged weights.

    ``predict`` returns the data samples with ``real`` and ``generated``, uint8 (3,R,R): for each real image one of its class, from the
    uniform numbers at the address (class, sample_idx).

    Args:
        generator: Config of the generator, ``dict(type='mmbdg.VQGAN', ...)``.
        autoencoder: Weights of the first stage: the file of a :class:`~mmbdg.models.VQGANAutoencoderTraining`, or of a whole VQGAN. It is
            read by :meth:`init_weights`.
        classes: Names of the classes, or the name of an embedded list.
        corrupted: Fraction of the tokens before the predicted one that are replaced by random tokens in training, in [0,1), against
            overfitting (1 - pkeep in the released code). Default: 0.
        seed: Seed of the numbers of validations and sample pictures. Default: 0.
        data_preprocessor: Config of a data preprocessor that scales images to [-1,1].
        init_cfg: See mmengine's ``BaseModule``.

    Raises:
        InputError: The generator is no VQGAN, has another number of classes, or a value is out of range.
    """

    def __init__(
        self,
        generator: dict,
        autoencoder: str,
        classes: Sequence[str] | str,
        corrupted: float = 0.0,
        seed: int = 0,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        if not 0 <= corrupted < 1:
            raise InputError(f'model.corrupted lies in [0,1), got {corrupted!r}')
        self.generator, self.classes = built_vqgan(generator), names_of(classes)
        if self.generator.num_classes != len(self.classes):
            raise InputError(f'model.generator.num_classes is {self.generator.num_classes}, but there are {len(self.classes)} classes')
        self.corrupted, self.seed, self.autoencoder_weights = corrupted, seed, autoencoder
        self.generator.first_stage_model.requires_grad_(False)

    def init_weights(self) -> None:
        """Read the weights of the autoencoder; the transformer is initialised when it is built.

        Raises:
            InputError: The file cannot be read, or does not fit the generator.
        """
        weights = read_state_dict(self.autoencoder_weights)
        own = {name.removeprefix(STAGE): value for name, value in weights.items() if name.startswith(STAGE)}  # of a whole VQGAN
        load_strict(self.generator.first_stage_model, own or weights, self.autoencoder_weights)

    def forward(
        self, inputs: Tensor, data_samples: list[BaseDataElement], mode: str = 'tensor'
    ) -> Tensor | dict[str, Tensor] | list[BaseDataElement]:
        """``loss``: the loss; ``predict``: data samples; ``tensor``: generated images uint8 (N,3,R,R)."""
        class_ids = torch.cat([sample.gt_label for sample in data_samples])
        if mode == 'loss':
            return self.loss(inputs, class_ids)
        images = self.images(class_ids.tolist(), [sample.sample_idx for sample in data_samples])
        if mode == 'tensor':
            return images
        for sample, real, generated in zip(data_samples, to_pixels(inputs), images, strict=True):
            sample.set_field(real, 'real')
            sample.set_field(generated, 'generated')
        return data_samples

    def loss(self, images: Tensor, class_ids: Tensor) -> dict[str, Tensor]:
        """Cross-entropy of the tokens in nats per token, and the fraction of tokens that are the most probable ones.

        Args:
            images: float (N,3,R,R) in [-1,1].
            class_ids: int64 (N,).
        """
        tokens = self.generator.encode(images)  # (N,L)
        before = tokens[:, :-1]  # the last token precedes none
        if self.corrupted:
            random = torch.randint(self.generator.n_embed, before.shape, device=before.device)
            before = torch.where(torch.rand(before.shape, device=before.device) < self.corrupted, random, before)
        logits = self.generator.transformer(torch.cat([class_ids[:, None], before], dim=1)).flatten(0, 1)  # (N*L,V)
        with torch.no_grad():
            right = (logits.argmax(1) == tokens.flatten()).float().mean()
        return dict(loss_tokens=F.cross_entropy(logits.float(), tokens.flatten()), right_tokens=right)

    @torch.no_grad()
    def images(self, class_ids: Sequence[int], indices: Sequence[int]) -> Tensor:
        """Generate the images of N addresses, uint8 (N,3,R,R), on the device of the model.

        Args:
            class_ids: Class index of each image.
            indices: Index of each image within its class.
        """
        return to_pixels(self.generator(*generator_inputs(self.generator, self.seed, class_ids, indices)))
