"""Loads the dataset converters that are installed with mmseg and mmdet."""

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

from mmbdg.errors import InputError


def mm_converter(package: str, name: str) -> ModuleType:
    """Import ``tools/dataset_converters/<name>.py`` of an installed mm package as a module. Its main function is not called.

    Raises:
        InputError: The package, its tools or one of their imports is missing.
    """
    try:
        path = Path(importlib.import_module(package).__file__).parent / '.mim' / 'tools' / 'dataset_converters' / f'{name}.py'
        if not path.is_file():
            raise InputError(f'{package} was installed without its tools ({path}): pip install "mmbdg[onedl,det]"')
        spec = importlib.util.spec_from_file_location(f'{package}_{name}_converter', path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        raise InputError(f'{package}\'s converter "{name}" needs {error.name}: pip install {error.name.split(".")[0]}') from error
    return module
