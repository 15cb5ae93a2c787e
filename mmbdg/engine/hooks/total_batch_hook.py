"""Samples are counted in batches, online ones by their ratio, real ones in passes: a resumed training should have all as it began."""

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
    """Keeps the total batch size in the checkpoints and compares it when a training resumes; so it does with the ratio of online samples
    and with the number of real images.

    mmengine tells a sampler how many steps were made, not how many samples: with smaller batches some would come a second time. Beside
    sample n of the real images are the online ones from n times the ratio on: with a smaller ratio they, too, would come again. Other real
    images of a ``JointDataset`` may be meant: a warning.

    Raises:
        InputError: A training that counts iterations resumes with another total batch size, or one with online samples beside real images
            with another ratio.
    """

    def before_train(self, runner: Runner) -> None:
        loader = runner.train_loop.dataloader
        if isinstance(loader.dataset, JointDataset) and is_online(loader.dataset):
            self._check_ratio(runner, loader.dataset.ratio)
        if not isinstance(loader.sampler, AddressedSampler) or loader.sampler.by_epoch:
            return  # epochs are counted in samples, and are the passes
        if isinstance(loader.dataset, JointDataset):
            self._compare_images(runner, len(loader.dataset))
        total, before = loader.batch_size * runner.world_size, runner.message_hub.get_info(KEY)
        if runner.iter and before not in (None, total):
            raise InputError(
                f'the training began with {before} samples a step, here it resumes with {loader.batch_size} x {runner.world_size}'
                f' processes = {total}: samples would be left out or come twice. Set train_dataloader.batch_size so that the product stays'
            )
        runner.message_hub.update_info(KEY, total)

    @staticmethod
    def _compare_images(runner: Runner, images: int) -> None:
        before = runner.message_hub.get_info(IMAGES_KEY)
        if runner.iter and before not in (None, images):
            runner.logger.warning(
                f'the training began with {before} real images, here it resumes with {images}: its samples so far make other passes '
                'through them, and some images, and views of them, come again sooner than others'
            )
        runner.message_hub.update_info(IMAGES_KEY, images)

    @staticmethod
    def _check_ratio(runner: Runner, ratio: int) -> None:
        before = runner.message_hub.get_info(RATIO_KEY)
        if runner.iter and before not in (None, ratio):
            raise InputError(
                f'the training began with {before} online samples for each real image, here it resumes with {ratio}: samples would be left '
                f'out or come twice. Set train_dataloader.dataset.ratio={before} (the variable synthetic_ratio)'
            )
        runner.message_hub.update_info(RATIO_KEY, ratio)
