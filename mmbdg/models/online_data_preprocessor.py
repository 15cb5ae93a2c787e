"""Data preprocessor of online sampling: generates normalised images with masks for addresses (BigDatasetGAN, section 3.2)."""

from collections.abc import Mapping, Sequence
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
from mmbdg.models.online_sampling import OnlineBatch, OnlineSampling
from mmbdg.models.steered_sampler import SteeredSampler
from mmbdg.registry import MODELS, TRANSFORMS
from mmbdg.sources import LabelledGenerator


@MODELS.register_module()
class OnlineDataPreprocessor(SegDataPreProcessor):
    """``mmseg.SegDataPreProcessor`` that first generates the labelled images of a batch of addresses, on the device of the training.

    A batch of images (validation, test, or real images in a training) is processed as in mmseg. The images of addresses from
    :class:`~mmbdg.datasets.OnlineSyntheticDataset` are generated without gradients. A batch may have both, as those of a
    :class:`~mmbdg.datasets.MixedDataset`. Generator and interpreter are frozen and are
    not modules of the model: checkpoints, optimizers and DDP do not contain them. They are loaded at the first batch of addresses.

    A sample depends on its address, the labelled generator and the settings of this preprocessor. It does not depend on the process, the
    iteration or the batch, except for rounding errors of one grey level.

    Args:
        labelled_generator: Name of an embedded labelled generator, or a folder. It must be the same as that of the dataset.
        augmentation: Config of an augmentation. It is called with an image, its mask and a random generator that is seeded by the address.
            Default type: :class:`~mmbdg.datasets.ResizedCropFlip`. It is used in training only. Default: None, no augmentation.
        members: Number of members of the ensemble, counted from the first. None: all. Default: 1; the paper uses no ensemble in online
            sampling.
        truncation: Truncation of the latents, see :class:`~mmbdg.sources.Truncation`. Default: "default", that of the labelled generator.
        ignore_above: Uncertainty threshold of :class:`~mmbdg.sources.LabelledGenerator`. Default: None, that of the labelled generator.
        precision, compile: Settings of generator and interpreter, see :class:`~mmbdg.generators.frozen.Frozen`. CPUs without bfloat16
            instructions are faster in float32. Default: 'bfloat16' and False.
        sampling: Other arguments of :class:`~mmbdg.models.online_sampling.OnlineSampling`: batch size and filters. Default: None.
            ``steering=dict(...)`` has the arguments of a :class:`~mmbdg.models.SteeredSampler`, which is used in training only.
        **kwargs: Arguments of ``mmseg.SegDataPreProcessor``. The colour settings are those for images loaded by mmcv, i.e. BGR.

    Raises:
        InputError: Settings contradict each other; (in ``forward``) the labelled generator is missing, or the dataset has another one.
    """

    takes_addresses: ClassVar = True
    """Whether the preprocessor accepts datasets that are addressed by count, see :class:`~mmbdg.datasets.address.Addressing`."""

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
            kwargs['size_divisor'] = 1  # mmseg requires one of the two
        super().__init__(**kwargs)
        self.augmentation = augmentation and TRANSFORMS.build({'type': 'mmbdg.ResizedCropFlip', **augmentation})
        self._options = dict(precision=precision, compile=compile, members=members)
        if truncation != 'default':
            self._options['truncation'] = truncation
        if ignore_above is not None:
            self._options['ignore_above'] = ignore_above
        self._path, self._sampling_options = labelled_generator, dict(sampling or {})
        self.steering = _steering(self._sampling_options.pop('steering', None))
        if members == 1 and (ignore_above is not None or self._sampling_options.get('max_uncertainty') is not None):
            raise InputError('one member is never uncertain: ignore_above and max_uncertainty need an ensemble, set members=None')

    @cached_property
    def sampling(self) -> OnlineSampling:
        """Sampling with the labelled generator, which is loaded on first use. Loading does not change torch's random state."""
        with torch.random.fork_rng(devices=[]):
            return OnlineSampling(LabelledGenerator.load(self._path, **self._options), **self._sampling_options)

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        """Preprocess a batch. ``inputs`` are addresses, int64 (N,3), or images, uint8 (N,3,H,W), as a tensor, or a list of either or both.
        Returns the inputs and data samples of mmseg."""
        inputs = data['inputs']
        if places := [place for place, one in enumerate(inputs) if one.ndim == 1]:
            inputs, samples = list(inputs), list(data['data_samples'])
            made = self.make([inputs[place].tolist() for place in places], [samples[place] for place in places], training)
            for place, image, sample in zip(places, *made, strict=True):
                inputs[place], samples[place] = image, sample
            data = dict(inputs=inputs, data_samples=samples)
            self._log()
        return super().forward(data, training)

    def make(
        self, addresses: list[list[int]], samples: Sequence[SegDataSample], training: bool
    ) -> tuple[list[Tensor], list[SegDataSample]]:
        """Generate the images of N addresses, BGR uint8 (3,H,W) as loaded by mmcv, and data samples with their masks."""
        seeds, class_ids, indices = (list(column) for column in zip(*addresses, strict=True))
        for path in {sample.labelled_generator for sample in samples}:
            self._check_generator(path)
        if len(set(seeds)) > 1:
            raise InputError(f'the online samples of a batch must be of one seed, got {sorted(set(seeds))}')
        generator = self.sampling.generator.to(self.device)
        generator.seed = seeds[0]

        def labelled(batch: OnlineBatch, places: Sequence[int]) -> tuple[list[Tensor], list[SegDataSample]]:
            return self._labelled(batch, [class_ids[i] for i in places], [samples[i] for i in places], training)

        def score(batch: OnlineBatch, places: Sequence[int]) -> list[float]:
            return self.steering.scores(**self._preprocessed(*labelled(batch, places)))

        candidates = self.steering.candidates if self.steering and training else 1
        return labelled(self.sampling.draw(class_ids, indices, candidates, score), range(len(samples)))

    def _labelled(
        self, batch: OnlineBatch, class_ids: list[int], samples: Sequence[SegDataSample], training: bool
    ) -> tuple[list[Tensor], list[SegDataSample]]:
        """Images and data samples of a generated batch: painted masks, and the augmentation in training."""
        generator, images, labelled = self.sampling.generator, [], []
        for i, (image, mask) in enumerate(zip(batch.images, batch.masks, strict=True)):
            mask = _painted(mask, samples[i].foreground_id, generator.ignore, samples[i].ignore)
            if training and self.augmentation:
                rng = generator_at('augment', generator.seed, class_ids[i], batch.indices[i])
                image, mask = self.augmentation(image, mask, rng)
            made_from = dict(seed=generator.seed, class_id=class_ids[i], index=batch.indices[i])
            sample = SegDataSample(metainfo=dict(samples[i].metainfo, ori_shape=mask.shape, img_shape=mask.shape, **made_from))
            sample.gt_sem_seg = PixelData(data=mask[None])
            images.append(image.flip(0))
            labelled.append(sample)
        return images, labelled

    def _preprocessed(self, images: list[Tensor], samples: list[SegDataSample]) -> dict[str, Any]:
        """Candidates as the network would get them in the training."""
        return super().forward(dict(inputs=images, data_samples=samples), training=True)

    def _check_generator(self, path: str) -> None:
        if path != self._path and LabelledGenerator.find(path) != LabelledGenerator.find(self._path):
            raise InputError(f'the dataset names the labelled generator {path}, the data preprocessor {self._path}: set both to the same')

    def _log(self) -> None:
        values = dict(redrawn=self.sampling.redrawn, ignored=self.sampling.ignored) if self.sampling.filters else {}
        if self.steering:
            values |= dict(steered=self.sampling.steered) | {f'score_{name}': mean for name, mean in self.sampling.scores.items()}
        hub = MessageHub.get_current_instance() if values else None
        for name, value in values.items():
            hub.update_scalar(f'train/online_{name}', value)


def _steering(config: Mapping[str, Any] | None) -> SteeredSampler | None:
    if config is None:
        return None
    if not isinstance(config, Mapping):
        raise InputError(f'sampling.steering must be a dict such as dict(candidates=4), or None, got {config!r}')
    return MODELS.build({'type': 'mmbdg.SteeredSampler', **config})


def _painted(mask: Tensor, foreground_id: int | None, ignore: int, painted_ignore: int) -> Tensor:
    """:meth:`LabelSpace.paint` on a device. If ``foreground_id`` is None, the mask already has the ids of the label space."""
    labels = mask if foreground_id is None else torch.where(mask != 0, foreground_id, 0)
    return torch.where(mask == ignore, painted_ignore, labels)
