"""Weights as safetensors at the end of a training."""

from collections.abc import Sequence
from pathlib import Path

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model

from mmbdg.annotation import class_folders
from mmbdg.assets.class_lists import class_names, folder_names
from mmbdg.compat.checkpoint import read_state_dict
from mmbdg.errors import InputError
from mmbdg.files import write_json, write_safetensors
from mmbdg.registry import HOOKS
from mmbdg.synthesis import LabelledGenerator, Truncation


def trained_checkpoint(runner: Runner) -> str:
    """The best checkpoint of a finished training if one was chosen, else the last."""
    info = runner.message_hub.runtime_info
    return info.get('best_ckpt') or info['last_ckpt']


@HOOKS.register_module()
class ExportWeightsHook(Hook):
    """Write one module of the trained model as ``<work_dir>/<filename>``, from the best checkpoint if there is one, else the last.

    Beside it lies ``<filename>.json``: which checkpoint, how many iterations, which score.

    Args:
        prefix: What is exported: the part of the state dict under this prefix, e.g. ``generator_ema.module.``.
        filename: Name of the file, ``*.safetensors``.
    """

    priority = 'LOWEST'

    def __init__(self, prefix: str, filename: str) -> None:
        self.prefix, self.filename = prefix, filename

    def after_train(self, runner: Runner) -> None:
        if runner.rank:
            return
        source, out = trained_checkpoint(runner), Path(runner.work_dir) / self.filename
        write_safetensors(out, read_state_dict(source, self.prefix))
        write_json(
            f'{out}.json',
            dict(
                checkpoint=Path(source).name,
                prefix=self.prefix,
                iterations=runner.iter,
                best_score=runner.message_hub.runtime_info.get('best_score'),
            ),
        )
        runner.logger.info(f'exported {source} ({self.prefix}*) to {out}')


@HOOKS.register_module()
class ExportLabelledGeneratorHook(Hook):
    """After an interpreter training write ``<work_dir>/labelled_generator/``, ready for ``LabelledGenerator.load`` and synthesis.

    Args:
        classes: Names of the generator's classes; "in1k": ImageNet's.
        folders: Of the classes; default: slugs of their names, for "in1k" the wnids.
        labels: Names of the head's labels; default: background and foreground, or if the head tells more apart those of the training data.
        seed, truncation, licence: Arguments of :class:`~mmbdg.synthesis.LabelledGenerator`.
    """

    priority = 'LOWEST'

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

    def after_train(self, runner: Runner) -> None:
        if runner.rank:
            return
        model = get_ori_model(runner.model)
        source, folder = trained_checkpoint(runner), Path(runner.work_dir) / 'labelled_generator'
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
