"""Precise batch normalisation: batch-norm statistics of the final weights instead of running averages over changing weights."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.dist import all_reduce_params
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader
from tqdm import tqdm

from mmbdg.addressed import generator_at
from mmbdg.registry import HOOKS


@HOOKS.register_module()
class PreciseBNHook(Hook):
    """After the last iteration, recomputes the statistics of each batch norm over many training batches.

    Source: Wu and Johnson, "Rethinking 'Batch' in BatchNorm", section 3; Detectron2's ``PRECISE_BN``, used to evaluate MoCo's detectors.
    The hook runs before validation and checkpoint. Batches go through the model as in training (``mode='loss'``), so that heads see the
    same regions. Each layer gets the mean over the batches of its batch means and unbiased variances; frozen layers are unchanged.

    Args:
        iterations: Number of batches.
    """

    priority = 'ABOVE_NORMAL'  # the checkpoint holds the new statistics

    def __init__(self, iterations: int = 200) -> None:
        self.iterations = iterations

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None) -> None:
        if runner.iter + 1 != runner.max_iters:
            return
        model = get_ori_model(runner.model)
        layers = [module for module in model.modules() if isinstance(module, _BatchNorm) and module.training and module.track_running_stats]
        if not layers:
            return
        runner.logger.info(f'statistics of {len(layers)} batch norms over {self.iterations} batches')
        with averaged(layers), torch.no_grad(), runner.optim_wrapper.optim_context(model):
            batches = iter(self._batches(runner))
            for _ in tqdm(range(self.iterations), desc='batch statistics', disable=bool(runner.rank)):
                model(**model.data_preprocessor(next(batches), True), mode='loss')
        all_reduce_params([buffer for layer in layers for buffer in (layer.running_mean, layer.running_var)], op='mean')

    @staticmethod
    def _batches(runner: Runner) -> DataLoader:
        """Data loader over the training set in another order; the training's own loader is not used."""
        loader = dict(runner.cfg.train_dataloader, dataset=runner.train_loop.dataloader.dataset)
        return runner.build_dataloader(loader, seed=int(generator_at('batch statistics', runner.seed).integers(2**31)))


@contextmanager
def averaged(layers: list[nn.Module]) -> Iterator[None]:
    """Inside, each layer's running statistics become the mean over the batches it sees."""
    before = [(layer, layer.momentum, layer.num_batches_tracked.clone()) for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # torch's cumulative average
    try:
        yield
    finally:
        for layer, momentum, count in before:
            layer.momentum = momentum
            layer.num_batches_tracked.copy_(count)
