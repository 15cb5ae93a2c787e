"""Alignment and uniformity of a self-supervised embedding during training."""

from pathlib import Path

import torch
from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model
from torch import Tensor
from torch.nn.functional import normalize

from mmbdg.analysis.distances.embedding import alignment, uniformity
from mmbdg.engine.hooks.fixed_samples import fixed_views, view_preprocessor
from mmbdg.engine.hooks.periodic_hook import PeriodicHook
from mmbdg.errors import InputError
from mmbdg.files import write_json
from mmbdg.reading import read_json
from mmbdg.registry import HOOKS
from mmbdg.schema import OpenSchema


class Entry(OpenSchema):
    """One measurement in ``embedding.json``."""

    step: int


class History(OpenSchema):
    """Content of ``embedding.json``."""

    history: list[Entry]


@HOOKS.register_module()
class EmbeddingHook(PeriodicHook):
    """Measures alignment and uniformity (see :mod:`mmbdg.analysis.distances.embedding`) on fixed pairs of views.

    They are computed for the backbone's features (averaged over positions) and for the neck's global embedding, both L2-normalised. The
    visualizer gets the scalars ``embedding/{backbone,neck}_{alignment,uniformity}``; ``<work_dir>/embedding.json`` keeps the whole history.
    The hook works for any mmpretrain method with ``backbone`` and ``neck`` and two views per sample. It also runs before iteration 1.

    Args:
        interval: Iterations between two measurements; None: at the start and at the end only.
        num_images: Number of real images, evenly spread over the training set, two views each; at least 2.
        filename: Name of the JSON file in the work dir.

    Raises:
        InputError: ``num_images`` is below 2, or (before the training) the samples are not two views.
    """

    def __init__(self, interval: int | None = None, num_images: int = 64, filename: str = 'embedding.json') -> None:
        super().__init__(interval, at_start=True)
        if num_images < 2:
            raise InputError(f'num_images of EmbeddingHook must be at least 2, got {num_images}: uniformity compares pairs of images')
        self.num_images, self.filename = num_images, filename

    def prepare(self, runner: Runner) -> None:
        self._views, self._path = fixed_views(runner, self.num_images), Path(runner.work_dir) / self.filename
        history = read_json(self._path, History)['history'] if runner.iter and self._path.is_file() else []
        self._history = [entry for entry in history if entry['step'] <= runner.iter]  # a resumed training continues the history

    def look(self, runner: Runner, step: int) -> None:
        model, batch_size = get_ori_model(runner.model), runner.train_dataloader.batch_size
        batches = self._views.batches(view_preprocessor(runner), batch_size)
        # one forward for each view of each batch
        rows = [[_features(model, view) for view in batch] for batch in batches]
        entry = dict(step=step)
        for place, name in enumerate(('backbone', 'neck')):
            first, second = (normalize(torch.cat([row[view][place] for row in rows]).float()) for view in (0, 1))
            spread = (uniformity(first) + uniformity(second)) / 2
            entry[name] = dict(alignment=alignment(first, second), uniformity=spread)
        self._history.append(entry)
        write_json(self._path, dict(images=len(self._views.first), history=self._history))
        scalars = {f'embedding/{name}_{key}': value for name in ('backbone', 'neck') for key, value in entry[name].items()}
        runner.visualizer.add_scalars(scalars, step)
        said = ', '.join(f'{key.removeprefix("embedding/").replace("_", " ")} {value:.3f}' for key, value in scalars.items())
        runner.logger.info(f'embedding after {step} iterations: {said}')


def _features(model: torch.nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """Images float (N,3,H,W) -> the backbone's features (N,C), averaged over positions, and the neck's first output (N,D)."""
    maps = model.backbone(images)
    last = maps[-1]
    embedded = model.neck(maps)
    return last.flatten(2).mean(2) if last.ndim > 2 else last, embedded if isinstance(embedded, Tensor) else embedded[0]
