"""Export of weights as safetensors from the best checkpoint of a training."""

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
    """Path of the best checkpoint if ``save_best`` is used, else of the last one; None if there is no checkpoint yet."""
    info = runner.message_hub.runtime_info
    return info.get('best_ckpt') or info.get('last_ckpt')


class ExportHook(Hook):
    """Exports from each new best checkpoint (from each checkpoint without ``save_best``), and at the end of the training.

    A training that is stopped early thus leaves the files that the next step needs. A subclass implements :meth:`export`.
    """

    priority = 'LOWEST'  # runs after the hook that saves checkpoints
    _exported: str | None = None

    def export(self, runner: Runner, source: str) -> None:
        """Write the exported files from the checkpoint ``source``."""
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
    """Writes one module of the trained model to ``<work_dir>/<filename>``, see :class:`ExportHook`.

    ``<filename>.json`` beside it records the checkpoint, the number of iterations, the score and the network's config.

    Args:
        prefix: Prefix in the state dict of the exported module, e.g. ``generator_ema.module.``.
        filename: Name of the file, ``*.safetensors``.
        config: Key of the network in the training config, e.g. ``model.generator``; None: the network's config is not recorded.
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
            raise InputError(f'the export hook of {self.filename} names {self.config}, which is not in the config: correct its config=...')
        return {key: value for key, value in described.items() if key != 'init_cfg'}


@HOOKS.register_module()
class ExportLabelledGeneratorHook(ExportHook):
    """Writes ``<work_dir>/labelled_generator/`` from an interpreter training, for ``LabelledGenerator.load`` and synthesis.

    See :class:`ExportHook`.

    Args:
        classes: Names of the generator's classes; "in1k": ImageNet's.
        folders: Folder names of the classes; default: slugs of the class names, for "in1k" the wnids.
        labels: Names of the head's labels; default: background and foreground for a head with one output, else the training data's labels.
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
        """Check that the exported labelled generator can be loaded and that its features equal those of the training.

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
