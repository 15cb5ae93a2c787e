"""Errors caused by the input or the machine, and the context that ends a command with one line instead of a traceback."""

import difflib
import errno
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from mmbdg.calling import as_called

TRACEBACK_VARIABLE = 'MMBDG_TRACEBACK'
"""Environment variable; if it is set, a command also prints the traceback of the error that ended it."""

MOST_SHOWN = 10**6
"""Largest length of a message, in characters."""
DISK = {
    errno.ENOSPC: 'the disk is full',
    errno.EDQUOT: 'your quota of disk space is used up',
    errno.EROFS: 'the disk is read-only',
    errno.EIO: 'the disk reported a read or write error',
    errno.EFBIG: 'the file would be larger than the file system, or a limit (ulimit -f), allows',
    errno.EACCES: 'it may not be read or written by you',
    errno.EPERM: 'it may not be read or written by you',
    errno.ENAMETOOLONG: 'the name is too long for the file system',
    errno.ELOOP: 'it is a link that leads back to itself',
    errno.ENOENT: 'there is no such file or folder',
    errno.ENOTDIR: 'a part of the path is a file, not a folder',
    errno.EISDIR: 'it is a folder, not a file',
    errno.EEXIST: 'it already exists',
    errno.EMFILE: 'this process has too many open files (ulimit -n)',
    errno.ENFILE: 'the system has too many open files',
    errno.ESTALE: 'it is no longer available on the network drive',
    errno.ETXTBSY: 'another program is running it',
}
"""Texts for file system errors, by errno."""


class InputError(ValueError):
    """The input is wrong or missing. The message says what is wrong, where, and what to do."""


class Terminated(BaseException):
    """SIGTERM was received; the counterpart of ``KeyboardInterrupt`` for SIGINT."""


def listed(problems: Sequence[str], most: int = 20) -> str:
    """Problems joined to indented lines, one each; if there are more than ``most``, the first ones and the number of the others."""
    more = [f'... and {len(problems) - most} more'] if len(problems) > most else []
    return '\n  '.join([*problems[:most], *more])


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean "seed"?`` for the known name most similar to ``name``; '' if none is similar."""
    close = difflib.get_close_matches(name, sorted(known), 1)
    return f'; did you mean "{close[0]}"?' if close else ''


def os_error_text(error: OSError) -> str:
    """Text for a file system error, with the path: ``data/x.png: the disk is full``."""
    reason = DISK.get(error.errno, error.strerror or str(error))
    names = [str(name)[:300] for name in (error.filename, error.filename2) if name not in (None, '')]
    return f'{" -> ".join(names)}: {reason}' if names else reason


@contextmanager
def plain_errors(go_on: str = 'Run the same command again') -> Iterator[None]:
    """Context around a command: errors of the input and of the machine end it with one line instead of a traceback.

    The exit code is 2, or 130 after SIGINT (Ctrl-C) and 143 after SIGTERM, where a line says how to continue. Child processes forked by
    the command ignore SIGINT: a terminal sends it to all processes, and the command ends its children itself.

    Args:
        go_on: Advice for the user after an interruption; one sentence without its full stop. Default: 'Run the same command again'.
    """
    with _signals():
        try:
            yield
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of the pipe has ended: discard further output
            sys.exit(141)
        except (KeyboardInterrupt, Terminated) as error:
            signalled = signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT
            stop(f'ended by {signalled.name}. What was complete stays. {go_on}', 128 + signalled)
        except Exception as error:
            message = _plain_message(error)
            if message is None:
                raise
            if os.environ.get(TRACEBACK_VARIABLE):
                traceback.print_exc()
            stop(message)


def stop(message: str, code: int = 2) -> NoReturn:
    """Print an error message and exit. A message longer than :data:`MOST_SHOWN` (it may quote a file) is cut."""
    message = message if len(message) <= MOST_SHOWN else f'{message[:MOST_SHOWN]} ...'
    print(f'\nerror: {as_called(message.rstrip())}', file=sys.stderr, flush=True)
    sys.exit(code)


def _plain_message(error: Exception) -> str | None:
    """Message for an error of the input or the machine; None for an error of the program, which needs its traceback."""
    text = str(error)
    if isinstance(error, InputError):
        return _of_worker(error) or text
    if isinstance(error, OSError):
        if (wrapped := _of_worker(error)) or error.errno is not None:
            return wrapped or os_error_text(error)
        return None
    if isinstance(error, MemoryError):
        return f'there is not enough memory{f" ({text})" if text else ""}: lower batch sizes, workers or sizes'
    if type(error).__name__ == 'OutOfMemoryError':  # torch's exception, compared by name to avoid importing torch
        return f'the memory of the GPU is full: lower the batch size ({text.splitlines()[0]})'
    if found := re.search(r'os error (\d+)', text):  # raised by safetensors' Rust code
        return f'a file cannot be read or written: {DISK.get(int(found[1]), text)}'
    if isinstance(error, RuntimeError) and text.startswith('DataLoader worker'):
        return (
            f'{text}\nA data loader worker was killed, most often because memory (or /dev/shm) was full: lower '
            'train_dataloader.num_workers or batch_size, and continue with --resume'
        )
    if isinstance(error, RuntimeError) and text.startswith('Symlink loop from'):  # Path.resolve, up to Python 3.12
        return f'{text.removeprefix("Symlink loop from ")}: {DISK[errno.ELOOP]}'
    if isinstance(error, RuntimeError) and ('PytorchStreamWriter failed' in text or 'inline_container.cc' in text):
        return f'a checkpoint cannot be written: check whether the disk is full ({text.splitlines()[0]})'
    return None


def _of_worker(error: Exception) -> str:
    """Message of an error raised in a data loader worker, without the traceback that torch puts before it; '' for other errors."""
    text = str(error)
    return text.split(f'{type(error).__name__}: ')[-1] if text.startswith('Caught ') and ' in DataLoader worker' in text else ''


_handlers: set[Callable] = set()


_fork = threading.local()
"""State of the thread that forks: ``before`` is its signal mask; the attribute exists only around a fork."""


def _hold_sigterm() -> None:
    """Block SIGTERM before a fork. A SIGTERM that reaches the child during its set-up would be lost: Python clears pending signals then."""
    _fork.before = set()
    _fork.before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM} if _handlers else set())


def _release_sigterm() -> None:
    """Restore the signal mask after a fork, in parent and child."""
    signal.pthread_sigmask(signal.SIG_SETMASK, _fork.before)
    del _fork.before


def _end_at_sigterm() -> None:
    """Restore SIGTERM's default action in a child: a Python handler does not run while it waits for a lock, so it would never end."""
    if signal.getsignal(signal.SIGTERM) in _handlers:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _release_sigterm()


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(before=_hold_sigterm, after_in_parent=_release_sigterm, after_in_child=_end_at_sigterm)


@contextmanager
def _signals() -> Iterator[None]:
    """Turn SIGINT and SIGTERM into exceptions in this process; forked children ignore SIGINT and end at SIGTERM.

    Under a launcher with several processes, SIGTERM keeps its default action: a process that waits for the others in a collective
    operation would never reach the exception.
    """
    own, several = os.getpid(), int(os.environ.get('WORLD_SIZE') or 1) > 1

    def raised(kind: type[BaseException]) -> Callable[[int, FrameType | None], None]:
        def handle(number: int, _: FrameType | None) -> None:
            if os.getpid() == own:
                if hasattr(signal, 'SIGCHLD'):  # torch's handler raises when a data loader worker ends, as all of them do now
                    # Not SIG_DFL: Python reports a pending signal without a handler as an error, which would replace this exception.
                    signal.signal(signal.SIGCHLD, lambda number, frame: None)
                if hasattr(_fork, 'before'):  # an exception raised in the functions around a fork is lost: raise it a moment later
                    signal.signal(signal.SIGALRM, handle)
                    signal.setitimer(signal.ITIMER_REAL, 0.001)
                    return
                raise kind

        return handle

    wanted = {signal.SIGINT: KeyboardInterrupt} | ({} if several else {signal.SIGTERM: Terminated})
    before = {}
    try:
        for number, kind in wanted.items():
            before[number] = signal.signal(number, raised(kind))
        if signal.SIGTERM in before:
            _handlers.add(signal.getsignal(signal.SIGTERM))
    except ValueError:  # not in the main thread, where alone Python sets signal handlers
        pass
    try:
        yield
    finally:
        for number, handler in before.items():
            _handlers.discard(signal.getsignal(number))
            signal.signal(number, handler)
