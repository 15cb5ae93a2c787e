"""Checks on resume that the total batch size, the ratio of online samples and the number of real images are unchanged."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmbdg.datasets import JointDataset
from mmbdg.datasets.online import is_online
from mmbdg.engine.samplers.addressed_sampler import AddressedSampler
from mmbdg.errors import InputError
from mmbdg.registry import HOOKS

KEY = 'total_batch_size'
RATIO_KEY = 'online_ratio'
IMAGES_KEY = 'real_images'


@HOOKS.register_module()
class TotalBatchHook(Hook):
    """Stores the total batch size, the ratio of online samples and the number of real images in checkpoints, and compares them on resume.

    mmengine tells a sampler the number of steps, not of samples, so with a smaller batch size some samples would repeat. Real sample n is
    paired with the online samples from n times the ratio on, so with a smaller ratio online samples would repeat. A changed number of real
    images of a ``JointDataset`` may be intended, so it only causes a warning.

    Raises:
        InputError: An iteration-based training resumes with another total batch size, or a joint training with online samples resumes
            with another ratio.
    """

    def before_train(self, runner: Runner) -> None:
        loader = runner.train_loop.dataloader
        if isinstance(loader.dataset, JointDataset) and is_online(loader.dataset):
            self._check_ratio(runner, loader.dataset.ratio)
        if not isinstance(loader.sampler, AddressedSampler) or loader.sampler.by_epoch:
            return  # an epoch is one pass, counted in samples
        if isinstance(loader.dataset, JointDataset):
            self._compare_images(runner, len(loader.dataset))
        total, before = loader.batch_size * runner.world_size, runner.message_hub.get_info(KEY)
        if runner.iter and before not in (None, total):
            raise InputError(
                f'the training began with {before} samples per step, but resumes with {loader.batch_size} x {runner.world_size}'
                f' processes = {total}: samples would be left out or come twice. Set train_dataloader.batch_size to keep the product'
            )
        runner.message_hub.update_info(KEY, total)

    @staticmethod
    def _compare_images(runner: Runner, images: int) -> None:
        before = runner.message_hub.get_info(IMAGES_KEY)
        if runner.iter and before not in (None, images):
            runner.logger.warning(
                f'the training began with {before} real images, but resumes with {images}: the order of the images changes, and some '
                'images and views will repeat sooner than others'
            )
        runner.message_hub.update_info(IMAGES_KEY, images)

    @staticmethod
    def _check_ratio(runner: Runner, ratio: int) -> None:
        before = runner.message_hub.get_info(RATIO_KEY)
        if runner.iter and before not in (None, ratio):
            raise InputError(
                f'the training began with {before} online samples per real image, but resumes with {ratio}: samples would be left '
                f'out or come twice. Set train_dataloader.dataset.ratio={before} (the variable synthetic_ratio)'
            )
        runner.message_hub.update_info(RATIO_KEY, ratio)
