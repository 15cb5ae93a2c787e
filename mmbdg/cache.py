"""The folder of files that are computed once and can be removed at any time."""

import os
import tempfile
from pathlib import Path

from mmbdg.errors import InputError


def cache_folder() -> Path:
    """The first writable folder of $MMBDG_CACHE, $XDG_CACHE_HOME/mmbdg, ~/.cache/mmbdg and a folder in the temporary directory."""
    candidates = [
        os.environ.get('MMBDG_CACHE'),
        Path(os.environ.get('XDG_CACHE_HOME') or '~/.cache').expanduser() / 'mmbdg',
        Path(tempfile.gettempdir()) / f'mmbdg-{os.getuid()}',
    ]
    for candidate in filter(None, candidates):
        try:
            Path(candidate).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=candidate):
                return Path(candidate)
        except OSError:
            continue
    raise InputError(f'none of {[str(c) for c in candidates if c]} is writable; set MMBDG_CACHE to a folder that is')
