"""Models from the Hugging Face hub. Only files of data are downloaded: safetensors, JSON and the vocabularies of tokenizers."""

import re
from functools import cache
from pathlib import Path

from mmbdg.errors import InputError

PREFIX = 'hf://'
REPOSITORY = re.compile(r'(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(@(?P<revision>[\w./-]+))?')
FILES = ('*.safetensors', '*.json')


def may_be_repository(name: str) -> bool:
    """Whether a name can be a repository, ``org/name`` or ``org/name@revision``, rather than a path.

    A name whose first part is a folder here is a path; ``hf://org/name`` is always a repository.
    """
    if name.startswith(PREFIX):
        return True
    return bool(REPOSITORY.fullmatch(name)) and not Path(name.split('/')[0]).exists()


@cache
def downloaded(name: str, files: tuple[str, ...] = FILES) -> Path:
    """Folder with the files of a repository, downloaded once into the cache of ``huggingface_hub``.

    Args:
        name: ``org/name``, ``org/name@revision``, or the same after ``hf://``.
        files: Patterns of the files that are downloaded; default: those of a labelled generator.

    Raises:
        InputError: The name is no repository's, ``huggingface_hub`` is not installed, or the repository cannot be read.
    """
    if not (found := REPOSITORY.fullmatch(name.removeprefix(PREFIX))):
        raise InputError(f'{name} is not the name of a repository: write hf://ORG/NAME or hf://ORG/NAME@REVISION')
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise InputError(f'{name}: downloading from the Hugging Face hub needs a library: pip install "mmbdg[hub]"') from error
    try:
        return Path(snapshot_download(found['repo'], revision=found['revision'], allow_patterns=list(files)))
    except Exception as error:  # of the library, of HTTP and of the network: there are many
        reason = ' '.join(str(error).split())[:300]
        raise InputError(f'{name} cannot be read from the Hugging Face hub: {type(error).__name__}: {reason}') from error
