"""Hooks for trainings of diffusers' networks: sample pictures, and export in diffusers' layout."""

import copy
import glob
import shutil
from pathlib import Path

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model

from mmbdg.compat.checkpoint import read_state_dict
from mmbdg.engine.hooks.export_hook import ExportHook
from mmbdg.files import whole_folder, write_json, write_safetensors
from mmbdg.generators.build import build_generator
from mmbdg.generators.card import card_path
from mmbdg.registry import HOOKS
from mmbdg.visualization.contact_sheet import grid, save_picture


@HOOKS.register_module()
class DiffusionSamplesHook(Hook):
    """Writes sample pictures to ``<work_dir>/samples/`` after each validation: one row per class, the same noise every time.

    The model must have ``images(class_ids, indices) -> uint8 (N,3,R,R)`` and ``classes``. With mmengine's ``EMAHook`` pictures and
    validation use the averaged weights.

    Args:
        per_class: Number of samples per row.
        max_classes: Maximum number of rows.
    """

    priority = 'HIGH'  # before EMAHook restores the weights of the training

    def __init__(self, per_class: int = 12, max_classes: int = 16) -> None:
        self.per_class, self.max_classes = per_class, max_classes

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        if runner.rank:
            return
        model, images = get_ori_model(runner.model), list[np.ndarray]()
        for c in range(min(self.max_classes, len(model.classes))):
            pixels = model.images([c] * self.per_class, range(self.per_class))
            images += list(pixels.permute(0, 2, 3, 1).cpu().numpy())
        out = Path(runner.work_dir) / 'samples' / f'iter_{runner.iter:06d}.png'
        save_picture(out, grid(images, self.per_class))
        runner.logger.info(f'samples are in {out}')


@HOOKS.register_module()
class ExportPretrainedHook(ExportHook):
    """Writes ``<work_dir>/<folder>/`` with the model's own ``save_pretrained``, see :class:`ExportHook`.

    Args:
        folder: Name of the folder. An older one is replaced.
    """

    method = 'save_pretrained'

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def export(self, runner: Runner, source: str) -> None:
        model = copy.deepcopy(get_ori_model(runner.model)).cpu().eval()
        model.load_state_dict(read_state_dict(source, ''))
        out = Path(runner.work_dir) / self.folder
        fresh = out.with_name(f'{out.name}.new')
        for left in (fresh, *out.parent.glob(f'{glob.escape(fresh.name)}.*.part')):  # by a killed training; the work dir is locked
            shutil.rmtree(left, ignore_errors=True)
        with whole_folder(fresh) as part:
            getattr(model, self.method)(part)
            for file in part.rglob('*.safetensors'):
                file.chmod(0o644)  # safetensors writes files that only the owner can read
        shutil.rmtree(out, ignore_errors=True)
        fresh.rename(out)
        runner.logger.info(f'exported {source} to {out}')


@HOOKS.register_module()
class ExportAdapterHook(ExportPretrainedHook):
    """Writes ``<work_dir>/<folder>/`` with the adapters alone of a :class:`~mmbdg.models.LoRATraining`, see :class:`ExportHook`.

    Args:
        folder: Name of the folder. An older one is replaced.
    """

    method = 'save_adapter'


@HOOKS.register_module()
class ExportDiffusionGeneratorHook(ExportHook):
    """Writes ``<work_dir>/generator.safetensors`` and its card: the exported pipeline as a :class:`~mmbdg.generators.DiffusionGenerator`.

    It contains the text embeddings of the classes. A config reads its sizes from the card, see :mod:`mmbdg.generators.card`. The hook must
    follow the :class:`ExportPretrainedHook` that writes the pipeline.

    Args:
        folder: Name of the pipeline's folder in the work dir.
        prompt: Prompt with ``{}`` for the name of a class.
        steps, guidance: Sampling, see :class:`~mmbdg.generators.DiffusionGenerator`.
    """

    def __init__(self, folder: str, prompt: str, steps: int = 20, guidance: float = 2.0) -> None:
        self.folder, self.prompt, self.sampling = folder, prompt, dict(steps=steps, guidance=guidance)

    def export(self, runner: Runner, source: str) -> None:
        from mmbdg.pipeline_weights import PipelineWeights, generator_config

        folder, out = str(Path(runner.work_dir) / self.folder), Path(runner.work_dir) / 'generator.safetensors'
        classes = get_ori_model(runner.model).classes
        config = generator_config(folder, len(classes)) | self.sampling
        generator = build_generator(config)
        PipelineWeights(folder, self.prompt, classes)(generator)
        write_safetensors(out, generator.state_dict())
        write_json(card_path(str(out)), dict(checkpoint=Path(source).name, prompt=self.prompt, iterations=runner.iter, config=config))
        runner.logger.info(f'exported {folder} to {out}')
