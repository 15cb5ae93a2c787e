"""Samples are counted in batches: a resumed training must make batches of the size it began with."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmbdg.engine.addressed_sampler import AddressedSampler
from mmbdg.errors import InputError
from mmbdg.registry import HOOKS

KEY = 'total_batch_size'


@HOOKS.register_module()
class TotalBatchHook(Hook):
    """Keeps the total batch size in the checkpoints and compares it when a training resumes.

    mmengine tells a sampler how many steps were made, not how many samples: with smaller batches some would come a second time.

    Raises:
        InputError: A training that counts iterations resumes with another total batch size.
    """

    def before_train(self, runner: Runner) -> None:
        loader = runner.train_loop.dataloader
        if not isinstance(loader.sampler, AddressedSampler) or loader.sampler.by_epoch:
            return  # epochs are counted in samples
        total, before = loader.batch_size * runner.world_size, runner.message_hub.get_info(KEY)
        if runner.iter and before not in (None, total):
            raise InputError(
                f'the training began with {before} samples a step, here it resumes with {loader.batch_size} x {runner.world_size}'
                f' processes = {total}: samples would be left out or come twice. Set train_dataloader.batch_size so that the product stays'
            )
        runner.message_hub.update_info(KEY, total)
