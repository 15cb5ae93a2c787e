"""The embedded default: real images (MIT), a small trained generator, its interpreters, a classifier. Each has a card."""

import os
from pathlib import Path

SCHEME = 'mmbdg://'
ROOT = Path(__file__).parent


def resolve(path: str | os.PathLike) -> Path:
    """``mmbdg://fashion32/generator.safetensors`` -> the file in this package; any other path as it is."""
    text = str(path)
    return ROOT / text[len(SCHEME) :] if text.startswith(SCHEME) else Path(text).expanduser()
