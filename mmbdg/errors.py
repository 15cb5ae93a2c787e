"""Errors that are the input's, not the program's."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn


class InputError(ValueError):
    """Something that was given is wrong or missing; the message says what, where, and what to do."""


PLAIN = (InputError, FileExistsError, IsADirectoryError, NotADirectoryError, FileNotFoundError, PermissionError)


def listed(problems: Sequence[str], most: int = 20) -> str:
    """Problems on a line each, indented; of more than ``most`` the first ones and how many more there are."""
    more = [f'... and {len(problems) - most} more'] if len(problems) > most else []
    return '\n  '.join([*problems[:most], *more])


@contextmanager
def plain_errors() -> Iterator[None]:
    """In a command: print an :class:`InputError`, a file that cannot be read or written, or the death of a data loader's worker, without a
    traceback, and exit with 2."""
    try:
        yield
    except PLAIN as error:
        stop(str(error).split(f'{type(error).__name__}: ')[-1])  # without the traceback that a data loader's worker wraps it in
    except RuntimeError as error:
        if not str(error).startswith('DataLoader worker'):
            raise
        stop(
            f'{error}\nA process that loads images was killed, mostly for want of memory (also of /dev/shm): lower '
            'train_dataloader.num_workers or batch_size, and go on with --resume'
        )


def stop(message: str) -> NoReturn:
    """End the program with a message."""
    print(f'\nerror: {message.rstrip()}', file=sys.stderr, flush=True)
    sys.exit(2)
