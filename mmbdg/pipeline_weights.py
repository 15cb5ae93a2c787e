"""Loads the folder of a diffusers pipeline into a diffusion generator.

This module is outside the subpackages, because it uses generators and sources. Only the registry of weight initialisers imports it, when a
config contains its type, and the tool that converts generators.
"""

import inspect
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmbdg.compat.checkpoint import load_strict
from mmbdg.errors import InputError
from mmbdg.generators import DiffusionGenerator
from mmbdg.generators.diffusers_parts import AUTOENCODERS, DENOISERS, SCHEDULERS
from mmbdg.reading import read_json
from mmbdg.registry import WEIGHT_INITIALIZERS

NOISE_KEYS = (
    *('num_train_timesteps', 'beta_start', 'beta_end', 'beta_schedule', 'trained_betas', 'prediction_type', 'rescale_betas_zero_snr'),
    *('shift', 'use_dynamic_shifting'),
)
"""Keys of a scheduler that must be those of the training; the others are settings of the sampling."""

MANY = 50
"""Number of prompts from which a progress bar is shown."""


@WEIGHT_INITIALIZERS.register_module()
class PipelineWeights:
    """``init_cfg=dict(type='mmbdg.PipelineWeights', checkpoint=FOLDER, prompt=..., classes=...)`` of a DiffusionGenerator.

    The folder is in the layout of ``save_pretrained`` of a diffusers pipeline: safetensors only; no code of it runs. Its part configs must
    equal those of the generator. The prompt of each class is encoded once, by the pipeline's text encoders. The text embeddings are then a
    part of the generator's state dict.

    Args:
        checkpoint: Folder, or ``mmbdg://...``.
        prompt: Prompt with one ``{}`` for the name of a class. Default: None, for a model that takes no text.
        classes: Names of the classes, or the name of an embedded list. Default: None, for a model that takes no text.

    Raises:
        InputError: (when called) The folder is incomplete or has pickled weights, another part or another value than the config, or prompt
            and classes do not fit the model.
    """

    def __init__(self, checkpoint: str | os.PathLike, prompt: str | None = None, classes: Sequence[str] | str | None = None) -> None:
        self.checkpoint, self.prompt, self.classes = checkpoint, prompt, classes

    def __call__(self, module: nn.Module) -> None:
        from mmbdg.assets import resolve
        from mmbdg.sources.pipeline_folder import read_pipeline_folder
        from mmbdg.sources.pipelines import load_pipeline

        if not isinstance(module, DiffusionGenerator):
            raise InputError(f'mmbdg.PipelineWeights is for mmbdg.DiffusionGenerator, not for {type(module).__name__}')
        folder = read_pipeline_folder(resolve(self.checkpoint))
        names = _check_prompt(self.prompt, self.classes, module)
        with torch.device('cpu'):
            pipeline = load_pipeline(folder, any_kind=True)
        parts = _parts(pipeline, folder.path)
        own = dict(denoiser=module.denoiser, autoencoder=module.autoencoder, scheduler=module.scheduler)
        for part, given in parts.items():
            _check_equal(own[part], given, part, folder.path)
        state = {
            f'{part}.{name}': tensor
            for part in ('denoiser', 'autoencoder')
            if own[part] is not None
            for name, tensor in parts[part].state_dict().items()
        }
        load_strict(module, state | (_contexts(pipeline, self.prompt, names, module) if names else {}), folder.path)


def generator_config(checkpoint: str | os.PathLike, num_classes: int) -> dict[str, Any]:
    """Config of the DiffusionGenerator of a pipeline's folder, without ``init_cfg``. Values that are diffusers' defaults are left out.

    Raises:
        InputError: The folder cannot be read, or has a part of an unknown type.
    """
    import diffusers

    from mmbdg.assets import resolve
    from mmbdg.sources.pipeline_folder import read_pipeline_folder

    folder, kind, *_ = read_pipeline_folder(resolve(checkpoint))
    index = read_json(folder / 'model_index.json', dict[str, Any])
    config: dict[str, Any] = dict(type='mmbdg.DiffusionGenerator')
    for part, (names, known) in PARTS.items():
        name = next((name for name in names if isinstance(index.get(name), list) and index[name][1] in known), None)
        if name is None:
            if part == 'autoencoder' and not isinstance(index.get('vae'), list):
                continue
            raise InputError(f'{folder} has no {part} of the types {", ".join(known)}: {index}')
        file = 'scheduler_config.json' if part == 'scheduler' else 'config.json'
        config[part] = _shortened(read_json(folder / name / file, dict[str, Any]), getattr(diffusers, index[name][1]))
    text = index.get('text_encoder')
    length = dict(context_length=_length(folder, kind)) if isinstance(text, list) and text[0] else {}
    return config | dict(num_classes=num_classes) | length


PARTS = dict(denoiser=(('unet', 'transformer'), DENOISERS), autoencoder=(('vae',), AUTOENCODERS), scheduler=(('scheduler',), SCHEDULERS))
"""Names of the components of a pipeline, and their allowed types, for each part of a DiffusionGenerator."""


def _length(folder: Path, kind: type) -> int:
    """Number of text embeddings: the tokens to which the tokenizer pads prompts; Stable Diffusion 3 adds those of T5."""
    stated = read_json(folder / 'tokenizer' / 'tokenizer_config.json', dict[str, Any]).get('model_max_length')
    second = inspect.signature(kind.encode_prompt).parameters.get('max_sequence_length')
    return (stated if isinstance(stated, int) else 77) + (second.default if second else 0)


def _shortened(config: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Type and arguments of a part, without default values and private keys."""
    defaults = {name: parameter.default for name, parameter in inspect.signature(kind.__init__).parameters.items()}
    return dict(type=kind.__name__) | {
        key: value for key, value in config.items() if key in defaults and _plain(value) != _plain(defaults[key])
    }


def _plain(value: Any) -> Any:
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _parts(pipeline: Any, folder: os.PathLike) -> dict[str, Any]:
    """Parts of a loaded pipeline by the names of the generator's arguments; None for a missing autoencoder."""
    found = {
        part: next((pipeline.components[name] for name in names if name in pipeline.components), None) for part, (names, _) in PARTS.items()
    }
    for part, (_, known) in PARTS.items():
        if type(found[part]).__name__ not in known and not (part == 'autoencoder' and found[part] is None) and part != 'scheduler':
            raise InputError(f'{folder} has a {part} of type {type(found[part]).__name__}; types that can be used are {", ".join(known)}')
    return found


def _check_equal(own: Any, given: Any, part: str, folder: os.PathLike) -> None:
    """Check that a part of the generator has the type and the config of the folder's part.

    Raises:
        InputError: They differ; the message names the key.
    """
    if part != 'scheduler' and type(own) is not type(given):
        names = [type(one).__name__ if one is not None else 'none' for one in (given, own)]
        raise InputError(f'the {part} of {folder} is {names[0]}, that of the config {names[1]}')
    if own is None:
        return
    if part == 'scheduler' and _is_flow(own) != _is_flow(given):
        raise InputError(
            f'the scheduler of {folder} is {type(given).__name__}, that of the config {type(own).__name__}: only one of them is for flow '
            'matching. For such a model use FlowMatchEulerDiscreteScheduler, or a scheduler with use_flow_sigmas=True'
        )
    for key in own.config if part != 'scheduler' else NOISE_KEYS:
        if key.startswith('_') or key not in own.config or key not in given.config:
            continue
        if _plain(own.config[key]) != _plain(given.config[key]):
            raise InputError(
                f'{part}.{key} is {given.config[key]!r} in {folder}, but {own.config[key]!r} in the config. '
                'tools/convert_generator.py FOLDER DST --from diffusers prints the config of a folder'
            )


def _is_flow(scheduler: Any) -> bool:
    """Whether a scheduler samples a model that was trained by flow matching."""
    return type(scheduler).__name__.startswith('FlowMatch') or bool(scheduler.config.get('use_flow_sigmas'))


def _check_prompt(prompt: str | None, classes: Sequence[str] | str | None, generator: DiffusionGenerator) -> tuple[str, ...]:
    """Names of the classes; empty for a model that takes no text."""
    from mmbdg.assets.class_lists import class_names

    if not generator.takes_text:
        if prompt is not None or classes is not None:
            raise InputError(f'a {type(generator.denoiser).__name__} takes no text: leave out prompt and classes of init_cfg')
        return ()
    if prompt is None or classes is None:
        raise InputError(
            f"a {type(generator.denoiser).__name__} takes text: add prompt='a photo of a {{}}' and classes, the names of the "
            f'{generator.num_classes} classes, to init_cfg'
        )
    if prompt.count('{}') != 1 or '{' in prompt.replace('{}', '') or '}' in prompt.replace('{}', ''):
        raise InputError(f'init_cfg.prompt must have one {{}} for the name of a class, got {prompt!r}')
    names = class_names(classes)
    if len(names) != generator.num_classes:
        raise InputError(f'init_cfg.classes has {len(names)} names, the generator has {generator.num_classes} classes')
    return names


@torch.no_grad()
def _contexts(pipeline: Any, prompt: str, names: Sequence[str], generator: DiffusionGenerator) -> dict[str, Tensor]:
    """Text embeddings of the classes' prompts and of the empty prompt, and the places of the classes' names.

    Raises:
        InputError: The pipeline's prompts have another length than ``context_length``, or a prompt has too many tokens for the tokenizer.
    """
    from tqdm import tqdm

    from mmbdg.sources.pipelines import quiet

    with quiet():
        empty, empty_pooled = _encoded(pipeline, '')
        if len(empty) != (wanted := generator.class_context.shape[1]):
            raise InputError(f'the prompts of this pipeline have {len(empty)} embeddings: set context_length={len(empty)} (it is {wanted})')
        tokens = [_place(pipeline.tokenizer, prompt, name, wanted) for name in names]
        shown = tqdm(names, 'prompts', unit='prompt', leave=False, disable=len(names) < MANY)
        rows = [_encoded(pipeline, prompt.format(name)) for name in shown]
    state = dict(class_context=torch.stack([row for row, _ in rows]), empty_context=empty, class_tokens=torch.stack(tokens))
    if empty_pooled is not None:
        state |= dict(class_pooled=torch.stack([row for _, row in rows]), empty_pooled=empty_pooled)
    return state


def _encoded(pipeline: Any, text: str) -> tuple[Tensor, Tensor | None]:
    """Embeddings of a prompt, float32 (L,D), and of the whole prompt, float32 (P,); None if the model takes none."""
    if 'prompt_3' in inspect.signature(pipeline.encode_prompt).parameters:
        embedded, _, pooled, _ = pipeline.encode_prompt(text, None, None, device='cpu', do_classifier_free_guidance=False)
        return embedded[0].float(), pooled[0].float()
    return pipeline.encode_prompt(text, 'cpu', 1, False)[0][0].float(), None


def _place(tokenizer: Any, prompt: str, name: str, length: int) -> Tensor:
    """Weights (L,) of the tokens of a name in its prompt, with the sum 1; 0 for all other tokens."""
    before, _, _ = prompt.partition('{}')
    whole = tokenizer('')['input_ids']
    first = 1 if whole and whole[0] == getattr(tokenizer, 'bos_token_id', None) else 0
    start, end = (first + len(tokenizer(text, add_special_tokens=False)['input_ids']) for text in (before, before + name))
    most = min(length, tokenizer.model_max_length)
    if not start < end or len(tokenizer(prompt.format(name))['input_ids']) > most:  # the pipeline would only log that it cuts the prompt
        raise InputError(f'the prompt of the class "{name}" is longer than {most} tokens: shorten it')
    weights = torch.zeros(length)
    weights[start:end] = 1 / (end - start)
    return weights
