"""Addresses in, normalised images with masks out: the data preprocessor of online sampling (BigDatasetGAN, section 3.2)."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import torch
from mmengine.logging import MessageHub
from mmengine.structures import PixelData
from mmseg.models import SegDataPreProcessor
from mmseg.structures import SegDataSample
from torch import Tensor

from mmbdg.addressed import generator_at
from mmbdg.errors import InputError
from mmbdg.models.online_sampling import OnlineSampling
from mmbdg.registry import MODELS, TRANSFORMS
from mmbdg.sources import LabelledGenerator


@MODELS.register_module()
class OnlineDataPreprocessor(SegDataPreProcessor):
    """``mmseg.SegDataPreProcessor`` that makes the labelled images of a batch of addresses first, on the training's device.

    A batch of images (validation, test, or real images in a training) goes through as in mmseg; a batch of
    :class:`~mmbdg.datasets.OnlineSyntheticDataset` becomes one, without gradients. Generator and interpreter are frozen and no modules of
    the model: neither checkpoints nor optimisers nor DDP know them, and a model that never trains never loads them.

    A sample depends on its address, the labelled generator and the settings here, not on the batch it is in (but for rounding, one grey
    level), the process or the iteration.

    Args:
        labelled_generator: Name of an embedded one, or a folder; the same as the dataset's.
        augmentation: Config of what is called with an image, its mask and a generator of random numbers that belongs to the address, e.g.
            :class:`~mmbdg.datasets.ResizedCropFlip`, the default type; in training only. None: images stay as they are.
        members: Of the ensemble, the first; None: all. The paper takes no ensemble in online sampling.
        truncation: Of the latents, see :class:`~mmbdg.sources.Truncation`; "default" for the labelled generator's own.
        ignore_above: As of :class:`~mmbdg.sources.LabelledGenerator`; None: the labelled generator's own.
        precision, compile: Of generator and interpreter, see :class:`~mmbdg.generators.frozen.Frozen`. CPUs that have no instructions for
            bfloat16 are faster in float32.
        sampling: The other arguments of :class:`~mmbdg.models.online_sampling.OnlineSampling`: samples at once, and filters.
        **kwargs: As ``mmseg.SegDataPreProcessor``; colours as for images that mmcv loads, which are BGR.

    Raises:
        InputError: Settings do not go together; (in ``forward``) there is no such generator, or the dataset is of another one.
    """

    takes_addresses: ClassVar = True
    """It makes the samples of datasets that are addressed by count, see :class:`~mmbdg.datasets.address.Addressing`."""

    def __init__(
        self,
        labelled_generator: str,
        augmentation: dict | None = None,
        members: int | None = 1,
        truncation: dict | float | str | None = 'default',
        ignore_above: float | None = None,
        precision: str = 'bfloat16',
        compile: bool = False,
        sampling: dict | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.get('size') is None and kwargs.get('size_divisor') is None:
            kwargs['size_divisor'] = 1  # mmseg asks for one of the two
        super().__init__(**kwargs)
        self.augmentation = augmentation and TRANSFORMS.build({'type': 'mmbdg.ResizedCropFlip', **augmentation})
        self._options = dict(precision=precision, compile=compile, members=members)
        if truncation != 'default':
            self._options['truncation'] = truncation
        if ignore_above is not None:
            self._options['ignore_above'] = ignore_above
        self._path, self._sampling_options = labelled_generator, dict(sampling or {})
        if members == 1 and (ignore_above is not None or self._sampling_options.get('max_uncertainty') is not None):
            raise InputError('one member is never uncertain: ignore_above and max_uncertainty need an ensemble, set members=None')

    @cached_property
    def sampling(self) -> OnlineSampling:
        """Loaded where it is first needed; training draws the same random numbers with and without it."""
        with torch.random.fork_rng(devices=[]):
            return OnlineSampling(LabelledGenerator.load(self._path, **self._options), **self._sampling_options)

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        """``inputs``: addresses int64 (N,3), or images uint8 (N,3,H,W); as a tensor or a list. Returns mmseg's inputs and data samples."""
        if data['inputs'][0].ndim == 1:
            addresses = torch.stack(list(data['inputs'])).tolist()
            data = dict(zip(('inputs', 'data_samples'), self.make(addresses, data['data_samples'], training), strict=True))
            if self.sampling.filters:
                self._log()
        return super().forward(data, training)

    def make(
        self, addresses: list[list[int]], samples: Sequence[SegDataSample], training: bool
    ) -> tuple[list[Tensor], list[SegDataSample]]:
        """The images of N addresses as mmcv would load them, BGR uint8 (3,H,W), and data samples with their masks."""
        seeds, class_ids, indices = (list(column) for column in zip(*addresses, strict=True))
        self._check_generator(samples[0].labelled_generator)
        if len(set(seeds)) > 1:
            raise InputError(f'the online samples of a batch are of one seed, got {sorted(set(seeds))}')
        generator = self.sampling.generator.to(self.device)
        generator.seed = seeds[0]
        batch = self.sampling.draw(class_ids, indices)
        images, labelled = [], []
        for i, (image, mask) in enumerate(zip(batch.images, batch.masks, strict=True)):
            mask = _painted(mask, samples[i].foreground_id, generator.ignore, samples[i].ignore)
            if training and self.augmentation:
                rng = generator_at('augment', seeds[i], class_ids[i], batch.indices[i])
                image, mask = self.augmentation(image, mask, rng)
            made_from = dict(seed=seeds[i], class_id=class_ids[i], index=batch.indices[i])
            sample = SegDataSample(metainfo=dict(samples[i].metainfo, ori_shape=mask.shape, img_shape=mask.shape, **made_from))
            sample.gt_sem_seg = PixelData(data=mask[None])
            images.append(image.flip(0))
            labelled.append(sample)
        return images, labelled

    def _check_generator(self, path: str) -> None:
        if path != self._path and LabelledGenerator.find(path) != LabelledGenerator.find(self._path):
            raise InputError(f'the dataset names the labelled generator {path}, the data preprocessor {self._path}: give both the same')

    def _log(self) -> None:
        hub = MessageHub.get_current_instance()
        hub.update_scalar('train/online_redrawn', self.sampling.redrawn)
        hub.update_scalar('train/online_ignored', self.sampling.ignored)


def _painted(mask: Tensor, foreground_id: int | None, ignore: int, painted_ignore: int) -> Tensor:
    """:meth:`LabelSpace.paint` on a device; with ``foreground_id`` None the mask has the label space's ids already."""
    labels = mask if foreground_id is None else torch.where(mask != 0, foreground_id, 0)
    return torch.where(mask == ignore, painted_ignore, labels)
