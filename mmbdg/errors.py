"""Errors that are the input's, not the program's."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class InputError(ValueError):
    """Something that was given is wrong or missing; the message says what, where, and what to do."""


@contextmanager
def plain_errors() -> Iterator[None]:
    """In a command: print an :class:`InputError`, or a file that cannot be read or written, without a traceback and exit with 2."""
    try:
        yield
    except (InputError, FileExistsError, IsADirectoryError, NotADirectoryError, FileNotFoundError, PermissionError) as error:
        print(f'\nerror: {error}', file=sys.stderr, flush=True)
        sys.exit(2)
