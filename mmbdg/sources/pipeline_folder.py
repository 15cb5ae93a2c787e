"""Folders of diffusers' pipelines: checks, and the files to load.

A folder names classes in its ``model_index.json``. It may come from an untrusted source. Therefore only classes of diffusers and
transformers are loaded, no code of the folder runs, and weights are read from safetensors only.
"""

import os
from collections.abc import Mapping
from functools import cache
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from mmbdg.errors import InputError
from mmbdg.paths import check_regular, is_plain_name
from mmbdg.reading import read_json
from mmbdg.schema import OpenSchema

INDEX = 'model_index.json'
PICKLES = ('.bin', '.pt', '.pth', '.ckpt', '.pkl')
DATA = ('.json', '.txt', '.model')
"""Suffixes of the files of tokenizers, schedulers and image processors."""
CHECKERS = ('safety_checker', 'feature_extractor')
"""Components that only the safety checker needs, if the pipeline lists them as optional."""

FOREIGN_KEYS = ('auto_map', 'quantization_config', 'attn_implementation', '_attn_implementation')
"""Keys of a model's config that make transformers or diffusers load code or weights from elsewhere."""
OWN_ATTENTION = ('eager', 'sdpa')


class ShardIndex(OpenSchema):
    """Content of ``*.safetensors.index.json``."""

    weight_map: dict[str, str]


class PipelineFolder(NamedTuple):
    """A checked folder.

    Attributes:
        path: The folder.
        kind: The pipeline's class.
        components: Names of the components that are loaded.
        left_out: Names of the components that are not loaded.
        files: All files that are loaded, by their path relative to the folder.
        weights: Files of weights, by component.
    """

    path: Path
    kind: type
    components: tuple[str, ...]
    left_out: tuple[str, ...]
    files: dict[str, Path]
    weights: dict[str, list[Path]]


def libraries() -> tuple[ModuleType, ModuleType]:
    """Import diffusers and transformers.

    Raises:
        InputError: One of them cannot be imported.
    """
    try:
        import diffusers
        import transformers
    except ImportError as error:
        raise InputError(
            f'mmbdg.DiffusionSource needs diffusers and transformers, which cannot be imported ({error}): pip install "mmbdg[diffusion]"'
        ) from error
    return diffusers, transformers


def read_pipeline_folder(path: str | os.PathLike, safety_checker: bool = False) -> PipelineFolder:
    """Check a folder in the layout of ``save_pretrained`` of a diffusers pipeline, without loading it.

    Args:
        path: The folder.
        safety_checker: Whether the pipeline's safety checker is loaded.

    Raises:
        InputError: The folder has no ``model_index.json``, names a class that is not one of diffusers or transformers, lacks a component
            or a file of one, has pickled weights only, or has no safety checker although ``safety_checker`` is true.
    """
    path = Path(path)
    diffusers, _ = libraries()
    if not path.is_dir():
        raise InputError(f'there is no folder {path} of a diffusion model: pipeline.save_pretrained(FOLDER) of diffusers writes one')
    if not (path / INDEX).is_file():
        raise InputError(
            f'{path} has no {INDEX}: it is not the folder of a diffusers pipeline, or is incomplete. A single checkpoint file is converted '
            'by diffusers: StableDiffusionPipeline.from_single_file(FILE).save_pretrained(FOLDER)'
        )
    where, index = path / INDEX, read_json(path / INDEX, dict)
    kind = _pipeline_class(index.get('_class_name'), diffusers, where)
    named = {name: entry for name, entry in index.items() if not name.startswith('_') and isinstance(entry, list | tuple)}
    given = {name: entry for name, entry in named.items() if list(entry) != [None, None]}
    if safety_checker and 'safety_checker' not in given:
        raise InputError(f'{where} names no safety checker: set safety_checker=False')
    optional = kind._optional_components
    left_out = () if safety_checker else tuple(name for name in CHECKERS if name in given and name in optional)
    files, weights = {INDEX: where}, {}
    for name, entry in given.items():
        component = _component_class(name, entry, where)  # also checked for components that are not loaded
        if name in left_out:
            continue
        if not (path / name).is_dir():
            raise InputError(f'{path} is incomplete: the component "{name}" ({entry[1]}) of {INDEX} is missing. Download it again')
        own, tensors = _files(path / name, component, name)
        files |= {f'{name}/{file.name}': file for file in own + tensors}
        if tensors:
            weights[name] = tensors
    return PipelineFolder(path, kind, tuple(name for name in given if name not in left_out), left_out, files, weights)


def check_weights_complete(components: Mapping[str, Any], folder: PipelineFolder) -> None:
    """Check that the files of weights hold as many numbers as the models that were loaded from them.

    diffusers and transformers fill missing weights with random numbers and only warn. The names of tensors cannot be compared, since both
    libraries rename tensors of older files.

    Args:
        components: The loaded components by name.
        folder: Their folder.

    Raises:
        InputError: A file holds fewer numbers.
    """
    from safetensors import safe_open

    for name, files in folder.weights.items():
        stored = 0
        for file in files:
            if file.suffix == '.safetensors':
                with safe_open(file, framework='pt') as tensors:
                    stored += sum(prod(tensors.get_slice(key).get_shape()) for key in tensors.keys())  # noqa: SIM118
        held = sum(parameter.numel() for parameter in components[name].parameters())  # tied parameters count once
        if stored < held:
            raise InputError(
                f'{folder.path / name} is incomplete: the model has {held:,} numbers, its weights hold {stored:,}. Download it again'
            )


def _pipeline_class(name: Any, diffusers: ModuleType, where: Path) -> type:
    kind = getattr(diffusers, name, None) if isinstance(name, str) and name.isidentifier() else None
    if not (isinstance(kind, type) and issubclass(kind, diffusers.DiffusionPipeline) and _is_allowed(kind)):
        raise InputError(
            f'{where} names the pipeline {name!r:.80}, which is not a pipeline of diffusers {diffusers.__version__}; '
            'code of other origin is not run'
        )
    return kind


def _component_class(name: str, entry: Any, where: Path) -> type:
    if not is_plain_name(name):
        raise InputError(f'{where} names the component {name!r:.80}, which is not the name of a folder')
    if len(entry) != 2 or not all(isinstance(part, str) and part.isidentifier() for part in entry):
        raise InputError(f'{where}: "{name}" must be [library, class], got {entry!r:.80}')
    library, kind_name = entry
    diffusers, transformers = libraries()
    room = dict(diffusers=diffusers, transformers=transformers).get(library) or getattr(diffusers.pipelines, library, None)
    kind = getattr(room, kind_name, None) if isinstance(room, ModuleType) else None
    if not (isinstance(kind, type) and _is_allowed(kind) and issubclass(kind, tuple(_bases().values()))):
        raise InputError(
            f'{where}: "{name}" is the class "{kind_name}" of "{library}"; only models, schedulers, tokenizers and image processors of '
            f'diffusers {diffusers.__version__} and transformers {transformers.__version__} are loaded'
        )
    return kind


def _is_allowed(kind: type) -> bool:
    return kind.__module__.split('.')[0] in ('diffusers', 'transformers')


@cache
def _bases() -> dict[str, type]:
    """Base classes of components that may be loaded."""
    diffusers, transformers = libraries()
    from transformers.image_processing_utils import ImageProcessingMixin

    return dict(
        diffusers_model=diffusers.ModelMixin,
        transformers_model=transformers.PreTrainedModel,
        scheduler=diffusers.SchedulerMixin,
        tokenizer=transformers.PreTrainedTokenizerBase,
        image_processor=ImageProcessingMixin,
        feature_extractor=transformers.FeatureExtractionMixin,
    )


def _files(folder: Path, component: type, name: str) -> tuple[list[Path], list[Path]]:
    """Files of data and of weights of a component.

    Raises:
        InputError: A file is missing.
    """
    bases = _bases()
    if issubclass(component, bases['diffusers_model']):
        return [_model_config(folder, name)], _weights(folder, 'diffusion_pytorch_model', name)
    if issubclass(component, bases['transformers_model']):
        own = [_model_config(folder, name)]
        own += [file for file in [folder / 'generation_config.json'] if file.is_file()]
        return own, _weights(folder, 'model', name)
    own = sorted(file for file in folder.iterdir() if file.suffix in DATA and file.is_file())
    if issubclass(component, bases['scheduler']):
        _required(folder / 'scheduler_config.json', name)
    elif issubclass(component, bases['tokenizer']):
        whole = folder / component.vocab_files_names.get('tokenizer_file', 'tokenizer.json')
        parts = [folder / file for key, file in component.vocab_files_names.items() if key != 'tokenizer_file']
        if not whole.is_file():
            for file in parts or [whole]:
                _required(file, name)
    else:
        _required(folder / 'preprocessor_config.json', name)
    return own, []


def _model_config(folder: Path, name: str) -> Path:
    """Read the config of a model; it must not name anything outside its folder."""
    file = _required(folder / 'config.json', name)
    if (folder / 'adapter_config.json').exists():
        raise InputError(f'{folder} holds an adapter (adapter_config.json), which is not loaded; merge it into the model and save that')
    parts = [read_json(file, dict)]
    while parts:
        part = parts.pop()
        if foreign := [key for key in FOREIGN_KEYS if part.get(key) and part[key] not in OWN_ATTENTION]:
            raise InputError(f'{file} has the key "{foreign[0]}", which names code or weights of other origin; they are not loaded')
        parts += [value for value in part.values() if isinstance(value, dict)]
    return file


def _weights(folder: Path, stem: str, name: str) -> list[Path]:
    """Files of weights: a single file, or an index and its shards."""
    single, index = folder / f'{stem}.safetensors', folder / f'{stem}.safetensors.index.json'
    if single.is_file():
        return [single]
    if index.is_file():
        shards = sorted(set(read_json(index, ShardIndex)['weight_map'].values()))
        if wrong := [shard for shard in shards if not is_plain_name(shard)]:
            raise InputError(f'{index} names the file {wrong[0]!r:.80}, which is not a file of its folder')
        return [index, *(_required(folder / shard, name) for shard in shards)]
    there = sorted(file.name for file in folder.iterdir())
    pickles = [file for file in there if Path(file).suffix in PICKLES]
    if pickles:
        raise InputError(
            f'{folder} has no {single.name}; {pickles[0]} is a pickle, which can run code and is not read. Download the safetensors of the '
            'model; or, if you trust the file, load the pipeline with diffusers once and write it with '
            'pipeline.save_pretrained(FOLDER, safe_serialization=True)'
        )
    raise InputError(f'{folder} is incomplete: the weights of the component "{name}", {single.name}, are missing; there are {there[:10]}')


def _required(file: Path, name: str) -> Path:
    try:
        check_regular(file)
    except InputError as error:
        raise InputError(f'{file.parent} is incomplete: the component "{name}" needs {file.name} ({error})') from error
    return file
