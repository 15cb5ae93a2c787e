"""Downloads of models from the Hugging Face hub. Only safetensors, JSON and vocabulary files of tokenizers are downloaded."""

import re
from functools import cache
from pathlib import Path

from mmbdg.errors import InputError
from mmbdg.file_hashes import check_hashes

PREFIX = 'hf://'
REPOSITORY = re.compile(r'(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(@(?P<revision>\w[\w./-]*))?', re.ASCII)
FILES = ('*.safetensors', '*.json')
TOKEN = re.compile(r'\b(hf|api_org)_\w{6,}')
"""Tokens of the hub in a text."""
ADVICE = dict(
    GatedRepoError='its owner grants access to each user: ask for it on the page of the repository, and log in with: hf auth login',
    RepositoryNotFoundError='there is no such repository, or it is private and you are not logged in (hf auth login)',
    RevisionNotFoundError='the repository has no such revision: name a branch, a tag or the hash of a commit',
    LocalEntryNotFoundError='the hub cannot be reached, or HF_HUB_OFFLINE is set, and this revision is not in the cache on this machine',
    IncompleteSnapshotError='the hub cannot be reached, or HF_HUB_OFFLINE is set, and the copy in the cache on this machine is incomplete',
    OfflineModeIsEnabled='HF_HUB_OFFLINE is set; unset it to use the network',
)
"""What errors of ``huggingface_hub`` mean, by their class."""


def is_repository(name: str) -> bool:
    """Whether a name is ``org/name`` or ``org/name@revision`` without a part that leads out of the cache, such as ``..``."""
    found = REPOSITORY.fullmatch(name)
    if not found or '..' in found['repo'] or '--' in found['repo'] or len(name) > 250:
        return False
    return found['revision'] is None or not any(part in ('', '.', '..') for part in found['revision'].split('/'))


def may_be_repository(name: str) -> bool:
    """Whether a name can be a repository, ``org/name`` or ``org/name@revision``, and not a path.

    A name whose first part is an existing local folder is a path. ``hf://org/name`` is always a repository.
    """
    if name.startswith(PREFIX):
        return True
    return is_repository(name) and not Path(name.split('/')[0]).exists()


def parts_of_repository(name: str) -> tuple[str, str | None]:
    """Name and revision (None: the default branch) of ``org/name`` or ``org/name@revision``, optionally with the prefix ``hf://``.

    Raises:
        InputError: The name is invalid, or leads out of the cache.
    """
    if not is_repository(name.removeprefix(PREFIX)):
        raise InputError(f'{name[:300]!r} is not the name of a repository: write hf://ORG/NAME or hf://ORG/NAME@REVISION')
    found = REPOSITORY.fullmatch(name.removeprefix(PREFIX))
    return found['repo'], found['revision']


@cache
def downloaded(name: str, files: tuple[str, ...] = FILES) -> Path:
    """Download a repository once into the cache of ``huggingface_hub``, and return its folder.

    If the repository has a ``hashes.json``, all its files are compared with it (:mod:`mmbdg.file_hashes`).

    Args:
        name: Name of the repository: ``org/name`` or ``org/name@revision``, optionally with the prefix ``hf://``.
        files: Patterns of the files to download. Default: those of a labelled generator.

    Raises:
        InputError: The name is invalid, ``huggingface_hub`` is not installed, the repository cannot be read, or a file does not match
            its checksum.
    """
    repository, revision = parts_of_repository(name)
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise InputError(f'{name}: downloading from the Hugging Face hub needs a library: pip install "mmbdg[hub]"') from error
    try:
        folder = Path(snapshot_download(repository, revision=revision, allow_patterns=list(files)))
    except Exception as error:  # the library, HTTP and the network raise many types of errors
        raise InputError(f'{name} cannot be read from the Hugging Face hub: {hub_error(error)}') from error
    try:
        check_hashes(folder, files)
    except InputError as error:
        raise InputError(f'the download of {name} is refused: {error}. Remove this folder and try again, or tell its owner') from error
    return folder


def hub_error(error: Exception) -> str:
    """One line about an error of ``huggingface_hub``, without tokens: its class, and what it means or says."""
    kinds = [kind.__name__ for kind in type(error).__mro__]
    status = getattr(getattr(error, 'response', None), 'status_code', None)
    refused = 'you are not logged in, or may not do this: log in with a token that may (hf auth login)' if status in (401, 403) else ''
    advice = next((ADVICE[kind] for kind in kinds if kind in ADVICE), refused)
    return f'{kinds[0]}: {advice or without_tokens(" ".join(str(error).split()))[:300]}'


def without_tokens(text: str) -> str:
    """A text in which each token of the hub, and the user's own in any form, is replaced by ``***``."""
    try:
        from huggingface_hub import get_token

        own = get_token()
    except ImportError:
        own = None
    return TOKEN.sub('***', text.replace(own, '***') if own else text)
