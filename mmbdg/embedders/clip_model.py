"""Architecture, preprocessing, tokenizer and weights of a CLIP model of open_clip, from a local folder or by open_clip's own name."""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from mmbdg.assets import resolve
from mmbdg.compat.checkpoint import load_strict, read_state_dict
from mmbdg.errors import InputError, nearest
from mmbdg.reading import read_json
from mmbdg.schema import Schema

if TYPE_CHECKING:
    from PIL.Image import Image

CONFIG = 'open_clip_config.json'
WEIGHTS = ('open_clip_model.safetensors', 'open_clip_pytorch_model.safetensors', 'model.safetensors')
"""File names of weights in the order in which open_clip looks for them."""
VOCABULARY = 'bpe_merges.txt.gz'
"""File of the merges of a reduced vocabulary, in the layout of open_clip's ``bpe_simple_vocab_16e6.txt.gz``."""
FOREIGN_KEYS = ('timm_model_name', 'hf_model_name')
"""Keys of towers that other libraries build, which may download them."""
CONSTANTS = ('input_resolution', 'context_length', 'vocab_size')
"""Entries of OpenAI's own state dicts that are sizes, not weights."""
LOCAL = 'local-dir:'
"""Prefix by which open_clip knows the path of a folder."""
Numbers = Annotated[list[float], Field(min_length=3, max_length=3)]


class Preprocessing(Schema):
    """Preprocessing of the images during the training of a model; every key is required."""

    size: int | Annotated[list[int], Field(min_length=2, max_length=2)]
    mode: Literal['RGB']
    mean: Numbers
    std: Numbers
    interpolation: Literal['bicubic', 'bilinear']
    resize_mode: Literal['shortest', 'longest', 'squash']
    fill_color: int


class ModelFolder(Schema):
    """Content of ``open_clip_config.json``."""

    model_cfg: dict
    preprocess_cfg: Preprocessing


@dataclass(frozen=True)
class CLIPModel:
    """A CLIP model that is described but not yet built.

    Attributes:
        name: Name for open_clip's functions.
        config: ``embed_dim``, ``vision_cfg``, ``text_cfg`` and other arguments of ``open_clip.CLIP``.
        preprocessing: Preprocessing of the images, with the keys of :class:`Preprocessing`.
        weights: Path of the weights; None if only the architecture is given.
        vocabulary: Path of a reduced vocabulary; None for open_clip's own.
    """

    name: str
    config: dict[str, Any]
    preprocessing: dict[str, Any]
    weights: Path | None
    vocabulary: Path | None = None

    @property
    def title(self) -> str:
        """Name of the model, or path of its folder, for messages."""
        return self.name.removeprefix(LOCAL)

    @property
    def dim(self) -> int:
        """Length of the vectors of images and texts."""
        return self.config['embed_dim']

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels of the images that the model takes."""
        return _pair(self.preprocessing['size'])

    def build(self) -> nn.Module:
        """The whole model with random weights, in training mode, on torch's default device."""
        before = logging.root.manager.disable
        logging.disable(logging.WARNING)  # open_clip warns that the weights are random, although they are read later
        try:
            return open_clip_module().create_model(self.name, load_weights=False, device=torch.get_default_device())
        finally:
            logging.disable(before)

    def load(self) -> nn.Module:
        """The whole model with its weights, in evaluation mode.

        Raises:
            InputError: No weights are given, the file is missing or damaged, or it holds the weights of another architecture.
        """
        if self.weights is None:
            raise InputError(f'the CLIP model {self.title} needs weights=PATH of a local .safetensors file, or of a torch file of tensors')
        model = self.build()
        load_strict(model, _state(self.weights, model), self.weights)
        return model.eval()

    def transform(self, training: bool) -> 'Callable[[Image], Tensor]':
        """open_clip's transform of a Pillow image to the input of the model, float32 (3,H,W), for training or for evaluation."""
        from open_clip.transform import PreprocessCfg, image_transform_v2

        size = self.preprocessing['size']
        plain = self.preprocessing | dict(size=tuple(size) if isinstance(size, list | tuple) else size)
        return image_transform_v2(PreprocessCfg(**plain), is_train=training)

    def tokenizer(self) -> Any:
        """The tokenizer: a list of texts -> int64 (N,L).

        Raises:
            InputError: It has another number of tokens than the model.
        """
        kwargs = {} if self.vocabulary is None else dict(bpe_path=str(self.vocabulary))
        tokenizer = open_clip_module().get_tokenizer(self.name, **kwargs)
        tokens, wanted = getattr(tokenizer, 'vocab_size', None), self.config['text_cfg'].get('vocab_size', 49408)
        if tokens is not None and tokens != wanted:
            raise InputError(
                f'{self.title}: the tokenizer has {tokens} tokens, the model {wanted}; {VOCABULARY} is missing or belongs to another model'
            )
        return tokenizer


def clip_model(
    folder: str | os.PathLike | None = None,
    model: str | None = None,
    pretrained: str | None = None,
    weights: str | os.PathLike | None = None,
) -> CLIPModel:
    """Describe a CLIP model; nothing is built or downloaded, and only configs are read.

    Args:
        folder: Folder in open_clip's layout, with config, preprocessing and weights; ``mmbdg://fashion32/clip`` is the embedded one.
        model: In place of a folder, the name of a model in open_clip's own list, such as "ViT-B-16".
        pretrained: open_clip's tag of the weights of a named model, such as "laion2b_s34b_b88k": it decides the preprocessing. Default
            None: open_clip's default preprocessing.
        weights: File of the weights of a named model: safetensors, or a torch file of tensors. Default None: only the architecture.

    Raises:
        InputError: Not exactly one of folder and model is given; open_clip is not installed; the folder, the name or the tag does not
            exist; a folder is incomplete; the preprocessing does not fit the model; another library builds a tower; or the weights of the
            tag need another activation function.
    """
    if (folder is None) == (model is None):
        raise InputError(f'a CLIP model is given by folder=PATH or by model=NAME (a name of open_clip), got {folder!r} and {model!r}')
    if model is not None:
        return _named(model, pretrained, weights)
    if pretrained is not None or weights is not None:
        raise InputError(f'the folder {folder} holds its own weights and preprocessing: leave out pretrained and weights')
    return _of_folder(resolve(folder))


def _of_folder(folder: Path) -> CLIPModel:
    open_clip_module()
    weights = _weights_file(folder)
    content = read_json(folder / CONFIG, ModelFolder)
    config, preprocessing = content['model_cfg'], content['preprocess_cfg']
    _check_model(config, preprocessing, folder / CONFIG)
    vocabulary = folder / VOCABULARY
    return CLIPModel(f'{LOCAL}{folder}', config, preprocessing, weights, vocabulary if vocabulary.is_file() else None)


def _named(name: str, tag: str | None, weights: str | os.PathLike | None) -> CLIPModel:
    open_clip = open_clip_module()
    config = open_clip.get_model_config(name)
    if config is None:
        raise InputError(f'open_clip has no model "{name}"{nearest(name, open_clip.list_models())}; a folder is given as folder=PATH')
    stated: dict[str, Any] = {}
    if tag is not None:
        stated = open_clip.get_pretrained_cfg(name, tag)
        if not stated:
            tags = open_clip.list_pretrained_tags_by_model(name)
            raise InputError(f'open_clip has no weights "{tag}" of {name}; it has {", ".join(tags) or "none"}')
        if (quick := bool(stated.get('quick_gelu'))) != bool(config.get('quick_gelu')):
            other = name.removesuffix('-quickgelu') + ('-quickgelu' if quick else '')
            raise InputError(f'the weights "{tag}" were trained with {"Quick" if quick else ""}GELU: give model="{other}"')
    preprocessing = _preprocessing(config, stated)
    _check_model(config, preprocessing, name)
    return CLIPModel(name, config, preprocessing, None if weights is None else resolve(weights))


def _preprocessing(config: dict, stated: dict) -> dict[str, Any]:
    from dataclasses import asdict

    from open_clip.transform import PreprocessCfg, merge_preprocess_dict

    merged = merge_preprocess_dict(asdict(PreprocessCfg()), stated)
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in merged.items()}
    return plain | dict(size=config['vision_cfg'].get('image_size', 224))


def open_clip_module() -> ModuleType:
    """The package open_clip.

    Raises:
        InputError: It is not installed.
    """
    try:
        import open_clip
    except ImportError as error:
        raise InputError(f'CLIP models need open_clip, which cannot be imported ({error}): pip install "mmbdg[clip]"') from error
    return open_clip


def _state(path: Path, model: nn.Module) -> dict[str, Tensor]:
    """Weights of the model's own names. Files of parallel trainings and OpenAI's flat text tower have others."""
    from open_clip.model import convert_to_custom_text_state_dict

    state = read_state_dict(path)
    if all(key.startswith('module.') for key in state):
        state = {key.removeprefix('module.'): value for key, value in state.items()}
    state = {key: value for key, value in state.items() if key not in CONSTANTS}
    if 'positional_embedding' in state and not hasattr(model, 'positional_embedding'):
        state = convert_to_custom_text_state_dict(state)
    if 'logit_scale' in state:  # one number, stored with or without a dimension
        state['logit_scale'] = torch.reshape(state['logit_scale'], model.logit_scale.shape)
    return state


def _weights_file(folder: Path) -> Path:
    """File of the weights in a folder.

    Raises:
        InputError: The folder does not exist, or has no safetensors file.
    """
    if not folder.is_dir():
        raise InputError(f'there is no folder {folder} with a CLIP model: it holds {CONFIG} and {WEIGHTS[0]}')
    found = [folder / name for name in WEIGHTS if (folder / name).is_file()]
    if not found:
        pickled = sorted(path.name for suffix in ('*.bin', '*.pt', '*.pth') for path in folder.glob(suffix))
        hint = f'; {pickled[0]} is a pickle, which is not read: save its state dict as safetensors' if pickled else ''
        raise InputError(f'{folder} has no weights: one of {", ".join(WEIGHTS)} is needed{hint}')
    return found[0]


def _check_model(config: dict, preprocessing: dict, where: str | os.PathLike) -> None:
    """Check that open_clip alone builds the model, and that the preprocessing gives images of the model's input size."""
    for key in ('embed_dim', 'vision_cfg', 'text_cfg'):
        if key not in config:
            raise InputError(f'{where}: model_cfg lacks "{key}"')
    for part in ('vision_cfg', 'text_cfg'):
        if foreign := [key for key in FOREIGN_KEYS if (config[part] or {}).get(key)]:
            raise InputError(
                f'{where}: model_cfg.{part} names a model of another library by "{foreign[0]}"; only open_clip\'s own towers are built'
            )
    size, stated = config['vision_cfg'].get('image_size', 224), preprocessing['size']
    if _pair(size) != _pair(stated):
        raise InputError(f'{where}: the model takes images of {size} px, its preprocess_cfg gives {stated} px; they must be the same')


def _pair(size: Any) -> tuple[int, int]:
    return tuple(size) if isinstance(size, list | tuple) else (size, size)
