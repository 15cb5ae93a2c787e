"""Real images as a source, labelled by a trained segmentor (pseudo-labels)."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmbdg.data_configs import UNBUILT, unbuilt_text
from mmbdg.errors import InputError
from mmbdg.interpreter import ignore_uncertain
from mmbdg.interpreter.labels import entropy
from mmbdg.registry import SOURCES
from mmbdg.sources.base import LabelledBatch
from mmbdg.sources.class_list import ClassList
from mmbdg.sources.given_image_source import GivenImageSource
from mmbdg.sources.labelled_generator import check_bound
from mmbdg.sources.segmentor import Segmentor, foreground, named
from mmbdg.storage.catalogue import Catalogue
from mmbdg.storage.masks import ignore_label
from mmbdg.storage.originals import Store

FGBG = ('background', 'foreground')
LARGEST = 4096
"""Largest height and width of the samples in pixels."""


@SOURCES.register_module()
class PseudoLabelSource(GivenImageSource):
    """The user's own real images, or retrieved ones, with masks by a segmentor of mmseg that was trained on a few annotated images.

    It is the self-training baseline: the segmentor that is trained on these masks can be the same network. The uncertainty of a pixel is
    the entropy of its label probabilities; that of a sample is the mean over its pixels, so
    :class:`~mmbdg.synthesis.filters.UncertaintyFilter` drops the images on which the segmentor is least certain.

    Args:
        images: Folder with a folder of images for each class, or a dataset in our layout (one without masks too).
        config: Config file whose ``model`` is the segmentor.
        checkpoint: Its weights, see :class:`~mmbdg.sources.segmentor.Segmentor`.
        classes: Classes of the images, see :class:`~mmbdg.sources.class_list.ClassList`.
        size: Height and width of images and masks in pixels, 1 to 4096.
        known_class: True: the folder of an image states its class, and the segmentor only finds the foreground: the probabilities of all
            labels but the first are summed, and masks hold 0 and 1 as those of a labelled generator of foreground and background. False:
            masks hold the most probable label of the segmentor. Default: True.
        labels: Names of the segmentor's labels, "background" first. Default: None, for those in the checkpoint, which the training stored
            with its data's meta information. Needed for ``known_class=False`` if the checkpoint has none.
        selection: Name of a selection of the dataset. Default: None, for all images.
        ignore_above: Entropy in nats (at most ln 2 = 0.693 with ``known_class``, else ln of the number of labels) above which a pixel of a
            mask gets the ignore value. Default: None, for never.
        squash: True resizes both sides of an image; False resizes the short side and crops the centre. Default: False.
        licence: Licence of the images. Default: ''.
        store: How images are stored that already have the size: "encode", "copy" or "link" (hard links), see
            :attr:`~mmbdg.sources.Source.store`. All others are resized and encoded. Default: "encode".
        seed: Seed of the dataset; the samples do not depend on it. Default: 0.

    Raises:
        InputError: The folder, the config or the weights do not exist; the weights do not fit the config; the segmentor cannot label images
            of this size; its labels do not match ``labels`` or do not begin with the background; or a class has no image.
    """

    def __init__(
        self,
        images: str,
        config: str,
        checkpoint: str,
        classes: str | Sequence[Any],
        size: int,
        known_class: bool = True,
        labels: Sequence[str] | None = None,
        selection: str | None = None,
        ignore_above: float | None = None,
        squash: bool = False,
        licence: str = '',
        store: Store = 'encode',
        seed: int = 0,
    ) -> None:
        self.check(size=size, labels=labels, ignore_above=ignore_above)
        super().__init__(images, ClassList(classes), size, selection, squash, store, seed)
        self.segmentor = Segmentor(config, checkpoint)
        own = self._own_labels(labels, checkpoint, known_class)
        self.known_class, self.ignore_above = known_class, ignore_above
        names = FGBG if known_class else own
        self.most_disagreement = math.log(len(names))
        self.catalogue = Catalogue(self.classes.names, self.classes.ids, names, ignore_label(len(names)), size, licence)

    @staticmethod
    def check(size: int, labels: Sequence[str] | None = None, ignore_above: float | None = None, **_: Any) -> None:
        """Check the values without reading a file.

        Raises:
            InputError: A value is out of its range, or the labels are not unique or do not begin with the background.
        """
        if not 1 <= size <= LARGEST:
            raise InputError(f'synthesis.source.size must be 1 to {LARGEST} pixels, got {size}')
        check_bound(ignore_above)
        if labels is not None:
            _check_names(labels, 'synthesis.source.labels')

    def to(self, device: Any) -> 'PseudoLabelSource':
        self.segmentor.to(device)
        return super().to(device)

    def masks(self, class_id: int, indices: Sequence[int], images: Tensor) -> LabelledBatch:
        p = self.segmentor.probabilities(images)
        if self.known_class:
            p = torch.stack([1 - foreground(p), foreground(p)], 1)
        uncertain = entropy(p).clamp(max=self.most_disagreement)  # rounding can exceed the bound
        masks = ignore_uncertain(p.argmax(1), uncertain, self.ignore_above, self.catalogue.ignore)
        return LabelledBatch(images, masks, uncertain.flatten(1).mean(1), uncertain)

    def labeller_identity(self) -> dict[str, dict[str, Any]]:
        segmentor = self.segmentor.identity()
        config = dict(
            size=self.size,
            known_class=self.known_class,
            labels=list(self.catalogue.labels),
            ignore_above=self.ignore_above,
            segmentor=segmentor['config'],
        )
        return dict(config=config, checksums=segmentor['checksums'], versions=segmentor['versions'])

    def _own_labels(self, given: Sequence[str] | None, checkpoint: str, known_class: bool) -> tuple[str, ...]:
        """Names of the segmentor's labels; () if they are neither known nor needed."""
        number = self._number_of_labels()
        stored = self.segmentor.labels
        if stored is not None:
            _check_names(stored, f'the labels of {checkpoint}')
            if given is not None and tuple(given) != stored:
                raise InputError(
                    f'synthesis.source.labels does not match {checkpoint}, which was trained with the labels {named(stored)}, got '
                    f'{named(given)}; leave labels out'
                )
        names = stored if given is None else tuple(given)
        if names is None:
            if known_class:
                return ()
            raise InputError(
                f'{checkpoint} does not name its {number} labels; name them, background first: synthesis.source.labels=[...], or set '
                'known_class=True'
            )
        if len(names) != number:
            raise InputError(
                f'the segmentor has {number} labels, but synthesis.source.labels names {len(names)}: {named(names)}; name all of them, '
                'background first'
            )
        return names

    def _number_of_labels(self) -> int:
        """Number L of labels, from labelling one grey image: whether a network accepts a size is known only by running it."""
        image = torch.full((1, 3, self.size, self.size), 128, dtype=torch.uint8)
        try:
            return self.segmentor.probabilities(image).shape[1]
        except UNBUILT as error:
            if type(error).__name__ == 'OutOfMemoryError':
                raise
            raise InputError(
                f'the segmentor cannot label images of {self.size} x {self.size} pixels: {unbuilt_text(error)}; set '
                'synthesis.source.size to the size with which it was trained'
            ) from error


def _check_names(names: Sequence[str], where: str) -> None:
    """Raise InputError unless label names are unique and begin with the background, the value 0 in masks of a dataset."""
    if len(names) < 2 or names[0].lower() != 'background':
        raise InputError(f'{where} must be "background" and at least one other label, in this order, got {named(names)}')
    if len(set(names)) != len(names):
        raise InputError(f'{where} must be unique, got {named(names)}')
