"""Downloads of models from the Hugging Face hub. Only safetensors, JSON and vocabulary files of tokenizers are downloaded."""

import re
from functools import cache
from pathlib import Path

from mmbdg.errors import InputError

PREFIX = 'hf://'
REPOSITORY = re.compile(r'(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(@(?P<revision>[\w./-]+))?')
FILES = ('*.safetensors', '*.json')


def may_be_repository(name: str) -> bool:
    """Whether a name can be a repository, ``org/name`` or ``org/name@revision``, and not a path.

    A name whose first part is an existing local folder is a path. ``hf://org/name`` is always a repository.
    """
    if name.startswith(PREFIX):
        return True
    return bool(REPOSITORY.fullmatch(name)) and not Path(name.split('/')[0]).exists()


@cache
def downloaded(name: str, files: tuple[str, ...] = FILES) -> Path:
    """Download a repository once into the cache of ``huggingface_hub``, and return its folder.

    Args:
        name: Name of the repository: ``org/name`` or ``org/name@revision``, optionally with the prefix ``hf://``.
        files: Patterns of the files to download. Default: those of a labelled generator.

    Raises:
        InputError: The name is invalid, ``huggingface_hub`` is not installed, or the repository cannot be read.
    """
    if not (found := REPOSITORY.fullmatch(name.removeprefix(PREFIX))):
        raise InputError(f'{name} is not the name of a repository: write hf://ORG/NAME or hf://ORG/NAME@REVISION')
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise InputError(f'{name}: downloading from the Hugging Face hub needs a library: pip install "mmbdg[hub]"') from error
    try:
        return Path(snapshot_download(found['repo'], revision=found['revision'], allow_patterns=list(files)))
    except Exception as error:  # the library, HTTP and the network raise many types of errors
        reason = ' '.join(str(error).split())[:300]
        raise InputError(f'{name} cannot be read from the Hugging Face hub: {type(error).__name__}: {reason}') from error
