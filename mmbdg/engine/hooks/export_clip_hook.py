"""Export of a trained CLIP model."""

from pathlib import Path

from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model

from mmbdg.compat.checkpoint import read_state_dict
from mmbdg.embedders.clip_folder import write_clip_folder
from mmbdg.engine.hooks.export_hook import ExportHook
from mmbdg.registry import HOOKS


@HOOKS.register_module()
class ExportCLIPHook(ExportHook):
    """Writes ``<work_dir>/clip/`` from a training of :class:`~mmbdg.models.clip_training.CLIPTraining`, for ``mmbdg.OpenCLIP``.

    The folder is in open_clip's layout, with the model's preprocessing. See :class:`~mmbdg.engine.hooks.export_hook.ExportHook`.
    """

    def export(self, runner: Runner, source: str) -> None:
        model, folder = get_ori_model(runner.model), Path(runner.work_dir) / 'clip'
        write_clip_folder(folder, model.model_cfg, model.preprocess_cfg, read_state_dict(source, 'clip.'), model.merges)
        runner.logger.info(f'exported {source} to {folder}')
