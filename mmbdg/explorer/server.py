"""Runs the explorer on the loopback interface."""

import hashlib
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mmbdg.cache import cache_folder
from mmbdg.errors import InputError
from mmbdg.explorer.app import INSTALL, Explorer, application

LOOPBACK = '127.0.0.1'


def serve(explorer: Explorer, port: int, folders: list[Path], say: Callable[[str], None] = print) -> None:
    """Serve the page until the process is interrupted.

    Args:
        explorer: What is shown.
        port: Port; 0 for a free one.
        folders: Folders that this server writes to. No other explorer may have one of them.
        say: Function that gets the address of the page. Default: print.

    Raises:
        InputError: The port is taken, another explorer has one of the folders, or uvicorn is not installed.
    """
    try:
        import uvicorn
    except ModuleNotFoundError as error:
        raise InputError(INSTALL.format(name='uvicorn')) from error
    with ExitStack() as stack:
        for folder in folders:
            stack.enter_context(alone(folder))
        listening = stack.enter_context(bound(port))
        port, token = listening.getsockname()[1], secrets.token_urlsafe(32)
        config = uvicorn.Config(
            application(explorer, port, token),
            http='h11',
            ws='none',
            loop='asyncio',
            lifespan='off',
            log_level='warning',
            access_log=False,
            proxy_headers=False,  # Host is checked as the browser sends it
            server_header=False,
            limit_concurrency=64,
            timeout_graceful_shutdown=2,
        )
        say(f'The explorer is at http://{LOOPBACK}:{port}/#{token}\nOpen this address in a browser of this machine. Ctrl-C ends it.')
        uvicorn.Server(config).run(sockets=[listening])


@contextmanager
def bound(port: int) -> Iterator[socket.socket]:
    """A socket that listens on a port of the loopback interface.

    Raises:
        InputError: The port is taken, or may not be used.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        if os.name == 'posix':  # a port of a server that has just ended is free; elsewhere the option would share the port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((LOOPBACK, port))
            listening.listen(128)
        except OSError as error:
            raise InputError(
                f'port {port} of {LOOPBACK} cannot be used ({error.strerror}): another program may listen there; choose another --port, or '
                '0 for a free one'
            ) from error
        yield listening


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Context in which no other explorer of this machine has a folder. The lock lies in the cache: a dataset may be read-only.

    Raises:
        InputError: Another explorer has it.
    """
    from filelock import FileLock, Timeout

    name = hashlib.blake2b(os.path.realpath(folder).encode(errors='surrogateescape'), digest_size=16).hexdigest()
    path = cache_folder() / 'explorer' / f'{name}.lock'
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise InputError(f'another explorer already works on {folder}: use its page, or end it first') from error
    try:
        yield
    finally:
        lock.release()
