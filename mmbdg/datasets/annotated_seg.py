"""Annotated samples of a generator as a segmentation dataset."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.dataset import BaseDataset

from mmbdg.annotation import AnnotatedLatent, read_annotated_latents
from mmbdg.annotation.mask_values import IGNORE
from mmbdg.assets import resolve
from mmbdg.assets.class_lists import class_names as resolve_names
from mmbdg.errors import InputError
from mmbdg.images import open_image
from mmbdg.registry import DATASETS
from mmbdg.storage import label_spaces
from mmbdg.storage.palette import palette


@DATASETS.register_module()
class AnnotatedSegDataset(BaseDataset):
    """Annotated generated images, ``images/NAME/<class>/*.png``, with their masks; to train or evaluate a segmentor.

    Each item holds ``img`` BGR uint8 (R,R,3), ``gt_label`` int, ``gt_seg_map`` int64 (R,R) in the label space, ``ori_shape``, ``img_shape``
    and ``seg_fields``; a pipeline ends with ``mmseg.PackSegInputs``.

    Args:
        data_root: Folder with ``images/``, ``annotations/`` and ``latents/``, see :mod:`mmbdg.annotation.latent_files`; may begin with
            ``mmbdg://`` for this package's assets.
        name: Name of the set.
        class_names: Names of the generator's classes; "in1k": ImageNet's.
        label_space: Label space, see :func:`mmbdg.storage.label_spaces.label_space`; pairs of classes outside it are skipped.
        allow_missing_classes: See :func:`mmbdg.annotation.read_annotated_latents`.
        ignore_value: Grey value of ignored mask pixels; None: no pixel is ignored, and every value but 0 is foreground.
        pipeline: Transforms.
        test_mode: If True, the mask keeps its size when the pipeline resizes the image, as in mmseg's test pipelines.

    Raises:
        InputError: See :func:`mmbdg.annotation.read_annotated_latents`; or a pair has no image.
    """

    def __init__(
        self,
        data_root: str,
        name: str,
        class_names: Sequence[str] | str,
        label_space: str | label_spaces.Groups = 'classes',
        allow_missing_classes: bool = False,
        ignore_value: int | None = None,
        pipeline: Sequence[dict] = (),
        test_mode: bool = False,
    ) -> None:
        self.root, self.name, self.class_names = resolve(data_root), name, resolve_names(class_names)
        self.allow_missing_classes, self.ignore_value = allow_missing_classes, ignore_value
        self.space = label_spaces.label_space(label_space, self.class_names)
        super().__init__(
            metainfo=dict(classes=self.space.classes, palette=palette(self.space.num_classes), class_names=self.class_names),
            pipeline=list(pipeline),
            test_mode=test_mode,
            serialize_data=False,
        )

    def load_data_list(self) -> list[dict]:
        pairs = read_annotated_latents(self.root, self.name, len(self.class_names), self.allow_missing_classes)
        pairs = list(self.space.within(pairs, lambda pair: pair.class_id, 'annotated samples'))
        if missing := [image for pair in pairs if not (image := self._image(pair)).is_file()]:
            raise InputError(f'{len(missing)} of {len(pairs)} annotated samples have no image; the first is {missing[0]}')
        return [dict(pair=pair, img_path=str(self._image(pair)), gt_label=pair.class_id) for pair in pairs]

    def _image(self, pair: AnnotatedLatent) -> Path:
        return self.root / 'images' / self.name / pair.mask_path.parent.name / f'{pair.stem}.png'

    def get_data_info(self, idx: int) -> dict:
        info = super().get_data_info(idx)
        pair, image = info.pop('pair'), np.ascontiguousarray(open_image(info['img_path'])[..., ::-1])
        mask = pair.read_mask(image.shape[0], self.ignore_value)
        return info | dict(
            img=image,
            gt_seg_map=self.space.paint(mask, pair.class_id, ignore=IGNORE),
            ori_shape=image.shape[:2],
            img_shape=image.shape[:2],
            seg_fields=[] if self.test_mode else ['gt_seg_map'],
        )
