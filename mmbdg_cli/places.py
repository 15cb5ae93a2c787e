"""Folders of the tools and configs of the installed package, and the names in them."""

from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / 'mmbdg'
TOOLS = (PACKAGE / '.mim' / 'tools').resolve()
"""Folder of the tools: the one of the checkout after ``pip install -e``, otherwise a copy in the wheel (setup.py makes both)."""
CONFIGS = (PACKAGE / '.mim' / 'configs').resolve()
"""Folder of the configs, in the same places."""
PROGRAM = "if __name__ == '__main__':"
"""Line of the files below ``tools/`` that are programs; the others are modules of these."""


@cache
def verbs() -> dict[str, Path]:
    """Tools by verb. The verb is the path below ``tools/`` without its suffix: ``train``, ``dataset_converters/voc``."""
    found = {path.relative_to(TOOLS).with_suffix('').as_posix(): path for path in sorted(TOOLS.rglob('*.py'))}
    return {name: path for name, path in found.items() if PROGRAM in path.read_text(encoding='utf-8').splitlines()}


@cache
def config_names() -> tuple[str, ...]:
    """Names of the configs: paths below ``configs/`` without suffix, such as ``transfer/fashion/unet_32px``. Without ``_base_`` folders."""
    found = (path.relative_to(CONFIGS).with_suffix('') for path in CONFIGS.rglob('*.py'))
    return tuple(sorted(path.as_posix() for path in found if '_base_' not in path.parts))
