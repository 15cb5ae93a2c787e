"""Dataset of your own labelled images: images and masks paired by name."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmseg.datasets import BaseSegDataset

from mmbdg.datasets.loading import whole_label_map
from mmbdg.datasets.mask_labels import labels_of
from mmbdg.errors import InputError, listed
from mmbdg.images import image_size
from mmbdg.listing import IMAGE_SUFFIXES, composed, list_files
from mmbdg.reading import read_lines
from mmbdg.registry import DATASETS


@DATASETS.register_module()
class LabelledFolder(BaseSegDataset):
    """Pairs ``data_root/images/NAME.png|jpg|...`` with ``data_root/masks/NAME.png``, whose values are label ids; also in sub-folders.

    A ``mmseg.BaseSegDataset`` that raises on problems that would silently change the training. Its pipeline begins with
    ``mmbdg.LoadImage`` and ``mmbdg.LoadMask``.

    Args:
        data_root: Folder with ``images/`` and ``masks/``.
        ann_file: Text file in ``data_root`` with the names of the images to use, one per line, without suffix; default: all images.
        ignore_index: Ignore label of the masks, default 255.
        label_map: ``{value in the masks: label}``, e.g. ``{255: 1}`` for masks of 0 and 255; other values are unchanged.
        allow_missing_labels: If True, a label may be absent from all masks.
        **kwargs: Arguments of ``mmseg.BaseSegDataset``, e.g. ``metainfo=dict(classes=...)`` and ``pipeline``.

    Raises:
        InputError: There are no images, a listed image is missing, an image has no mask or a mask no image, image and mask differ in size,
            a mask is not a grey or palette image, a mask has a value that is not a label, or a label is in no mask. All problems are listed
            at once.
    """

    def __init__(
        self,
        data_root: str,
        ignore_index: int = 255,
        label_map: Mapping | None = None,
        allow_missing_labels: bool = False,
        pipeline: Sequence = (),
        **kwargs: Any,
    ) -> None:
        self.value_map, self.allow_missing_labels, self.steps = whole_label_map(label_map), allow_missing_labels, pipeline
        if label_map and kwargs.get('reduce_zero_label'):
            raise InputError('label_map and reduce_zero_label are both given; let label_map do both, e.g. {0: 255, 1: 0, 2: 1}')
        super().__init__(
            data_root=data_root,
            data_prefix=dict(img_path='images', seg_map_path='masks'),
            ignore_index=ignore_index,
            pipeline=list(pipeline),
            **kwargs,
        )

    def load_data_list(self) -> list[dict]:
        root, names = Path(self.data_root), self._names() if self.ann_file else None
        images, masks = (list_files(root / kind).log().by_stem() for kind in ('images', 'masks'))
        if not images:
            raise InputError(f'{root}/images holds no images ({", ".join(IMAGE_SUFFIXES)})')
        if names is not None:
            names = list(map(composed, names))
            if twice := sorted(name for name, count in Counter(names).items() if count > 1):
                raise InputError(f'{self.ann_file} lists names twice: {listed(twice)}')
            if missing := [f'{root}/images/{name}.*' for name in names if name not in images]:
                raise InputError(f'{self.ann_file} lists images that are not there:\n  {listed(missing)}')
            images, masks = ({name: kind[name] for name in names if name in kind} for kind in (images, masks))
        problems = [f'{images[stem]} has no mask {root}/masks/{stem}.png' for stem in sorted(images.keys() - masks.keys())]
        problems += [f'{masks[stem]} has no image' for stem in sorted(masks.keys() - images.keys())]
        items = [self._item(images[stem], masks[stem]) for stem in images if stem in masks]
        problems += self._mask_problems(items)
        problems += [text for item in items if (text := _size_problem(**item))]
        if problems:
            raise InputError(f'{root} is no consistent set of images and masks:\n  {listed(problems)}')
        return items

    def _item(self, image: Path, mask: Path) -> dict:
        of_classes = self.label_map or {}  # set by mmseg if the config names only some of the classes
        label_map = of_classes | {value: of_classes.get(label, label) for value, label in self.value_map.items()}
        return dict(
            img_path=str(image),
            seg_map_path=str(mask),
            label_map=label_map or None,
            reduce_zero_label=self.reduce_zero_label,
            ignore_index=self.ignore_index,
            seg_fields=[],
        )

    def _names(self) -> list[str]:
        """Names in ``ann_file``, in their order."""
        if not Path(self.ann_file).is_file():
            raise InputError(f'there is no list of images at {self.ann_file}')
        return read_lines(self.ann_file)

    def _mask_problems(self, items: list[dict]) -> list[str]:
        classes = self.metainfo.get('classes')
        if not classes:
            raise InputError(f'{self.data_root}: the config names no labels: set metainfo=dict(classes=(...)), including the background')
        found = labels_of(items, self.steps, len(classes), self.ignore_index, all_ignored=False)
        if found.problems or self.allow_missing_labels or not items:
            return found.problems
        text = found.missing_text(
            classes,
            self.ignore_index,
            f'{self.data_root}/masks',
            'label_map={} in the config of the dataset',
            'allow_missing_labels=True there',
        )
        return [text] if text else []


def _size_problem(img_path: str, seg_map_path: str, **_: Any) -> str:
    try:
        image, mask = image_size(img_path), image_size(seg_map_path)
    except InputError as error:
        return str(error)
    return '' if image == mask else f'{seg_map_path} is {mask[1]}x{mask[0]} px, its image {img_path} {image[1]}x{image[0]}'
