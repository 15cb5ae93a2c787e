"""Fashion-MNIST at 32 px, with masks from the foreground rule."""

from collections.abc import Sequence

import numpy as np
from mmengine.dataset import BaseDataset

from mmbdg.annotation.foreground import BACKGROUND_LEVEL, fashion_foreground
from mmbdg.datasets.fashion_files import CLASSES, load_fashion
from mmbdg.datasets.label_fraction import labelled_subset
from mmbdg.registry import DATASETS
from mmbdg.storage import label_spaces
from mmbdg.storage.palette import palette


@DATASETS.register_module()
class FashionMNIST32(BaseDataset):
    """Real grey product photos, 32x32 px, as three equal channels; for classification, self-supervision and segmentation.

    Each item holds ``img`` uint8 (32,32,3), ``gt_label`` int, ``gt_seg_map`` int64 (32,32) in the label space (from the foreground rule),
    ``ori_shape``, ``img_shape`` and ``seg_fields``; a pipeline ends with ``mmpretrain.PackInputs`` or ``mmseg.PackSegInputs``.

    Args:
        split: Official split, "train" or "test".
        source: "embedded", "full" or a folder, see :func:`mmbdg.datasets.fashion_files.load_fashion`.
        label_space: Label space of ``gt_seg_map`` and of the classes in the meta information: "fgbg", "classes" or groups of classes, see
            :func:`mmbdg.storage.label_spaces.label_space`; images of classes outside it are skipped.
        label_fraction: Fraction of the images that is used, in (0, 1] (stratified by class, nested), see
            :func:`~mmbdg.datasets.label_fraction.labelled_subset`. Default 1.
        label_seed: Seed of the choice of these images.
        threshold: Grey level threshold of the foreground rule, 0..255.
        pipeline: Transforms.
        test_mode: If True, the mask keeps its size when the pipeline resizes the image, as in mmseg's test pipelines (``mmseg.Resize``).
    """

    def __init__(
        self,
        split: str = 'train',
        source: str = 'embedded',
        label_space: str | label_spaces.Groups = 'classes',
        label_fraction: float = 1.0,
        label_seed: int = 0,
        threshold: int = BACKGROUND_LEVEL,
        pipeline: Sequence[dict] = (),
        test_mode: bool = False,
    ) -> None:
        images, labels = load_fashion(split, source)
        kept = labelled_subset(labels, label_fraction, label_seed) if label_fraction != 1 else np.arange(len(labels))
        self.space = label_spaces.label_space(label_space, CLASSES)
        kept = np.array(self.space.within(kept, lambda i: labels[i], 'images'))
        self.images, self.labels, self.indices = images[kept], labels[kept], kept
        self.threshold = threshold
        super().__init__(
            metainfo=dict(classes=self.space.classes, palette=palette(self.space.num_classes), class_names=CLASSES),
            pipeline=list(pipeline),
            test_mode=test_mode,
            serialize_data=False,
        )

    def load_data_list(self) -> list[dict]:
        return [dict(gt_label=int(label), img_id=int(index)) for label, index in zip(self.labels, self.indices, strict=True)]

    def get_data_info(self, idx: int) -> dict:
        info = super().get_data_info(idx)
        image = self.images[info['sample_idx']]
        seg_map = self.space.paint(fashion_foreground(image, self.threshold), info['gt_label'])
        return info | dict(
            img=np.repeat(image[:, :, None], 3, axis=2),
            gt_seg_map=seg_map,
            ori_shape=image.shape,
            img_shape=image.shape,
            seg_fields=[] if self.test_mode else ['gt_seg_map'],
        )
