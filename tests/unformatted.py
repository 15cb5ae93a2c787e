"""Config texts without yapf's line breaks: a training formats its config up to five times, 0.3 s each, and nothing here reads the layout.

mmengine itself has this form (``Config.fromfile(..., format_python_code=False)``); tests/compat/test_config_text.py reads both.
"""

import sys
from types import ModuleType

YAPF = ('yapf', 'yapf.yapflib', 'yapf.yapflib.yapf_api')


def leave_unformatted() -> None:
    """Put modules in yapf's place, in this process, whose ``FormatCode`` gives the text back."""
    for name in YAPF:
        sys.modules[name] = module = ModuleType(name)
        module.__path__, module.__version__ = [], '0.43.0'
        module.FormatCode = lambda code, **_: (code, True)
