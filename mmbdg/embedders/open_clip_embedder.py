"""CLIP models of open_clip, from a local folder."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from mmbdg.assets import resolve
from mmbdg.embedders.base import Embedder
from mmbdg.errors import InputError
from mmbdg.files import sha256
from mmbdg.reading import read_json
from mmbdg.registry import EMBEDDERS
from mmbdg.schema import Schema

CONFIG = 'open_clip_config.json'
WEIGHTS = ('open_clip_model.safetensors', 'open_clip_pytorch_model.safetensors', 'model.safetensors')
"""File names of weights in the order in which open_clip looks for them."""
VOCABULARY = 'bpe_merges.txt.gz'
"""File of the merges of a reduced vocabulary, in the layout of open_clip's ``bpe_simple_vocab_16e6.txt.gz``."""
FOREIGN_KEYS = ('timm_model_name', 'hf_model_name')
"""Keys of towers that other libraries build, which may download them."""
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


@EMBEDDERS.register_module()
class OpenCLIP(Embedder):
    """A CLIP model of open_clip, from a folder in the layout that open_clip itself writes for the Hugging Face hub.

    The folder holds ``open_clip_config.json`` with the model's config and its preprocessing, and the weights as safetensors. It
    also holds a tokenizer of ``transformers`` if ``model_cfg.text_cfg.hf_tokenizer_name`` is set. A reduced vocabulary of open_clip's own
    tokenizer is read from ``bpe_merges.txt.gz``. Nothing is downloaded, and no pickle is read.

    Args:
        folder: Path of the folder; ``mmbdg://fashion32/clip`` is the embedded one.

    Raises:
        InputError: open_clip is not installed, a file is missing, the preprocessing is missing or does not fit the model, or the weights
            do not fit.
    """

    reads_text = True

    def __init__(self, folder: str) -> None:
        super().__init__()
        try:
            import open_clip
            from open_clip.transform import PreprocessCfg, image_transform_v2
        except ImportError as error:
            raise InputError(f'mmbdg.OpenCLIP needs open_clip, which cannot be imported ({error}): pip install "mmbdg[clip]"') from error
        self.folder = resolve(folder)
        self.weights = _weights_file(self.folder)
        content = read_json(self.folder / CONFIG, ModelFolder)
        config, preprocessing = content['model_cfg'], content['preprocess_cfg']
        _check_model(config, preprocessing, self.folder / CONFIG)
        name = f'local-dir:{self.folder}'
        self.model = open_clip.create_model(name, require_pretrained=True).eval().requires_grad_(False)
        kwargs = dict(bpe_path=str(self.folder / VOCABULARY)) if (self.folder / VOCABULARY).is_file() else {}
        self.tokenizer = open_clip.get_tokenizer(name, **kwargs)
        size = preprocessing['size']
        self._preprocess = image_transform_v2(
            PreprocessCfg(**preprocessing | dict(size=tuple(size) if isinstance(size, list | tuple) else size)), is_train=False
        )
        tokens = getattr(self.tokenizer, 'vocab_size', None)
        if tokens is not None and tokens != config['text_cfg'].get('vocab_size', 49408):
            raise InputError(
                f'{self.folder}: the tokenizer has {tokens} tokens, the model {config["text_cfg"].get("vocab_size", 49408)}; '
                f'{VOCABULARY} is missing or belongs to another model'
            )
        self.dim = config['embed_dim']

    def to(self, device: torch.device | str) -> 'OpenCLIP':
        self.model.to(device)
        return super().to(device)

    def _images(self, images: Sequence[np.ndarray]) -> Tensor:
        from PIL import Image

        inputs = torch.stack([self._preprocess(Image.fromarray(image)) for image in images])
        return self.model.encode_image(inputs.to(self.device))

    def _texts(self, texts: Sequence[str]) -> Tensor:
        return self.model.encode_text(self.tokenizer(list(texts)).to(self.device))

    def _cut(self, texts: Sequence[str]) -> list[str]:
        # The tokenizers of open_clip truncate without a message. A text is whole if room for one more token adds only padding to it.
        tokens, padding = self.tokenizer(list(texts)), self.tokenizer(['a'])[0, -1].item()
        full = [i for i, own in enumerate(tokens) if own[-2] != padding]  # the last token may be an end that is also the padding
        if not full:
            return []
        longer = self.tokenizer([texts[i] for i in full], self.tokenizer.context_length + 1)
        return [texts[i] for i, one in zip(full, longer, strict=True) if not torch.equal(one, F.pad(tokens[i], (0, 1), value=padding))]

    def identity(self) -> dict[str, dict[str, Any]]:
        names = [CONFIG, self.weights.name] + [name for name in (VOCABULARY, 'tokenizer.json') if (self.folder / name).is_file()]
        return dict(
            config=dict(type='mmbdg.OpenCLIP'),
            checksums={name: sha256(self.folder / name) for name in names},
            versions=dict(open_clip_torch=version('open_clip_torch')),
        )


def _weights_file(folder: Path) -> Path:
    if not folder.is_dir():
        raise InputError(f'there is no folder {folder} with a CLIP model: it holds {CONFIG} and {WEIGHTS[0]}')
    found = [folder / name for name in WEIGHTS if (folder / name).is_file()]
    if not found:
        pickled = sorted(path.name for suffix in ('*.bin', '*.pt', '*.pth') for path in folder.glob(suffix))
        hint = f'; {pickled[0]} is a pickle, which is not read: save its state dict as safetensors' if pickled else ''
        raise InputError(f'{folder} has no weights: one of {", ".join(WEIGHTS)} is needed{hint}')
    return found[0]


def _check_model(config: dict, preprocessing: dict, path: Path) -> None:
    """Check that open_clip alone builds the model, and that the preprocessing gives images of the model's input size."""
    for key in ('embed_dim', 'vision_cfg', 'text_cfg'):
        if key not in config:
            raise InputError(f'{path}: model_cfg lacks "{key}"')
    for part in ('vision_cfg', 'text_cfg'):
        if foreign := [key for key in FOREIGN_KEYS if (config[part] or {}).get(key)]:
            raise InputError(
                f'{path}: model_cfg.{part} names a model of another library by "{foreign[0]}"; only open_clip\'s own towers are built'
            )
    size, stated = config['vision_cfg'].get('image_size', 224), preprocessing['size']
    if _pair(size) != _pair(stated):
        raise InputError(f'{path}: the model takes images of {size} px, its preprocess_cfg gives {stated} px; they must be the same')


def _pair(size: Any) -> tuple[int, int]:
    return tuple(size) if isinstance(size, list | tuple) else (size, size)
