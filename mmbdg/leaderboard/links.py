"""Addresses in entries: paths in this repository, or ``https://`` addresses. Nothing else becomes a link."""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from pydantic_core import PydanticCustomError

from mmbdg.errors import InputError
from mmbdg.paths import inside

HTTPS = 'https://'
_SIGNS = re.compile(r"[A-Za-z0-9._~:/?#@!$&*+,;=%'-]+")
_PATH = re.compile(r'[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*')


def is_https(address: str) -> bool:
    """Whether an address is one of the web."""
    return address.startswith(HTTPS)


def checked_address(text: str) -> str:
    """Return an address unchanged.

    Raises:
        PydanticCustomError: It is neither ``https://`` with a host and without a user, nor a relative path of plain names.
    """
    if is_https(text):
        try:
            parts = urlsplit(text)
            good = bool(_SIGNS.fullmatch(text) and re.fullmatch(r'[A-Za-z0-9.-]+', parts.hostname or '') and '@' not in parts.netloc)
        except ValueError:
            good = False
        if good:
            return text
    elif _PATH.fullmatch(text):
        return text
    raise PydanticCustomError('address', 'must be a path in this repository with forward slashes, or an address with https://')


def checked_web_address(text: str) -> str:
    """Return an address of the web unchanged.

    Raises:
        PydanticCustomError: See :func:`checked_address`; or it is a path.
    """
    if is_https(text):
        return checked_address(text)
    raise PydanticCustomError('web_address', 'must be an address with https://')


def checked_prefix(text: str) -> str:
    """Return the address of a repository unchanged.

    Raises:
        InputError: It does not begin with ``https://``, or has a query or fragment.
    """
    try:
        checked_address(text)
        good = is_https(text) and not set(text) & set('?#')
    except PydanticCustomError:
        good = False
    if not good:
        raise InputError(f'--links takes an address with https:// and without ? and #, got {text[:100]!r}')
    return text


def check_in_repository(address: str, root: Path, where: str) -> None:
    """Check that a path of an entry is a file of this repository.

    Args:
        address: Address of an entry; one with ``https://`` is not looked up.
        root: Folder of the repository.
        where: Name of the entry, for the message.

    Raises:
        InputError: There is no such file.
    """
    if not is_https(address) and not inside(root, address, source=where).is_file():
        raise InputError(f'{where}: {address} is not in this repository: add the file, or give its address with https://')


class Links:
    """Targets of links on a page.

    Args:
        root: Folder of the repository.
        out: Folder of the page.
        prefix: Address with ``https://`` that paths of the repository are appended to. Default: None, links are relative if the page lies
            in the repository; otherwise paths do not become links.
    """

    def __init__(self, root: Path, out: Path, prefix: str | None = None) -> None:
        real_root, real_out = os.path.realpath(root), os.path.realpath(out)
        if prefix is not None:
            self.prefix: str | None = prefix.rstrip('/') + '/'
        elif real_out == real_root or real_out.startswith(real_root + os.sep):
            up = Path(os.path.relpath(real_root, real_out)).as_posix()
            self.prefix = '' if up == '.' else f'{up}/'
        else:
            self.prefix = None

    def target(self, address: str | None) -> str | None:
        """Target of the link to an address; None: no link."""
        if not address or is_https(address):
            return address
        return None if self.prefix is None else self.prefix + address
