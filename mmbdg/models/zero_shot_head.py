"""A linear classifier whose first weights are the vectors of the classes' names."""

from collections.abc import Sequence
from typing import Any

import torch
from mmpretrain.models import LinearClsHead

from mmbdg.embedders import OpenCLIP, ZeroShotClassifier
from mmbdg.embedders.clip_model import clip_model
from mmbdg.embedders.zero_shot import read_templates
from mmbdg.registry import MODELS
from mmbdg.sources.class_list import ClassList


@MODELS.register_module()
class ZeroShotHead(LinearClsHead):
    """``mmpretrain.LinearClsHead`` that begins as the zero-shot classifier of a CLIP model and can be trained.

    ``init_weights``, which a training calls, sets row k of the weights to the vector of class k times the CLIP model's scale of the
    logits: the mean over the templates of the texts' vectors of length 1, scaled to length 1, as in
    ``open_clip.build_zero_shot_classifier``. The bias begins with zeros. Its input must be vectors of length 1, see
    :class:`~mmbdg.models.open_clip_backbone.OpenCLIPBackbone`.

    Args:
        folder, model, pretrained, weights: The CLIP model, see :func:`~mmbdg.embedders.clip_model.clip_model`. Its text tower is used
            once and not kept.
        classes: K classes in the order of the labels, see :class:`~mmbdg.sources.class_list.ClassList`: a file or an embedded list. The
            names may repeat; the index or id identifies a class.
        templates: Texts with one ``{}`` each for the class, or a text file with one in each line.
        **kwargs: Arguments of ``mmpretrain.LinearClsHead``: ``loss``, ``topk``, ``cal_acc``.

    Attributes:
        clip: Description of the CLIP model.
        class_ids: Id of each class.

    Raises:
        InputError: The CLIP model, the classes or the templates are not usable.
    """

    def __init__(
        self,
        classes: str | Sequence[Any],
        templates: str | Sequence[str] = ('a photo of a {}.',),
        folder: str | None = None,
        model: str | None = None,
        pretrained: str | None = None,
        weights: str | None = None,
        **kwargs: Any,
    ) -> None:
        listed = ClassList(classes)
        self.texts, self.templates, self.class_ids = [one.text for one in listed], read_templates(templates), listed.ids
        self.clip_config = dict(folder=folder, model=model, pretrained=pretrained, weights=weights)
        clip = clip_model(**self.clip_config)
        super().__init__(num_classes=len(listed), in_channels=clip.dim, init_cfg=None, **kwargs)
        self.clip = clip

    @torch.no_grad()
    def init_weights(self) -> None:
        """Set the weights to those of the zero-shot classifier, see above.

        Raises:
            InputError: The weights of the CLIP model are missing, damaged, or those of another architecture.
        """
        embedder = OpenCLIP(**self.clip_config)
        vectors = ZeroShotClassifier(embedder, self.texts, self.templates).weights
        self.fc.weight.copy_(embedder.model.logit_scale.exp() * vectors)
        self.fc.bias.zero_()
