"""Images with masks by annotators as a segmentation dataset: Synthetic-annotated, Real-annotated and ImageNet-S."""

from collections.abc import Sequence

import numpy as np
from mmengine.dataset import BaseDataset

from mmbdg.annotation.latent_files import class_folders
from mmbdg.assets import resolve
from mmbdg.assets.class_lists import class_names as resolve_names
from mmbdg.assets.class_lists import folder_names
from mmbdg.datasets.annotated_pairs import LAYOUTS
from mmbdg.datasets.published_counts import check_counts
from mmbdg.errors import InputError
from mmbdg.images import open_image
from mmbdg.registry import DATASETS
from mmbdg.storage import label_spaces
from mmbdg.storage.palette import palette


@DATASETS.register_module()
class AnnotatedSegDataset(BaseDataset):
    """Annotated images with their masks, in a label space; to train or evaluate a segmentor.

    .. code-block:: python

        dict(type='mmbdg.AnnotatedSegDataset', data_root='data/annotated', name='biggan512', class_names='in1k')  # Synthetic-annotated
        dict(type='mmbdg.AnnotatedSegDataset', data_root='data/annotated', name='real-random', class_names='in1k', layout='images')
        dict(type='mmbdg.AnnotatedSegDataset', data_root='data/imagenet-s/ImageNetS919', name='validation', class_names='in1k',
             layout='imagenet-s')

    Each item holds ``img`` BGR uint8 (H,W,3), ``gt_label`` int, ``gt_seg_map`` int32 (H,W) in the label space (ignored pixels have the
    space's ignore label, 65535 above 254 labels), ``ori_shape``, ``img_shape`` and ``seg_fields``; a pipeline ends with
    ``mmseg.PackSegInputs`` and has no step that loads files.

    Args:
        data_root: Folder of the set, see ``layout``; may begin with ``mmbdg://`` for this package's assets.
        name: Name of the set, or of the split of ImageNet-S ("validation" or "train-semi").
        class_names: Names of the classes of the images; "in1k": ImageNet's.
        label_space: Label space, see :func:`mmbdg.storage.label_spaces.label_space`; pairs of classes outside it are skipped. For
            ImageNet-S also "own": one label for each of its classes, in its order.
        layout: "latents" (default): generated images with latents, see :mod:`mmbdg.annotation.latent_files`. "images": the same folders
            without latents, see :func:`~mmbdg.datasets.annotated_pairs.pairs_of_images`. "imagenet-s": see
            :func:`~mmbdg.datasets.annotated_pairs.pairs_of_imagenet_s`.
        counts: "published": the number of pairs must be that of the published set, see :mod:`mmbdg.datasets.published_counts`. Default
            None: any number.
        allow_missing_classes: Whether classes may have no pairs. Default: False; ImageNet-S has only some classes in any case.
        ignore_value: Grey value of ignored mask pixels; None: no pixel is ignored, and every value but 0 is foreground.
            Not for ImageNet-S, whose masks have an id for ignored pixels.
        pipeline: Transforms.
        test_mode: If True, the mask keeps its size when the pipeline resizes the image, as in mmseg's test pipelines.

    Raises:
        InputError: The set is incomplete (a mask without image, an image without mask, a wrong number of pairs, a missing class), no pair
            has a class of the label space, or there is no such layout; (when an item is read) a mask is damaged, has another size than its
            image, or holds an id that is no class.
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
        layout: str = 'latents',
        counts: str | None = None,
    ) -> None:
        if layout not in LAYOUTS:
            raise InputError(f'there is no layout "{layout}" of annotated images; there are {", ".join(LAYOUTS)}')
        if counts not in (None, 'published'):
            raise InputError(f'counts must be "published" or None, got {counts!r}')
        self.root, self.name, self.class_names, self.counts = resolve(data_root), name, resolve_names(class_names), counts
        folders = self.class_names  # of latents only their number is used: their names hold the class
        if layout != 'latents':
            folders = folder_names(class_names) if isinstance(class_names, str) else class_folders(self.class_names)
        self.set = LAYOUTS[layout](self.root, name, list(folders), ignore_value, allow_missing_classes)
        self.space = self._space(label_space)
        super().__init__(
            metainfo=dict(
                classes=self.space.classes,
                palette=palette(self.space.num_classes),
                class_names=self.class_names,
                label_space=self.space.metainfo,
            ),
            pipeline=list(pipeline),
            test_mode=test_mode,
            serialize_data=False,
        )

    def _space(self, name: str | label_spaces.Groups) -> label_spaces.LabelSpace:
        own = self.set.classes
        if name != 'own' or own is None:
            return label_spaces.label_space(name, self.class_names)
        ids: list[int | None] = [None] * len(self.class_names)
        for label, class_id in enumerate(own, 1):
            ids[class_id] = label
        names = ('background', *(self.class_names[class_id] for class_id in own))
        return label_spaces.LabelSpace(names, tuple(ids), f'imagenet-s{len(own)}')

    def load_data_list(self) -> list[dict]:
        pairs = list(self.space.within(self.set.pairs, lambda pair: pair.class_id, 'annotated samples'))
        if self.counts:
            own = None if self.set.classes is None else len(self.set.classes)
            check_counts(str(self.root), self.name, len(self.set.pairs), self.space.name, len(pairs), own)
        if missing := [pair.image_path for pair in pairs if not pair.image_path.is_file()]:
            raise InputError(f'{len(missing)} of {len(pairs)} annotated samples have no image; the first is {missing[0]}')
        return [dict(img_path=str(pair.image_path), seg_map_path=str(pair.mask_path), gt_label=pair.class_id, pair=pair) for pair in pairs]

    def get_data_info(self, idx: int) -> dict:
        info = super().get_data_info(idx)
        pair, image = info.pop('pair'), np.ascontiguousarray(open_image(info['img_path'])[..., ::-1])
        labels = self.set.labels(pair.mask_path, pair.class_id, self.space)
        if labels.shape != image.shape[:2]:
            raise InputError(
                f'{pair.mask_path} is {labels.shape[1]}x{labels.shape[0]} px, its image {image.shape[1]}x{image.shape[0]}; '
                'a mask must have the size of its image'
            )
        return info | dict(
            img=image,
            gt_seg_map=labels,
            ori_shape=image.shape[:2],
            img_shape=image.shape[:2],
            seg_fields=[] if self.test_mode else ['gt_seg_map'],
            reduce_zero_label=False,
        )
