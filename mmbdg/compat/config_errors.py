"""Turn errors while a config is read into one line that names the file and, if known, the line in it."""

import os
import re
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mmbdg.errors import InputError, os_error_text

PACKAGES = 'OpenMMLab\'s are installed by pip install "mmbdg[onedl,det]"'


@contextmanager
def plain_reading(path: str | os.PathLike, files: Sequence[str]) -> Iterator[None]:
    """Context around the reading of a config: every exception becomes an input error.

    Args:
        path: Path of the config that is read.
        files: Paths of the config and its bases, filled while they are read; the message names the one with the error.

    Raises:
        InputError: In place of the exception; the message says what is wrong, and where.
    """
    try:
        yield
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(_in_words(error, str(path), files)) from error


def _in_words(error: BaseException, path: str, files: Sequence[str]) -> str:
    file = getattr(error, 'config_file', None)
    by = '' if file is None or os.path.realpath(path) == file else f', which {path} inherits from'
    if isinstance(error, SyntaxError):
        cause = error if error.lineno else error.__context__
        line, text = getattr(cause, 'lineno', None), getattr(cause, 'msg', str(error))
        return f'{file or path}{f", line {line}" if line else ""}{by}: this is not Python: {text}'
    text = _message(error)
    if (place := _line_in_config(error, files)) is not None:
        return f'{place}{by}: ' + ('it exits the program' if isinstance(error, SystemExit) else f'{type(error).__name__}: {text}')
    if isinstance(error, ImportError):
        return f'{file or path}{by} needs a package: {text}'
    if isinstance(error, UnicodeDecodeError):
        return f'{file or path}{by}: this is not UTF-8 text'
    if isinstance(error, RecursionError):
        return f'{file or path}{by}: it is nested too deeply'
    if isinstance(error, AttributeError | TypeError) and not (file or path).endswith('.py'):
        return f'{file or path}{by} is not a config: it has no top-level keys'
    if found := re.fullmatch(r'file "(.+)" does not exist', text):
        return f'{file or path}{by} inherits from {found[1]}, which does not exist'
    if text.startswith('`_get_package_and_cfg_path`'):
        return f'{file or path}{by} inherits from a package by a wrong path: write PACKAGE::FOLDER/FILE.py'
    if isinstance(error, OSError) and error.errno is not None:
        return os_error_text(error)
    return f'{file or path}{by} cannot be read: {text}'


def _message(error: BaseException) -> str:
    """Text of an error in one line; for a failed import only its cause, without the list of folders."""
    cause = error.__cause__ if isinstance(error, ImportError) and error.__cause__ else error
    text = ' '.join(str(cause).split()) or type(cause).__name__
    mm = isinstance(cause, ModuleNotFoundError) and text.partition("'")[2].startswith('mm') or re.search(r'\bmm\w+ is not installed', text)
    return f'{text}. {PACKAGES}' if mm else text


def _line_in_config(error: BaseException, files: Sequence[str]) -> str | None:
    """Last line of a config in the traceback: ``config.py, line 3``; None if there is none."""
    found = [frame for frame in traceback.extract_tb(error.__traceback__) if os.path.realpath(frame.filename) in files]
    return f'{found[-1].filename}, line {found[-1].lineno}' if found else None
