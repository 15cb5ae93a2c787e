"""Annotated latents as datasets for interpreter training."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import torch
from mmengine.dataset import BaseDataset
from mmengine.structures import BaseDataElement, PixelData

from mmbdg.addressed import generator_at
from mmbdg.annotation import AnnotatedLatent, read_annotated_latents
from mmbdg.annotation.mask_values import IGNORE
from mmbdg.annotation.rules import import_rule
from mmbdg.assets import resolve
from mmbdg.assets.class_lists import class_names as resolve_names
from mmbdg.errors import InputError
from mmbdg.generators import to_pixels
from mmbdg.generators.build import build_generator, generator_sizes
from mmbdg.registry import DATASETS
from mmbdg.sources.latents import generator_inputs
from mmbdg.sources.truncation import select_statistics
from mmbdg.storage.label_spaces import Groups, label_space
from mmbdg.storage.palette import palette


def pack(z: np.ndarray, class_id: int, seg_map: np.ndarray, **extra) -> dict:
    """Build one item: ``inputs`` float32 (latent_dim,), and a data sample with ``gt_label`` (1,) and ``gt_sem_seg`` (1,R,R)."""
    sample = BaseDataElement(metainfo=extra)
    sample.set_field(torch.tensor([class_id]), 'gt_label')
    sample.set_field(PixelData(data=torch.from_numpy(seg_map)[None]), 'gt_sem_seg')
    return dict(inputs=torch.from_numpy(z), data_samples=sample)


class LatentDataset(BaseDataset):
    """Keeps latents and uint8 masks in memory; each access builds a new item, because predictions are written into it."""

    def __init__(self, class_names: Sequence[str] | str, label_space_name: str | Groups) -> None:
        self.class_names = resolve_names(class_names)
        self.space = label_space(label_space_name, self.class_names)
        super().__init__(
            metainfo=dict(
                classes=self.space.classes,
                palette=palette(self.space.num_classes),
                class_names=self.class_names,
                label_space=self.space.metainfo,
            ),
            serialize_data=False,
        )

    def __getitem__(self, idx: int) -> dict:
        item = self.data_list[idx]
        return pack(item['latent'], item['class_id'], self._painted(item['mask'], item), **self._extra(item))

    def _painted(self, mask: np.ndarray, item: dict) -> np.ndarray:
        return self.space.paint(mask, item['class_id'], ignore=IGNORE)

    def _extra(self, item: dict) -> dict:
        """Meta information of the data sample."""
        raise NotImplementedError  # abstract: differs between the two datasets

    @property
    def class_ids(self) -> list[int]:
        """Class id of each item."""
        return [item['class_id'] for item in self.data_list]


@DATASETS.register_module()
class AnnotatedLatents(LatentDataset):
    """Pairs of latents and masks in the layout of the released data, see :mod:`mmbdg.annotation.latent_files`.

    Args:
        data_root: Folder with ``annotations/`` and ``latents/``; ``mmbdg://...`` is a folder in this package's assets.
        name: Name of the set.
        latent_dim, resolution: Latent size and image side in pixels; None: those of ``generator``.
        generator: Config of the generator of the latents; sizes in the card of its weights override it, see :mod:`mmbdg.generators.card`.
        class_names: Names of the generator's classes; "in1k": ImageNet's.
        label_space: Label space, see :func:`mmbdg.storage.label_spaces.label_space`; pairs of classes outside it are skipped.
        allow_missing_classes: See :func:`mmbdg.annotation.read_annotated_latents`.
        part: "all" (default), or one of the disjoint parts "train" and "val", see ``held_out``.
        held_out: Number of pairs of each class in "val", chosen by their names; at least one pair of each class stays in "train".
        per_class: Maximum number of pairs of each class, the first by index; None: all.
        ignore_value: Grey value of ignored mask pixels; None: no pixel is ignored, and every value but 0 is foreground.
        seed: Seed of the random choice of the held-out pairs.

    Raises:
        InputError: See :func:`mmbdg.annotation.read_annotated_latents`; or the part is unknown or empty.
    """

    def __init__(
        self,
        data_root: str,
        name: str,
        latent_dim: int | None = None,
        resolution: int | None = None,
        *,
        class_names: Sequence[str] | str,
        label_space: str | Groups = 'fgbg',
        allow_missing_classes: bool = False,
        part: str = 'all',
        held_out: int = 1,
        per_class: int | None = None,
        ignore_value: int | None = None,
        seed: int = 0,
        generator: dict | None = None,
    ) -> None:
        if latent_dim is None or resolution is None:
            if generator is None:
                raise InputError('a set of annotated latents needs latent_dim and resolution, or its generator: add generator=dict(...)')
            own = generator_sizes(generator)
            latent_dim, resolution = latent_dim or own.latent_dim, resolution or own.resolution
        if part not in ('all', 'train', 'val'):
            raise InputError(f'a set of annotated latents has the parts "all", "train" and "val", got {part!r}')
        if held_out < 0 or (per_class is not None and per_class < 1):
            raise InputError(f'held_out must be at least 0 and per_class at least 1, got {held_out} and {per_class}')
        self.allow_missing_classes, self.ignore_value = allow_missing_classes, ignore_value
        self.part, self.held_out, self.per_class, self.seed = part, held_out, per_class, seed
        self.root, self.name, self.latent_dim, self.resolution = resolve(data_root), name, latent_dim, resolution
        super().__init__(class_names, label_space)

    def load_data_list(self) -> list[dict]:
        pairs = read_annotated_latents(self.root, self.name, len(self.class_names), self.allow_missing_classes)
        classes = [sorted(group, key=_index) for _, group in groupby(pairs, lambda pair: pair.class_id)]
        pairs = [pair for group in classes for pair in self._part_of(group[: self.per_class])]
        if not pairs:
            raise InputError(f'no pair of {self.root} is in the part "{self.part}": no class has more than one pair, or held_out is 0')
        return [
            dict(
                latent=pair.read_latent(self.latent_dim),
                class_id=pair.class_id,
                mask=pair.read_mask(self.resolution, self.ignore_value),
                stem=pair.stem,
            )
            for pair in self.space.within(pairs, lambda pair: pair.class_id, 'annotated latents')
        ]

    def _extra(self, item: dict) -> dict:
        return dict(stem=item['stem'])

    def _part_of(self, pairs: list[AnnotatedLatent]) -> list[AnnotatedLatent]:
        """The pairs of one class that belong to the part."""
        drawn = sorted(pairs, key=lambda pair: generator_at('held out', self.seed, pair.mask_path.parent.name, pair.stem).random())
        held_out = drawn[: min(self.held_out, len(pairs) - 1)]
        return [pair for pair in pairs if self.part == 'all' or (pair in held_out) == (self.part == 'val')]


def _index(pair: AnnotatedLatent) -> tuple[int, str]:
    """Sort key: the numeric index of a pair in its class, so that 2 comes before 10."""
    last = pair.stem.split('_')[-1]
    return int(last) if last.isdigit() else 0, pair.stem


@DATASETS.register_module()
class RuleAnnotatedLatents(LatentDataset):
    """Latents whose masks are computed from the generated images by a foreground rule; for validation without annotated masks.

    Args:
        generator: Config of the generator.
        rule: Rule that draws the masks, see :func:`mmbdg.annotation.rules.import_rule`; it is called with an image and a threshold.
        class_names: Names of the generator's classes; "in1k": ImageNet's.
        per_class: Number of samples of each class, at the addresses (class, 0 ... per_class - 1).
        seed: Seed of the latents; must differ from that of the annotated set.
        truncation: Truncation of the latents; None: no truncation.
        thresholds: Thresholds of the rule, grey levels or probabilities; the first gives the masks. All masks are kept as ``rule_seg``, to
            show the rule's spread.
        label_space: Label space, see :func:`mmbdg.storage.label_spaces.label_space`; classes outside it are skipped.
    """

    def __init__(
        self,
        generator: dict,
        rule: str,
        class_names: Sequence[str] | str,
        per_class: int,
        seed: int,
        truncation: dict | float | None = None,
        thresholds: Sequence[float] = (8, 4, 16),
        label_space: str | Groups = 'fgbg',
    ) -> None:
        self.generator_cfg, self.rule, self.per_class = generator, import_rule(rule), per_class
        self.seed, self.truncation, self.thresholds = seed, truncation, tuple(thresholds)
        super().__init__(class_names, label_space)

    @torch.no_grad()
    def load_data_list(self) -> list[dict]:
        generator = build_generator(self.generator_cfg)
        generator.init_weights()
        generator.eval()
        select_statistics(generator, self.truncation)
        items = []
        for class_id in self.space.within(range(len(self.class_names)), int, 'classes'):
            z, y = generator_inputs(generator, self.seed, [class_id] * self.per_class, range(self.per_class), self.truncation)
            images = to_pixels(generator(z, y)).permute(0, 2, 3, 1).numpy()
            for latent, image in zip(z.numpy(), images, strict=True):
                drawn = [self.rule(image, threshold) for threshold in self.thresholds]
                items.append(dict(latent=latent, class_id=class_id, mask=drawn[0], drawn=drawn))
        return items

    def _extra(self, item: dict) -> dict:
        return dict(thresholds=self.thresholds, rule_seg=np.stack([self._painted(mask, item) for mask in item['drawn']]))
