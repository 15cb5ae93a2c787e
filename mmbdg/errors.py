"""Errors that are the input's, or the machine's, not the program's; and how a command ends with one line."""

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

TRACEBACK_VARIABLE = 'MMBDG_TRACEBACK'
"""Set in the environment, a command prints the traceback of what ended it, too."""

MOST_SHOWN = 10**6
"""Characters of a message."""
DISK = {
    errno.ENOSPC: 'the disk is full',
    errno.EDQUOT: 'your quota of disk space is used up',
    errno.EROFS: 'the disk is read-only',
    errno.EIO: 'the disk fails',
    errno.EFBIG: 'the file would be larger than the file system, or a limit (ulimit -f), allows',
    errno.EACCES: 'it may not be read or written by you',
    errno.EPERM: 'it may not be read or written by you',
    errno.ENAMETOOLONG: 'the name is too long for the file system',
    errno.ELOOP: 'it is a link that leads back to itself',
    errno.ENOENT: 'there is no such file or folder',
    errno.ENOTDIR: 'a part of the path is a file, not a folder',
    errno.EISDIR: 'it is a folder, not a file',
    errno.EEXIST: 'it is there already',
    errno.EMFILE: 'this process has too many open files (ulimit -n)',
    errno.ENFILE: 'the system has too many open files',
    errno.ESTALE: 'the network drive has lost it',
    errno.ETXTBSY: 'another program is running it',
}
"""Errors of the file system in words."""


class InputError(ValueError):
    """Something that was given is wrong or missing; the message says what, where, and what to do."""


class Terminated(BaseException):
    """SIGTERM has arrived; as ``KeyboardInterrupt`` is for SIGINT."""


def listed(problems: Sequence[str], most: int = 20) -> str:
    """Problems on a line each, indented; of more than ``most`` the first ones and how many more there are."""
    more = [f'... and {len(problems) - most} more'] if len(problems) > most else []
    return '\n  '.join([*problems[:most], *more])


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean "seed"?`` of the names that are known, or nothing where none is near."""
    close = difflib.get_close_matches(name, sorted(known), 1)
    return f'; did you mean "{close[0]}"?' if close else ''


def os_error_text(error: OSError) -> str:
    """What an error of the file system means, with the file: ``data/x.png: the disk is full``."""
    reason = DISK.get(error.errno, error.strerror or str(error))
    names = [str(name)[:300] for name in (error.filename, error.filename2) if name not in (None, '')]
    return f'{" -> ".join(names)}: {reason}' if names else reason


@contextmanager
def plain_errors(go_on: str = 'Run the same command again') -> Iterator[None]:
    """Around a command: errors of the input and of the machine end it with one line instead of a traceback.

    The exit code is 2; 130 after SIGINT (Ctrl-C), 143 after SIGTERM, with a line that says how to go on. Processes that the command has
    forked ignore SIGINT: a terminal sends it to all of them, and the command ends them itself.

    Args:
        go_on: What to do after an interruption; one sentence without its full stop.
    """
    with _signals():
        try:
            yield
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # who read the output has gone: no further word to anybody
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
    """End the program with a message; of a very long one, which some file is quoted in, the end is left out."""
    message = message if len(message) <= MOST_SHOWN else f'{message[:MOST_SHOWN]} ...'
    print(f'\nerror: {message.rstrip()}', file=sys.stderr, flush=True)
    sys.exit(code)


def _plain_message(error: Exception) -> str | None:
    """What ends a command without a traceback, in words; None for a fault of the program."""
    text = str(error)
    if isinstance(error, InputError):
        return _of_worker(error) or text
    if isinstance(error, OSError):
        if (wrapped := _of_worker(error)) or error.errno is not None:
            return wrapped or os_error_text(error)
        return None
    if isinstance(error, MemoryError):
        return f'there is not enough memory{f" ({text})" if text else ""}: lower batch sizes, workers or sizes'
    if type(error).__name__ == 'OutOfMemoryError':  # torch's, which need not be imported here
        return f'the memory of the GPU is full: lower the batch size ({text.splitlines()[0]})'
    if found := re.search(r'os error (\d+)', text):  # safetensors, whose errors are of another language
        return f'a file cannot be read or written: {DISK.get(int(found[1]), text)}'
    if isinstance(error, RuntimeError) and text.startswith('DataLoader worker'):
        return (
            f'{text}\nA process that loads images was killed, mostly for want of memory (also of /dev/shm): lower '
            'train_dataloader.num_workers or batch_size, and go on with --resume'
        )
    if isinstance(error, RuntimeError) and text.startswith('Symlink loop from'):  # Path.resolve, up to Python 3.12
        return f'{text.removeprefix("Symlink loop from ")}: {DISK[errno.ELOOP]}'
    if isinstance(error, RuntimeError) and ('PytorchStreamWriter failed' in text or 'inline_container.cc' in text):
        return f'a checkpoint cannot be written: is the disk full? ({text.splitlines()[0]})'
    return None


def _of_worker(error: Exception) -> str:
    """The message of an error in a process of a data loader, whose traceback torch puts before it."""
    text = str(error)
    return text.split(f'{type(error).__name__}: ')[-1] if text.startswith('Caught ') and ' in DataLoader worker' in text else ''


_handlers: set[Callable] = set()


_fork = threading.local()
"""Of the thread that forks: ``before``, its signal mask; absent at all other times."""


def _hold_sigterm() -> None:
    """Before a fork. A SIGTERM that reaches the new process while it is set up would be lost: Python clears what has arrived by then."""
    _fork.before = set()
    _fork.before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM} if _handlers else set())


def _release_sigterm() -> None:
    """After a fork, in both processes."""
    signal.pthread_sigmask(signal.SIG_SETMASK, _fork.before)
    del _fork.before


def _end_at_sigterm() -> None:
    """In a forked process: a handler in Python would not run while it waits for a lock, and who terminates it would wait for ever."""
    if signal.getsignal(signal.SIGTERM) in _handlers:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _release_sigterm()


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(before=_hold_sigterm, after_in_parent=_release_sigterm, after_in_child=_end_at_sigterm)


@contextmanager
def _signals() -> Iterator[None]:
    """SIGINT and SIGTERM as exceptions in this process; what is forked inside ignores the first, and ends at the second.

    Of several processes under a launcher SIGTERM keeps its own effect: one that waits for the others would not come to an exception.
    """
    own, several = os.getpid(), int(os.environ.get('WORLD_SIZE') or 1) > 1

    def raised(kind: type[BaseException]) -> Callable[[int, FrameType | None], None]:
        def handle(number: int, _: FrameType | None) -> None:
            if os.getpid() == own:
                if hasattr(signal, 'SIGCHLD'):  # torch raises there when a process that loads images ends, as all do now
                    # No SIG_DFL: Python reports a signal that is pending without a handler as an error, and loses this exception over it.
                    signal.signal(signal.SIGCHLD, lambda number, frame: None)
                if hasattr(_fork, 'before'):  # what is raised in the functions around a fork is lost: raise it a moment later
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
    except ValueError:  # not in the main thread: whoever has that decides
        pass
    try:
        yield
    finally:
        for number, handler in before.items():
            _handlers.discard(signal.getsignal(number))
            signal.signal(number, handler)
