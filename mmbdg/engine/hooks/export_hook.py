"""Weights as safetensors, from the best checkpoint of a training."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model

from mmbdg.annotation import class_folders
from mmbdg.assets.class_lists import class_names, folder_names
from mmbdg.compat.checkpoint import read_state_dict
from mmbdg.compat.config_options import value_at
from mmbdg.errors import InputError
from mmbdg.files import write_json, write_safetensors
from mmbdg.registry import HOOKS
from mmbdg.sources import LabelledGenerator, Truncation


def trained_checkpoint(runner: Runner) -> str | None:
    """The best checkpoint of a training if one was chosen, else the last; None: there is none yet."""
    info = runner.message_hub.runtime_info
    return info.get('best_ckpt') or info.get('last_ckpt')


class ExportHook(Hook):
    """Exports from each new best checkpoint of a training, or from each checkpoint where none is chosen, and at the end.

    So a training that is stopped early leaves what the next step needs. A subclass writes :meth:`export`.
    """

    priority = 'LOWEST'  # behind the hook that saves checkpoints
    _exported: str | None = None

    def export(self, runner: Runner, source: str) -> None:
        """Write, from the checkpoint ``source``."""
        raise NotImplementedError  # abstract

    def _export_new(self, runner: Runner) -> None:
        source = trained_checkpoint(runner)
        if not runner.rank and source not in (None, self._exported) and Path(source).is_file():
            self._exported = source
            self.export(runner, source)

    def after_train_iter(self, runner: Runner, *_: Any, **__: Any) -> None:
        self._export_new(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        self._export_new(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        self._export_new(runner)

    def after_train(self, runner: Runner) -> None:
        source = trained_checkpoint(runner)
        if not runner.rank and source is not None:
            self.export(runner, source)


@HOOKS.register_module()
class ExportWeightsHook(ExportHook):
    """Write one module of the trained model as ``<work_dir>/<filename>``, see :class:`ExportHook`.

    Beside it lies ``<filename>.json``: which checkpoint, after how many iterations, which score, and which network.

    Args:
        prefix: What is exported: the part of the state dict under this prefix, e.g. ``generator_ema.module.``.
        filename: Name of the file, ``*.safetensors``.
        config: Where the config of the training describes this network, e.g. ``model.generator``; None: it is not written down.
    """

    def __init__(self, prefix: str, filename: str, config: str | None = None) -> None:
        self.prefix, self.filename, self.config = prefix, filename, config

    def export(self, runner: Runner, source: str) -> None:
        out = Path(runner.work_dir) / self.filename
        write_safetensors(out, read_state_dict(source, self.prefix))
        write_json(
            f'{out}.json',
            dict(
                checkpoint=Path(source).name,
                prefix=self.prefix,
                iterations=runner.iter,
                best_score=runner.message_hub.runtime_info.get('best_score'),
                config=self._described(runner),
            ),
        )
        runner.logger.info(f'exported {source} ({self.prefix}*) to {out}')

    def _described(self, runner: Runner) -> dict | None:
        if self.config is None:
            return None
        described = value_at(runner.cfg, self.config.split('.'))
        if not isinstance(described, dict):
            raise InputError(f'the export hook of {self.filename} names {self.config}, which the config does not have')
        return {key: value for key, value in described.items() if key != 'init_cfg'}


@HOOKS.register_module()
class ExportLabelledGeneratorHook(ExportHook):
    """Write ``<work_dir>/labelled_generator/`` of an interpreter training, ready for ``LabelledGenerator.load`` and synthesis.

    See :class:`ExportHook`.

    Args:
        classes: Names of the generator's classes; "in1k": ImageNet's.
        folders: Of the classes; default: slugs of their names, for "in1k" the wnids.
        labels: Names of the head's labels; default: background and foreground, or if the head tells more apart those of the training data.
        seed, truncation, licence: Arguments of :class:`~mmbdg.sources.LabelledGenerator`.
    """

    def __init__(
        self,
        classes: Sequence[str] | str,
        folders: Sequence[str] | str | None = None,
        labels: Sequence[str] | None = None,
        seed: int = 0,
        truncation: dict | float | None = 0.9,
        licence: str = '',
    ) -> None:
        self.labels = labels
        if not folders:
            folders = classes if isinstance(classes, str) else class_folders(classes)
        self.card = dict(
            classes=list(class_names(classes)),
            folders=list(folder_names(folders)),
            seed=seed,
            truncation=truncation,
            licence=licence,
        )

    def before_train(self, runner: Runner) -> None:
        """See that what will be written can be loaded, and that its features are those of the training.

        Raises:
            InputError: The truncation is not defined for the generator, or has other batch statistics than the training.
        """
        model, truncation = get_ori_model(runner.model), Truncation.of(self.card['truncation'])
        if truncation and model.latent_distribution != 'normal':
            raise InputError('truncation is not defined for this generator, whose z is not normal: set truncation=None in the export hook')
        exported, trained = (t.statistics_of if t else None for t in (truncation, model.truncation))
        if exported != trained:
            raise InputError(
                f'the export hook writes a labelled generator with the batch statistics of truncation {exported}, the interpreter is '
                f'trained with those of {trained}: give model.truncation and the hook the same definition'
            )

    def export(self, runner: Runner, source: str) -> None:
        model, folder = get_ori_model(runner.model), Path(runner.work_dir) / 'labelled_generator'
        LabelledGenerator.write(
            folder,
            (model.generator_config, model.generator_state),
            (model.interpreter_config, read_state_dict(source, 'interpreter.')),
            vote=model.vote,
            labels=list(self.labels or self._labels(runner)),
            **self.card,
        )
        runner.logger.info(f'exported {source} with its generator to {folder}')

    @staticmethod
    def _labels(runner: Runner) -> Sequence[str]:
        if get_ori_model(runner.model).interpreter.num_outputs == 1:
            return 'background', 'foreground'
        return runner.train_dataloader.dataset.metainfo['classes']
