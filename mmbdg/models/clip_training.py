"""Training of a CLIP model of open_clip as an mmengine model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import torch
from mmengine.model import BaseModel
from torch import Tensor
from torch.nn import functional as F

from mmbdg.embedders.clip_model import VOCABULARY
from mmbdg.embedders.vocabulary import merges_of_words, vocabulary_size, write_vocabulary
from mmbdg.embedders.zero_shot import class_vectors, filled
from mmbdg.errors import InputError
from mmbdg.registry import MODELS

LARGEST_SCALE = 100.0
"""Upper bound of the scale of the logits, as in CLIP's own training."""


@MODELS.register_module()
class CLIPTraining(BaseModel):
    """Trains open_clip's ``CLIP`` on images with captions and class labels.

    Data samples need ``caption`` and ``gt_label``, and may have ``attributes`` and ``stated`` (see
    :class:`~mmbdg.datasets.caption_garment.CaptionGarment`). Each process computes the contrastive loss of its own batch.

    Args:
        embed_dim, vision_cfg, text_cfg: Arguments of ``open_clip.CLIP``, without the size of the vocabulary.
        preprocess_cfg: Preprocessing of the images, with the keys of open_clip's file; ``mean`` and ``std`` are for values from 0 to 1. The
            training images must already have its size.
        words: Words that the tokenizer must not split; the vocabulary is reduced to the merges that they need. None: open_clip's own
            49,408 tokens.
        targets: Positives of an image. "true": all captions of the batch that are true of it, with equal weights; they have its class and
            state only ``attributes`` that it has. "pair": only its own caption, as in ``open_clip.ClipLoss``.
        classes, templates: Texts of the classes and templates for ``predict``, see :class:`~mmbdg.embedders.zero_shot.ZeroShotClassifier`.
        questions: Attributes that ``predict`` answers: ``dict(tone=dict(bright='a bright {}', dark='a dark {}'))``; the ``{}`` is the
            image's class. Default: none.
        bgr_to_rgb: Whether the input images are BGR, as OpenMMLab loads them. Default: True.
        init_cfg: See mmengine's ``BaseModule``.

    Raises:
        InputError: open_clip is not installed, or a template does not have exactly one ``{}``.
    """

    def __init__(
        self,
        embed_dim: int,
        vision_cfg: dict,
        text_cfg: dict,
        preprocess_cfg: dict,
        words: Sequence[str] | None = None,
        targets: Literal['true', 'pair'] = 'true',
        classes: Sequence[str] = (),
        templates: Sequence[str] = ('a photo of a {}',),
        questions: Mapping[str, Mapping[str, str]] | None = None,
        bgr_to_rgb: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        mean, std = ([255 * value for value in preprocess_cfg[key]] for key in ('mean', 'std'))
        super().__init__(dict(type='mmengine.ImgDataPreprocessor', mean=mean, std=std, bgr_to_rgb=bgr_to_rgb), init_cfg)
        try:
            import open_clip
        except ImportError as error:
            raise InputError(
                f'mmbdg.CLIPTraining needs open_clip, which cannot be imported ({error}): pip install "mmbdg[clip]"'
            ) from error
        if targets not in ('true', 'pair'):
            raise InputError(f'targets of mmbdg.CLIPTraining is "true" or "pair", got {targets!r}')
        self.merges = None if words is None else merges_of_words(words)
        if self.merges is not None:
            text_cfg = text_cfg | dict(vocab_size=vocabulary_size(self.merges))
        self.model_cfg = dict(embed_dim=embed_dim, vision_cfg=dict(vision_cfg), text_cfg=dict(text_cfg))
        self.preprocess_cfg = dict(preprocess_cfg)
        self.clip = open_clip.CLIP(**self.model_cfg)
        self.contrast, self.targets = open_clip.ClipLoss(), targets
        self.tokenizer = self._tokenizer()
        self._tokens: dict[str, Tensor] = {}
        self.texts = [[filled(template, name) for template in templates] for name in classes]
        self.questions = {
            name: [[filled(template, one) for template in answers.values()] for one in classes]
            for name, answers in (questions or {}).items()
        }
        self.answers = {name: list(answers) for name, answers in (questions or {}).items()}

    def _tokenizer(self) -> Any:
        from open_clip.tokenizer import SimpleTokenizer

        length = self.model_cfg['text_cfg'].get('context_length', 77)
        if self.merges is None:
            return SimpleTokenizer(context_length=length)
        with TemporaryDirectory() as folder:
            write_vocabulary(Path(folder) / VOCABULARY, self.merges)
            return SimpleTokenizer(str(Path(folder) / VOCABULARY), context_length=length)

    def _encoded(self, texts: Sequence[str]) -> Tensor:
        """Vectors of length 1 of N texts, (N,D)."""
        for text in set(texts) - self._tokens.keys():
            self._tokens[text] = self.tokenizer([text])[0]
        tokens = torch.stack([self._tokens[text] for text in texts])
        return self.clip.encode_text(tokens.to(self.clip.logit_scale.device), normalize=True)

    def forward(self, inputs: Tensor, data_samples: Sequence[Any], mode: str = 'tensor') -> dict | Tensor | list:
        """``loss``: dict with one loss; ``predict``: data samples with ``pred_score``; ``tensor``: vectors of length 1, (N,D).

        A prediction's ``pred_score`` (K,) is the softmax over the scaled similarities with the classes; ``answers`` names the answer to
        each question.

        Args:
            inputs: N normalised images, float32 (N,3,H,W).
            data_samples: N data samples.
        """
        images = self.clip.encode_image(inputs, normalize=True)
        if mode == 'tensor':
            return images
        return self._loss(images, data_samples) if mode == 'loss' else self._predict(images, data_samples)

    def _loss(self, images: Tensor, data_samples: Sequence[Any]) -> dict[str, Tensor]:
        texts = self._encoded([sample.caption for sample in data_samples])
        scale = self.clip.logit_scale.exp().clamp(max=LARGEST_SCALE)
        with torch.autocast(images.device.type, enabled=False):
            images, texts = images.float(), texts.float()
            if self.targets == 'pair':
                loss = self.contrast(images, texts, scale)
            else:
                loss = soft_target_loss(*self.contrast.get_logits(images, texts, scale), true_captions(data_samples).to(images.device))
        return dict(loss=loss, scale=scale.detach())

    def _predict(self, images: Tensor, data_samples: Sequence[Any]) -> list[Any]:
        scale = self.clip.logit_scale.exp().clamp(max=LARGEST_SCALE)
        scores = (scale * images @ self._classes(self.texts).T).softmax(1)
        answers = {name: [class_vectors(self._vectors([[text] for text in texts])) for texts in of] for name, of in self.questions.items()}
        for sample, image, score in zip(data_samples, images, scores, strict=True):
            sample.set_field(score, 'pred_score')
            label = int(sample.gt_label)
            said = {name: self.answers[name][int((of[label] @ image).argmax())] for name, of in answers.items()}
            sample.set_metainfo(dict(answers=said))
        return list(data_samples)

    def _classes(self, texts: Sequence[Sequence[str]]) -> Tensor:
        if not texts:
            raise InputError('mmbdg.CLIPTraining predicts only with classes=[...]: texts of the classes, in the order of the labels')
        return class_vectors(self._vectors(texts))

    def _vectors(self, texts: Sequence[Sequence[str]]) -> Tensor:
        """Vectors of K times T texts, (K,T,D)."""
        return self._encoded([text for of in texts for text in of]).view(len(texts), len(texts[0]), -1)


def true_captions(data_samples: Sequence[Any]) -> Tensor:
    """Find the captions that are true of each image: they have its class and state only attributes that it has.

    Args:
        data_samples: N data samples with ``gt_label``, and ``attributes`` and ``stated`` if there are attributes.

    Returns:
        bool (N,N); rows are images, columns captions. The diagonal is True.
    """
    labels = [int(sample.gt_label) for sample in data_samples]
    shown = [sample.get('attributes', {}) for sample in data_samples]
    stated = [sample.get('stated', {}) for sample in data_samples]
    return torch.tensor(
        [
            [
                label == other and all(has.get(name) == value for name, value in says.items())
                for other, says in zip(labels, stated, strict=True)
            ]
            for label, has in zip(labels, shown, strict=True)
        ]
    )


def soft_target_loss(logits_per_image: Tensor, logits_per_text: Tensor, true: Tensor) -> Tensor:
    """Cross-entropy whose target distribution is uniform over all true pairs; mean of both directions.

    Args:
        logits_per_image, logits_per_text: Scaled similarities, float32 (N,N); rows are images or texts respectively.
        true: Whether each text is true of each image, bool (N,N); rows are images.

    Returns:
        The loss, a scalar; equal to ``open_clip.ClipLoss`` if only the diagonal is true.
    """
    per_image, per_text = true.float(), true.T.float()
    losses = [
        F.cross_entropy(logits, target / target.sum(1, keepdim=True))
        for logits, target in ((logits_per_image, per_image), (logits_per_text, per_text))
    ]
    return (losses[0] + losses[1]) / 2
