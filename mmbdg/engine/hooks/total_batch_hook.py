"""Checks that a resumed training has the same total batch size, ratios of online parts and of sources, and number of images as before."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmbdg.datasets import JointDataset, MixedDataset
from mmbdg.datasets.address import Addressing, addressing
from mmbdg.engine.samplers.addressed_sampler import AddressedSampler
from mmbdg.engine.samplers.source_ratio_sampler import SourceRatioSampler
from mmbdg.errors import InputError
from mmbdg.registry import HOOKS

KEY = 'total_batch_size'
RATIOS_KEY = 'online_ratios'
LENGTHS_KEY = 'online_lengths'
OLD_RATIO_KEY = 'online_ratio'  # of the part seg, in checkpoints of version 0.5.0 and before
IMAGES_KEY = 'real_images'
SOURCES_KEY = 'sources'


@HOOKS.register_module()
class TotalBatchHook(Hook):
    """Stores the total batch size, the ratios of online parts and of sources, and the number of real images in the checkpoints and compares
    them when a training resumes.

    mmengine gives a sampler the number of steps, not of samples, so with a smaller batch size some samples would repeat. Sample n of a
    joint dataset contains the online samples from number n x ratio on, so with a smaller ratio online samples would repeat. A different
    number of images in a joint or mixed dataset may be intended, so the hook only warns.

    Raises:
        InputError: A training that counts iterations resumes with another total batch size or another ratio of its sources
            (:class:`~mmbdg.engine.SourceRatioSampler`), a joint training with another ratio of an online part, or a mixed one with another
            length of an online part.
    """

    def before_train(self, runner: Runner) -> None:
        loader = runner.train_loop.dataloader
        joint = addressing(loader.dataset) is Addressing.ADDRESS
        if isinstance(loader.dataset, JointDataset):
            parts = loader.dataset.parts.items()
            self._check_ratios(runner, {name: loader.dataset.ratios[name] for name, part in parts if addressing(part) is Addressing.COUNT})
        if isinstance(loader.dataset, MixedDataset):
            parts = loader.dataset.parts.items()
            self._check_lengths(runner, {name: len(part) for name, part in parts if addressing(part) is Addressing.COUNT})
        if not isinstance(loader.sampler, AddressedSampler) or loader.sampler.by_epoch:
            return  # epochs are counted in samples, not in steps
        if isinstance(loader.sampler, SourceRatioSampler):
            self._check_sources(runner, dict(ratio=loader.sampler.ratio, epoch=loader.sampler.counted))
            self._compare_images(runner, loader.sampler.lengths)
        elif joint:
            self._compare_images(runner, len(loader.dataset))
        total, before = loader.batch_size * runner.world_size, runner.message_hub.get_info(KEY)
        if runner.iter and before not in (None, total):
            raise InputError(
                f'the training began with {before} samples per step, but resumes with {loader.batch_size} x {runner.world_size}'
                f' processes = {total}: samples would be skipped or repeated. Set train_dataloader.batch_size to keep the product'
            )
        runner.message_hub.update_info(KEY, total)

    @staticmethod
    def _check_sources(runner: Runner, keys: dict[str, Any]) -> None:
        before = runner.message_hub.get_info(SOURCES_KEY)
        for key, value in keys.items() if runner.iter and before else ():
            if before[key] != value:
                raise InputError(
                    f'the training began with {key}={before[key]} of its sources, but resumes with {key}={value}: images would be skipped '
                    f'or repeated. Set train_dataloader.sampler.{key}={before[key]}'
                )
        runner.message_hub.update_info(SOURCES_KEY, keys)

    @staticmethod
    def _check_lengths(runner: Runner, lengths: dict[str, int]) -> None:
        before = runner.message_hub.get_info(LENGTHS_KEY) or {}
        for name, length in lengths.items() if runner.iter else ():
            if before.get(name) not in (None, length):
                raise InputError(
                    f'the training began with length={before[name]} of the online part "{name}", but resumes with {length}: samples would '
                    f'be skipped or repeated. Set train_dataloader.dataset.parts.{name}.length={before[name]}'
                )
        if lengths:
            runner.message_hub.update_info(LENGTHS_KEY, lengths)

    @staticmethod
    def _compare_images(runner: Runner, images: int | dict[str, int]) -> None:
        """Compare the number of images, or the numbers by the name of the part."""
        before = runner.message_hub.get_info(IMAGES_KEY)
        if runner.iter and before not in (None, images):
            kind = 'images' if isinstance(images, dict) else 'real images'
            runner.logger.warning(
                f'the training began with {before} {kind}, but resumes with {images}: the order of the images changes, and some '
                'images and views will repeat sooner than others'
            )
        runner.message_hub.update_info(IMAGES_KEY, images)

    @staticmethod
    def _check_ratios(runner: Runner, ratios: dict[str, int]) -> None:
        before = runner.message_hub.get_info(RATIOS_KEY) or dict(seg=runner.message_hub.get_info(OLD_RATIO_KEY))
        for name, ratio in ratios.items() if runner.iter else ():
            if before.get(name) not in (None, ratio):
                raise InputError(
                    f'the training began with {before[name]} online samples per real image, but resumes with {ratio}: samples '
                    f'of the part "{name}" would be skipped or repeated. Set train_dataloader.dataset.ratio={before[name]} (the '
                    f'variable synthetic_ratio), or train_dataloader.dataset.ratios.{name} if the config has it'
                )
        if ratios:
            runner.message_hub.update_info(RATIOS_KEY, ratios)
