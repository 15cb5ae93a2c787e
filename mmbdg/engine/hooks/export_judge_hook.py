"""Export of a trained judge of early rejection."""

from pathlib import Path

from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model

from mmbdg.compat.checkpoint import read_state_dict
from mmbdg.engine.hooks.export_hook import ExportHook
from mmbdg.registry import HOOKS
from mmbdg.sources.judge import JUDGE, write_judge


@HOOKS.register_module()
class ExportJudgeHook(ExportHook):
    """Writes ``<work_dir>/judge.safetensors`` and its card from a training of :class:`~mmbdg.models.judge_training.JudgeTraining`.

    Copied into the folder of the labelled generator, the two files are its judge. See :class:`~mmbdg.engine.hooks.export_hook.ExportHook`.
    """

    def export(self, runner: Runner, source: str) -> None:
        model, data = get_ori_model(runner.model), runner.train_dataloader.dataset
        path = Path(runner.work_dir) / JUDGE
        scalars, name = runner.message_hub.log_scalars, 'early_recall'
        figures = {name: float(scalars[f'val/{name}'].current())} if f'val/{name}' in scalars else {}
        facts = dict(generator=data.generator_checksum, classifier=data.classifier_checksum, truncation=data.truncation)
        write_judge(path, model.judge_config, read_state_dict(source, 'judge.'), **facts, figures=figures)
        runner.logger.info(f'exported {source} to {path}')
