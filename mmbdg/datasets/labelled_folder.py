"""Your own labelled images: pictures and masks paired by name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mmseg.datasets import BaseSegDataset

from mmbdg.errors import InputError, listed
from mmbdg.registry import DATASETS

SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp')


@DATASETS.register_module()
class LabelledFolder(BaseSegDataset):
    """``data_root/images/NAME.png|jpg`` with ``data_root/masks/NAME.png``, whose values are the label ids.

    ``mmseg.BaseSegDataset`` that refuses what would silently train something else.

    Args:
        data_root: Folder with ``images/`` and ``masks/``.
        ann_file: Text file in ``data_root`` with the names that count, one a line, without suffix; default: all.
        ignore_index: Value of mask pixels that do not count.
        label_map: ``{value in the masks: label}``, e.g. ``{255: 1}`` for masks of 0 and 255; other values stay as they are.
        **kwargs: As ``mmseg.BaseSegDataset``, ``metainfo=dict(classes=...)`` and ``pipeline`` above all.

    Raises:
        InputError: There are no images, a listed one is missing, an image has no mask or the reverse, a mask has another size than its
            image, is no grey or palette picture, or has a value that is no label. All problems are listed at once.
    """

    def __init__(self, data_root: str, ignore_index: int = 255, label_map: Mapping | None = None, **kwargs: Any) -> None:
        self.value_map = {int(value): int(label) for value, label in (label_map or {}).items()}
        super().__init__(
            data_root=data_root, data_prefix=dict(img_path='images', seg_map_path='masks'), ignore_index=ignore_index, **kwargs
        )

    def load_data_list(self) -> list[dict]:
        root, names = Path(self.data_root), self._names() if self.ann_file else None
        images, masks = (
            {path.stem: path for path in sorted((root / kind).glob('*')) if path.suffix.lower() in SUFFIXES} for kind in ('images', 'masks')
        )
        if not images:
            raise InputError(f'{root}/images holds no images ({", ".join(SUFFIXES)})')
        if names is not None:
            if missing := [f'{root}/images/{name}.*' for name in names if name not in images]:
                raise InputError(f'{self.ann_file} lists images that are not there:\n  {listed(missing)}')
            images, masks = ({name: kind[name] for name in names if name in kind} for kind in (images, masks))
        problems = [f'{images[stem]} has no mask {root}/masks/{stem}.png' for stem in sorted(images.keys() - masks.keys())]
        problems += [f'{masks[stem]} has no image' for stem in sorted(masks.keys() - images.keys())]
        problems += [text for stem in sorted(images.keys() & masks.keys()) if (text := self._problem(images[stem], masks[stem]))]
        if problems:
            raise InputError(f'{root} is no consistent set of images and masks:\n  {listed(problems)}')
        return [
            dict(
                img_path=str(images[stem]),
                seg_map_path=str(masks[stem]),
                label_map=self.value_map or self.label_map,
                reduce_zero_label=self.reduce_zero_label,
                seg_fields=[],
            )
            for stem in images
        ]

    def _names(self) -> list[str]:
        """What the file of names lists, in its order."""
        if not Path(self.ann_file).is_file():
            raise InputError(f'there is no list of images at {self.ann_file}')
        return [line.strip() for line in Path(self.ann_file).read_text(encoding='utf-8').splitlines() if line.strip()]

    def _problem(self, image_path: Path, mask_path: Path) -> str:
        from PIL import Image

        try:
            with Image.open(image_path) as image, Image.open(mask_path) as mask:
                if image.size != mask.size:
                    return f'{mask_path} is {mask.width}x{mask.height} px, its image {image.width}x{image.height}'
                if len(mask.getbands()) != 1:
                    return f'{mask_path} has {len(mask.getbands())} channels; a mask has one, whose values are the label ids'
                values = {self.value_map.get(value, value) for value in np.unique(np.asarray(mask)).tolist()} - {self.ignore_index}
        except OSError as error:
            return f'{image_path} or its mask is no picture, or is cut off ({error})'
        labels = len(self.metainfo['classes'])
        wrong = sorted(int(value) for value in values if value >= labels)
        if wrong or values == set():
            what = f'the values {wrong[:5]}' if wrong else f'nothing but {self.ignore_index} (ignored)'
            return f'{mask_path} has {what}; the {labels} labels are 0 to {labels - 1}, {self.ignore_index} does not count'
        return ''
