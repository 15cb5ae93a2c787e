"""Uploads of prepared folders to the Hugging Face hub. ``huggingface_hub`` handles the token: it is never written or shown here."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmbdg.errors import InputError
from mmbdg.file_hashes import HASHES, WITHOUT_HASH
from mmbdg.sources.hub import PREFIX, hub_error, is_repository


def check_target(repository: str) -> None:
    """Check the name of a repository to write to.

    Raises:
        InputError: It is not ``org/name``.
    """
    if not is_repository(repository) or '@' in repository:
        raise InputError(f'{repository[:300]!r} is not the name of a repository: write ORG/NAME, letters, digits and - _ . in each')


def check_login() -> None:
    """Check before long work that an upload can begin.

    Raises:
        InputError: ``huggingface_hub`` is not installed, its offline mode is on, or there is no token.
    """
    hub = _library()
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise InputError('HF_HUB_OFFLINE is set: nothing can be uploaded. Unset it, or write the files only: --dry-run FOLDER')
    if not hub.get_token():
        raise InputError('you are not logged in to the Hugging Face hub: hf auth login, or set HF_TOKEN; without upload: --dry-run FOLDER')


def push(
    folder: str | os.PathLike,
    repository: str,
    dataset: bool = False,
    private: bool = False,
    revision: str | None = None,
    message: str = 'Upload by mmbdg',
) -> str:
    """Upload a prepared folder. Files of the repository that are not in the folder are removed, so that the repository is the folder.

    Args:
        folder: Folder with README.md and hashes.json.
        repository: ``org/name``; it is created if it does not exist.
        dataset: Whether it is a repository of a dataset. Default: False, of a model.
        private: Whether a new repository is private. Default: False.
        revision: Branch to upload to; it is created if it does not exist. Default: None, the main branch.
        message: Message of the commit.

    Returns:
        The hash of the commit, which pins what was uploaded.

    Raises:
        InputError: See :func:`check_target` and :func:`check_login`; or the hub refuses or cannot be reached.
    """
    check_target(repository)
    if revision is not None and not is_repository(f'{repository}@{revision}'):
        raise InputError(f'{revision[:200]!r} is not the name of a branch')
    check_login()
    api, kind = _library().HfApi(), 'dataset' if dataset else 'model'
    try:
        api.create_repo(repository, repo_type=kind, private=private, exist_ok=True)
        if revision:
            api.create_branch(repository, repo_type=kind, branch=revision, exist_ok=True)
        check_own(api.list_repo_files(repository, repo_type=kind, revision=revision), repository)
        commit = api.upload_folder(
            repo_id=repository, repo_type=kind, folder_path=Path(folder), revision=revision, commit_message=message, delete_patterns='*'
        )
    except InputError:
        raise
    except Exception as error:  # the library, HTTP and the network raise many types of errors
        raise InputError(f'{PREFIX}{repository} cannot be written: {hub_error(error)}') from error
    return commit.oid


def check_own(names: Sequence[str], repository: str) -> None:
    """Check that an upload removes no files of another kind from a repository.

    Args:
        names: Files in the repository.
        repository: Its name, for the message.

    Raises:
        InputError: The repository holds files, but no hashes.json.
    """
    others = sorted(set(names) - set(WITHOUT_HASH))
    if others and HASHES not in names:
        raise InputError(
            f'{repository} holds files that were not uploaded by this tool ({others[0]}, {len(others)} in all), which an upload would '
            'remove: choose another repository, or another branch with --revision'
        )


def _library() -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise InputError('the Hugging Face hub needs a library: pip install "mmbdg[hub]"') from error
    return huggingface_hub
