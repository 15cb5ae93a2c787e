"""Texts by a local language model: a text-generation pipeline of transformers, with random numbers by address."""

from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from safetensors import SafetensorError

from mmbdg.addressed import generator_at
from mmbdg.compat.config_keys import ROLES, Role
from mmbdg.errors import InputError
from mmbdg.files import sha256
from mmbdg.reading import read_json
from mmbdg.schema import Schema

BEGINNING = 160
"""Number of characters of an answer in a message."""


class LanguageModelConfig(Schema):
    """``language_model=dict(...)`` of a config, see :meth:`LanguageModel.load`."""

    folder: str
    max_new_tokens: Annotated[int, Field(ge=1)] = 400
    temperature: Annotated[float, Field(gt=0)] = 0.8
    top_p: Annotated[float, Field(gt=0, le=1)] = 0.9
    precision: Literal['float32', 'bfloat16', 'float16'] = 'float32'


ROLES['language_model'] = Role(known=lambda: frozenset(LanguageModelConfig.model_fields), rest='data')


class LanguageModel:
    """A language model that answers requests.

    An answer depends only on the request and on the address of the random numbers.

    Args:
        generate: Function from a request to an answer; it may use torch's random numbers.
        identity: All settings on which the answers depend beside request and address, as plain values.
        device: Device of the random numbers of ``generate``.
    """

    def __init__(self, generate: Callable[[str], str], identity: Mapping[str, Any], device: str = 'cpu') -> None:
        self._generate, self.identity, self._device = generate, dict(identity), torch.device(device)

    @classmethod
    def load(
        cls,
        folder: str,
        max_new_tokens: int = 400,
        temperature: float = 0.8,
        top_p: float = 0.9,
        precision: str = 'float32',
        device: str = 'cpu',
    ) -> 'LanguageModel':
        """Load a model from a local folder. Nothing is downloaded, no pickle is read, and no code of the folder runs.

        Args:
            folder: Folder with ``config.json``, a tokenizer and weights as safetensors, as ``save_pretrained`` writes it.
            max_new_tokens: Largest length of an answer in tokens. Default: 400.
            temperature: Temperature of the sampling, above 0. Default: 0.8, as in the code of "The Unmet Promise".
            top_p: Cumulative probability of nucleus sampling, 0 to 1. Default: 0.9, as in that code.
            precision: "float32", "bfloat16" or "float16".
            device: Name of the device.

        Raises:
            InputError: transformers is not installed, or the folder is incomplete, has pickled weights only, or has no language model.
        """
        path = Path(folder).expanduser()
        weights = _check_folder(path)
        try:
            from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline
        except ImportError as error:
            raise InputError(
                f'a language model needs transformers, which cannot be imported ({error}): pip install "mmbdg[diffusion]"'
            ) from error
        local = dict(local_files_only=True, trust_remote_code=False)
        try:
            tokenizer = AutoTokenizer.from_pretrained(path, **local)
            model = AutoModelForCausalLM.from_pretrained(path, use_safetensors=True, dtype=getattr(torch, precision), **local)
        except (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError, ImportError, SafetensorError) as error:
            raise InputError(f'{path} is not a language model that transformers can load: {" ".join(str(error).split())[:300]}') from error
        maker = pipeline('text-generation', model=model, tokenizer=tokenizer, device=device)
        settings = dict(max_new_tokens=max_new_tokens, do_sample=True, temperature=temperature, top_p=top_p)

        def generate(request: str) -> str:
            asked = [dict(role='user', content=request)] if tokenizer.chat_template else request
            return maker(asked, return_full_text=False, **settings)[0]['generated_text']

        named = [path / name for name in ('config.json', 'tokenizer.json') if (path / name).is_file()]
        checksums = {file.name: sha256(file) for file in (*named, *weights)}
        return cls(generate, dict(settings, precision=precision, checksums=checksums, transformers=version('transformers')), device)

    def answer(self, request: str, *address: int | str) -> str:
        """Answer a request.

        Args:
            request: Text of the request.
            *address: Address of the random numbers, such as (seed, class id, number of the request).
        """
        devices = [self._device] if self._device.type == 'cuda' else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(int(generator_at('language model', *address).integers(2**63)))
            return str(self._generate(request))


def _check_folder(path: Path) -> list[Path]:
    """Check that a folder is complete, and return the files of the weights."""
    if not path.is_dir():
        raise InputError(
            f'there is no folder {path} with a language model; a model is not downloaded: put it there as save_pretrained writes it'
        )
    config = read_json(path / 'config.json')
    if not isinstance(config, dict) or 'model_type' not in config:
        raise InputError(f'{path / "config.json"} has no model_type: it is not a config of transformers')
    if 'auto_map' in config:
        raise InputError(
            f'{path / "config.json"} names code of its own (auto_map), which is not run: use a model that transformers has itself'
        )
    weights = sorted(path.glob('*.safetensors'))
    if not weights:
        pickled = sorted(file.name for suffix in ('*.bin', '*.pt', '*.pth') for file in path.glob(suffix))
        hint = f'; {pickled[0]} is a pickle, which is not read: save the model as safetensors' if pickled else ''
        raise InputError(f'{path} has no weights in *.safetensors{hint}')
    return weights
