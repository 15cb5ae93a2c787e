"""Annotated real images as datasets for interpreter training with a frozen backbone."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mmbdg.addressed import generator_at
from mmbdg.annotation.mask_values import read_mask
from mmbdg.annotation.rules import import_rule
from mmbdg.assets import resolve
from mmbdg.datasets.annotated_latents import LatentDataset
from mmbdg.datasets.fashion_files import CLASSES, load_fashion
from mmbdg.errors import InputError, listed
from mmbdg.images import open_image
from mmbdg.listing import list_files, list_folders
from mmbdg.paths import slug_of
from mmbdg.reading import read_bytes
from mmbdg.registry import DATASETS
from mmbdg.sources.image_fit import fitted, fitted_mask
from mmbdg.storage.label_spaces import Groups


def as_latent(image: np.ndarray) -> np.ndarray:
    """Convert RGB uint8 (R,R,3) to the latent of :class:`~mmbdg.generators.ImageBackbone`, float32 (3*R*R,) in [-1,1]."""
    return (image.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1).ravel()


@DATASETS.register_module()
class AnnotatedImages(LatentDataset):
    """Real images with masks, in two trees of folders: ``images/<class>/NAME.*`` and ``masks/<class>/NAME.png``.

    Images and masks are paired by class folder and name. Both are brought to a square of ``resolution``: the short side is resized and the
    centre is cropped.

    Args:
        data_root: Folder with ``images/`` and ``masks/``.
        class_names: Names of the classes; the folders have the same names, or their slugs. "in1k": ImageNet's.
        resolution: Height and width in pixels.
        label_space: Label space, see :func:`mmbdg.storage.label_spaces.label_space`; images of classes outside it are skipped.
        ignore_value: Grey value of ignored mask pixels. Default None: every value but 0 is foreground.
        part: "all" (default), or one of the disjoint parts "train" and "val", see ``held_out``.
        held_out: Number of pairs of each class in "val", chosen by their names; at least one pair of each class stays in "train".
        per_class: Maximum number of pairs of each class, the first by name. Default None: all.
        seed: Seed of the random choice of the held-out pairs.

    Raises:
        InputError: A folder is missing, an image has no mask or a mask no image, their sizes differ, or the part is unknown or empty.
    """

    def __init__(
        self,
        data_root: str,
        class_names: Sequence[str] | str,
        resolution: int,
        label_space: str | Groups = 'fgbg',
        ignore_value: int | None = None,
        part: str = 'all',
        held_out: int = 1,
        per_class: int | None = None,
        seed: int = 0,
    ) -> None:
        if part not in ('all', 'train', 'val'):
            raise InputError(f'annotated images have the parts "all", "train" and "val", got {part!r}')
        if held_out < 0 or (per_class is not None and per_class < 1):
            raise InputError(f'held_out must be at least 0 and per_class at least 1, got {held_out} and {per_class}')
        self.root, self.resolution, self.ignore_value = resolve(data_root), resolution, ignore_value
        self.part, self.held_out, self.per_class, self.seed = part, held_out, per_class, seed
        super().__init__(class_names, label_space)

    def load_data_list(self) -> list[dict]:
        items = []
        for class_id in self.space.within(range(len(self.class_names)), int, 'classes'):
            pairs = self._part_of(self._pairs(class_id)[: self.per_class])
            items += [self._item(class_id, name, *paths) for name, paths in pairs]
        if not items:
            raise InputError(f'no pair of {self.root} is in the part "{self.part}": no class has more than one pair, or held_out is 0')
        return items

    def _pairs(self, class_id: int) -> list[tuple[str, tuple[Path, Path]]]:
        """Name, image and mask of each pair of a class, in natural order."""
        found = [self._files(kind, class_id) for kind in ('images', 'masks')]
        problems = [f'{path} has no mask' for name, path in found[0].items() if name not in found[1]]
        problems += [f'{path} has no image' for name, path in found[1].items() if name not in found[0]]
        if problems:
            raise InputError(f'{self.root}: {len(problems)} files have no partner of the same name:\n  {listed(problems)}')
        return [(name, (path, found[1][name])) for name, path in found[0].items()]

    def _files(self, kind: str, class_id: int) -> dict[str, Path]:
        name = self.class_names[class_id]
        if not (self.root / kind).is_dir():
            raise InputError(f'{self.root} has no folder {kind}/; annotated images are images/<class>/NAME.* and masks/<class>/NAME.png')
        folders = {folder.name: folder for folder in list_folders(self.root / kind)}
        folder = folders.get(name) or folders.get(slug_of(name))
        if folder is None:
            raise InputError(f'{self.root / kind} has no folder of the class "{name}"')
        files = list_files(folder).log().files
        if not files:
            raise InputError(f'{folder} has no images')
        return {file.relative_to(folder).with_suffix('').as_posix(): file for file in files}

    def _item(self, class_id: int, name: str, image_path: Path, mask_path: Path) -> dict:
        image = open_image(image_path)
        try:
            mask = read_mask(read_bytes(mask_path), self.ignore_value)
        except InputError as error:
            raise InputError(f'{mask_path}: {error}') from error
        if mask.shape != image.shape[:2]:
            raise InputError(
                f'{mask_path} is {mask.shape[1]}x{mask.shape[0]} px, its image {image.shape[1]}x{image.shape[0]}; they must be the same'
            )
        image, mask = fitted(image, self.resolution), fitted_mask(mask, self.resolution)
        return dict(latent=as_latent(image), class_id=class_id, mask=mask, stem=name)

    def _part_of(self, pairs: list[tuple]) -> list[tuple]:
        """The pairs of one class that belong to the part."""
        drawn = sorted(pairs, key=lambda pair: generator_at('held out', self.seed, pair[1][1].parent.name, pair[0]).random())
        held_out = drawn[: min(self.held_out, len(pairs) - 1)]
        return [pair for pair in pairs if self.part == 'all' or (pair in held_out) == (self.part == 'val')]

    def _extra(self, item: dict) -> dict:
        return dict(stem=item['stem'])


@DATASETS.register_module()
class RuleAnnotatedFashion(LatentDataset):
    """Real images of the embedded garments with masks computed by a foreground rule instead of an annotator.

    Args:
        split: "train" or "test".
        per_class: Number of images of each class; the first ones are used.
        rule: Import path of the rule, a function of an image and a threshold.
        thresholds: Thresholds of the rule. The first gives the masks; the masks of all thresholds are in ``rule_seg``.
        label_space: Label space, see :func:`mmbdg.storage.label_spaces.label_space`; classes outside it are skipped.
    """

    def __init__(
        self,
        split: str,
        per_class: int,
        rule: str = 'mmbdg.annotation.foreground.fashion_foreground',
        thresholds: Sequence[int] = (8, 4, 16),
        label_space: str | Groups = 'fgbg',
    ) -> None:
        self.split, self.per_class, self.thresholds = split, per_class, tuple(thresholds)
        self.rule: Callable[[np.ndarray, int], np.ndarray] = import_rule(rule)
        super().__init__(CLASSES, label_space)

    def load_data_list(self) -> list[dict]:
        images, labels = load_fashion(self.split)
        items = []
        for class_id in self.space.within(range(len(self.class_names)), int, 'classes'):
            for grey in images[labels == class_id][: self.per_class]:
                image = np.repeat(grey[..., None], 3, axis=2)
                drawn = [self.rule(image, threshold) for threshold in self.thresholds]
                items.append(dict(latent=as_latent(image), class_id=class_id, mask=drawn[0], drawn=drawn))
        return items

    def _extra(self, item: dict) -> dict:
        return dict(thresholds=self.thresholds, rule_seg=np.stack([self._painted(mask, item) for mask in item['drawn']]))
