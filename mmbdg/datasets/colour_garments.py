"""Garments in colour over textured ground, with clutter and partial occlusion: real photos in composed images, with known masks."""

from collections.abc import Sequence

import numpy as np
from mmengine.dataset import BaseDataset

from mmbdg.datasets.colour_scenes import ColourComposer, ColourScene
from mmbdg.datasets.fashion_files import CLASSES
from mmbdg.datasets.label_fraction import labelled_subset
from mmbdg.registry import DATASETS
from mmbdg.storage import label_spaces
from mmbdg.storage.palette import palette


@DATASETS.register_module()
class ColourGarments(BaseDataset):
    """One image for each photo of Fashion-MNIST, with the garment in random colours (docs/colour_garments.md).

    Image i is a function of (seed, split, i). Ground, garment and clutter take their colours from the same few, so that a threshold does
    not find the garment. The mask is the visible part of the garment: it is known by composition, not by a rule on the image.

    Each item holds ``img`` uint8 (S,S,3) BGR, as after OpenMMLab's image loading, ``gt_label`` int, ``ori_shape``, ``img_shape``, and with
    ``masks`` also ``gt_seg_map`` int64 (S,S) in the label space and ``seg_fields``. A pipeline ends with ``mmpretrain.PackInputs`` or
    ``mmseg.PackSegInputs``. Each process keeps the images that it has composed: 4 KB each at 32 px, 16 KB at 64 px.

    Args:
        split: Split of the photos, "train" or "test". The other split has other photos, colours and clutter.
        source: "embedded" (10,000 + 1,000), "full" or a folder, see :func:`~mmbdg.datasets.fashion_files.load_fashion`.
        label_space: Label space of ``gt_seg_map`` and of the classes in the meta information: "fgbg", "classes" or groups of classes, see
            :func:`mmbdg.storage.label_spaces.label_space`; images of classes outside it are skipped.
        label_fraction: Fraction of the images that is used, in (0, 1] (stratified by class, nested), see
            :func:`~mmbdg.datasets.label_fraction.labelled_subset`. Default 1.
        label_seed: Seed of the choice of these images.
        masks: If False, items hold no ``gt_seg_map``: images and class labels for generators, classifiers and self-supervision. Default
            True.
        size: Side of the images in pixels, 32 to 256. The figures of the docs are for 32, the default.
        seed: Seed of the images. The figures of the docs are for 0, the default.
        pipeline: Transforms.
        test_mode: If True, the mask keeps its size when the pipeline resizes the image, as in mmseg's test pipelines (``mmseg.Resize``).

    Raises:
        InputError: The size is out of range, or the label space is unknown.
        ValueError: ``split`` or ``label_fraction`` is out of range.
    """

    bgr = True
    """The items contain ``img`` in BGR, for tools that read a dataset without a pipeline."""

    def __init__(
        self,
        split: str = 'train',
        source: str = 'embedded',
        label_space: str | label_spaces.Groups = 'classes',
        label_fraction: float = 1.0,
        label_seed: int = 0,
        masks: bool = True,
        size: int = 32,
        seed: int = 0,
        pipeline: Sequence[dict] = (),
        test_mode: bool = False,
    ) -> None:
        self.composer, self.masks = ColourComposer(split, source, size, seed), masks
        labels = self.composer.labels
        kept = labelled_subset(labels, label_fraction, label_seed) if label_fraction != 1 else np.arange(len(labels))
        self.space = label_spaces.label_space(label_space, CLASSES)
        self.indices = self.space.within(kept.tolist(), lambda i: labels[i], 'images')
        self._scenes: dict[int, ColourScene] = {}
        super().__init__(
            metainfo=dict(classes=self.space.classes, palette=palette(self.space.num_classes), class_names=CLASSES),
            pipeline=list(pipeline),
            test_mode=test_mode,
            serialize_data=False,
        )

    def load_data_list(self) -> list[dict]:
        return [dict(gt_label=int(self.composer.labels[index]), img_id=index) for index in self.indices]

    def get_data_info(self, idx: int) -> dict:
        info = super().get_data_info(idx)
        index = info['img_id']
        if index not in self._scenes:
            self._scenes[index] = self.composer.compose(index)
        scene = self._scenes[index]
        shape = scene.image.shape[:2]
        info |= dict(img=np.ascontiguousarray(scene.image[:, :, ::-1]), ori_shape=shape, img_shape=shape)
        if not self.masks:
            return info
        seg_map = self.space.paint(scene.mask, info['gt_label'])
        return info | dict(gt_seg_map=seg_map, seg_fields=[] if self.test_mode else ['gt_seg_map'])
