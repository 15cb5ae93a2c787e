"""Configs by name: ``transfer/fashion/unet_32px`` is found in the installed package, from any folder."""

import difflib
import os
from pathlib import Path

from mmbdg.errors import InputError
from mmbdg_cli.places import CONFIGS, config_names

MOST = 5
"""Maximum number of names in a message."""
CLOSE = 0.6
"""Minimum similarity of a name in a message, 0 to 1."""


def config_path(name: str | os.PathLike) -> str:
    """Path of a config.

    Args:
        name: Path of a file, with or without ``.py``; or the name of a config of this package: its path below ``configs/``, with or
            without ``configs/`` and ``.py``. A file of the user wins over a name.

    Returns:
        The path of the file; for a config of this package, an absolute path.

    Raises:
        InputError: There is neither such a file nor such a config. The message lists the nearest names.
    """
    given, text = Path(name), os.fspath(name)
    if given.exists() and not given.is_dir():
        return text
    if text and (own := Path(f'{text}.py')).is_file():
        return str(own)
    if (found := packaged(text)) is not None:
        return str(found)
    if given.is_dir():
        return text  # the reader says that it is a folder
    raise InputError(f'there is no config at {name}{_hint(text)}')


def packaged(name: str) -> Path | None:
    """Config of this package with a name, see :func:`config_path`; None if there is none."""
    wanted = Path(_bare(name) + '.py')
    if wanted.is_absolute() or '..' in wanted.parts or not (CONFIGS / wanted).is_file():
        return None
    return CONFIGS / wanted


def _bare(name: str) -> str:
    parts = Path(name).parts
    return str(Path(*parts[1:] if parts[:1] == ('configs',) else parts)).removesuffix('.py')


def _hint(name: str) -> str:
    if Path(name).is_absolute() or '..' in Path(name).parts:
        return ''
    wanted = _bare(name)

    def similarity(known: str) -> float:
        of_names = difflib.SequenceMatcher(None, Path(wanted).name, Path(known).name).ratio()
        return max(of_names, difflib.SequenceMatcher(None, wanted, known).ratio())

    near = sorted(((similarity(known), known) for known in config_names()), key=lambda pair: (-pair[0], pair[1]))
    names = [known for alike, known in near[:MOST] if alike >= CLOSE]
    nearest = f'; the nearest are {", ".join(names)}' if names else ''
    return f', and this package has none of that name{nearest} (mmbdg configs lists all names)'
