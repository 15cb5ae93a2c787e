"""Pipelines of diffusers, loaded from checked folders or from the Hugging Face hub."""

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from mmbdg.assets import resolve
from mmbdg.data_configs import UNBUILT, unbuilt_text
from mmbdg.errors import InputError
from mmbdg.sources.hub import PREFIX, REPOSITORY, downloaded
from mmbdg.sources.pipeline_folder import PipelineFolder, check_weights_complete, libraries, read_pipeline_folder

PRECISIONS = dict(float32=torch.float32, bfloat16=torch.bfloat16, float16=torch.float16)
HUB_FILES = (
    *('model_index.json', '*/*.json', '*/*.txt', '*/*.model'),
    *(f'*/{stem}{shard}.safetensors' for stem in ('diffusion_pytorch_model', 'model') for shard in ('', '-?????-of-?????')),
)
"""Patterns of the downloaded files; single checkpoint files and half-precision copies are not downloaded."""


def find_pipeline(model: str, safety_checker: bool = False) -> tuple[PipelineFolder, str]:
    """Check the folder of a model; a model on the hub is downloaded first.

    Args:
        model: Path of a folder, ``mmbdg://...``, or ``hf://ORG/NAME[@REVISION]``.
        safety_checker: See :func:`~mmbdg.sources.pipeline_folder.read_pipeline_folder`.

    Returns:
        The folder; and the revision on the hub (the hash of the commit if it is known), '' for a local folder.

    Raises:
        InputError: The model does not exist, or may not be loaded.
    """
    libraries()
    if not model.startswith(PREFIX):
        return read_pipeline_folder(resolve(model), safety_checker), ''
    path = downloaded(model, HUB_FILES)
    revision = path.name if path.parent.name == 'snapshots' else REPOSITORY.fullmatch(model.removeprefix(PREFIX))['revision'] or ''
    return read_pipeline_folder(path, safety_checker), revision


def load_pipeline(folder: PipelineFolder, precision: str = 'float32', attention_slicing: bool = False, any_kind: bool = False) -> Any:
    """Load a text-to-image or class-conditional (DiT) pipeline on the CPU, without progress bars.

    Args:
        folder: A checked folder.
        precision: Name of the dtype of its models, a key of :data:`PRECISIONS`.
        attention_slicing: Whether attention is computed in slices, which takes less memory and more time.
        any_kind: Whether pipelines of other kinds are loaded too, such as ``DDPMPipeline``. Default: False.

    Raises:
        InputError: The pipeline does not make images from texts or classes, or a file does not fit.
    """
    diffusers, _ = libraries()
    from safetensors import SafetensorError

    loader = folder.kind if any_kind or is_class_conditional(folder.kind) else diffusers.AutoPipelineForText2Image
    absent: dict[str, Any] = dict.fromkeys(folder.left_out)
    if 'safety_checker' in absent:
        absent['requires_safety_checker'] = False
    dtype = 'torch_dtype' if diffusers.__version__.startswith('0.') else 'dtype'  # not all versions 0.x have the new name
    try:
        with quiet():
            pipeline = loader.from_pretrained(
                str(folder.path), local_files_only=True, use_safetensors=True, **absent, **{dtype: PRECISIONS[precision]}
            )
        check_weights_complete(pipeline.components, folder)
    except InputError:
        raise
    except (*UNBUILT, OSError, SafetensorError) as error:
        if type(error).__name__ == 'OutOfMemoryError':
            raise
        raise InputError(
            f'{folder.path} cannot be loaded as a pipeline that makes images from texts or classes: {unbuilt_text(error)}'
        ) from error
    if attention_slicing:
        pipeline.enable_attention_slicing()
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def is_class_conditional(kind: type) -> bool:
    """Whether a pipeline takes class labels instead of prompts, as ``DiTPipeline`` does."""
    return 'class_labels' in inspect.signature(kind.__call__).parameters


def image_to_image(pipeline: Any) -> Any:
    """Build the image-to-image pipeline of the same components.

    Raises:
        InputError: diffusers has none.
    """
    from diffusers import AutoPipelineForImage2Image

    try:
        with quiet():
            other = AutoPipelineForImage2Image.from_pipe(pipeline)
    except ValueError as error:
        raise InputError(f'synthesis.source.init: diffusers has no image-to-image pipeline for {type(pipeline).__name__}') from error
    other.set_progress_bar_config(disable=True)
    return other


def scale_factor(pipeline: Any) -> int:
    """Number of pixels of one latent along one side."""
    vae = getattr(pipeline, 'vae', None)
    own = getattr(pipeline, 'vae_scale_factor', None)
    return own or (2 ** (len(vae.config.block_out_channels) - 1) if vae is not None else 1)


def own_size(pipeline: Any) -> int | None:
    """Native height and width of a model in pixels; None if it states none."""
    latent = getattr(pipeline, 'default_sample_size', None) or getattr(_denoiser(pipeline).config, 'sample_size', None)
    return latent * scale_factor(pipeline) if isinstance(latent, int) else None


def number_of_labels(pipeline: Any) -> int | None:
    """Number of labels of a class-conditional model; None if it states none."""
    config = _denoiser(pipeline).config
    return getattr(config, 'num_embeds_ada_norm', None) or getattr(config, 'num_class_embeds', None)


def _denoiser(pipeline: Any) -> Any:
    return getattr(pipeline, 'unet', None) or getattr(pipeline, 'transformer', None)


@contextmanager
def quiet() -> Iterator[None]:
    """Context without progress bars and log messages of diffusers and transformers; relevant faults are checked here."""
    diffusers, transformers = libraries()
    rooms = (diffusers.utils.logging, transformers.utils.logging)
    before = [(room.get_verbosity(), room.is_progress_bar_enabled()) for room in rooms]
    try:
        for room in rooms:
            room.set_verbosity_error()
            room.disable_progress_bar()
        with warnings.catch_warnings():
            warnings.filterwarnings('ignore', '.*torch_dtype.* is deprecated')
            yield
    finally:
        for room, (verbosity, bars) in zip(rooms, before, strict=True):
            room.set_verbosity(verbosity)
            if bars:
                room.enable_progress_bar()
