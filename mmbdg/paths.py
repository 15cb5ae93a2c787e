"""Paths whose parts come from data files: they must not lead out of their folder."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from mmbdg.errors import InputError

LONGEST_NAME = 255
"""Longest file name that file systems accept, in bytes."""


def is_plain_name(text: object) -> bool:
    """Whether a value is a valid name of one file or folder: no path separator of any system, no control character, not ``..``."""
    return (
        isinstance(text, str)
        and text not in ('', '.', '..')
        and not any(sign in '/\\' or ord(sign) < 32 or ord(sign) == 127 for sign in text)
        and len(text.encode(errors='surrogatepass')) <= LONGEST_NAME
    )


def inside(root: str | os.PathLike, *parts: str, source: str | os.PathLike = '') -> Path:
    """Join a folder and path parts that come from data; all other modules use this function.

    Links below the folder are followed, but must not lead out of it. The folder itself may be a link.

    Args:
        root: Path of the folder.
        *parts: Relative paths with forward slashes; each name must satisfy :func:`is_plain_name`.
        source: File from which the parts come, for the message; default '': not named.

    Raises:
        InputError: A part is absolute, contains ``..`` or another invalid name, or a link leads out of the folder.
    """
    names = _names(parts, source)
    path = Path(root, *names)
    real_root = os.path.realpath(root)
    if not _is_below(os.path.realpath(path), real_root):
        raise InputError(f'{_by(source)}{path} is a link that leads out of {root}; what it leads to is not read. Copy the files instead')
    return path


def relative_path(*parts: str, source: str | os.PathLike = '') -> str:
    """Relative path with forward slashes; the names are checked as in :func:`inside`, but the disk is not read."""
    return '/'.join(_names(parts, source))


def refuse_links_out(root: str | os.PathLike, *folders: str) -> None:
    """Check that no link below a folder leads out of it.

    Args:
        root: Path of the folder.
        *folders: Names of subfolders to check; missing ones are skipped. Default: the whole folder.

    Raises:
        InputError: A link leads out of the folder; the message names the first one.
    """
    real_root = os.path.realpath(root)
    for folder in folders or ('',):
        top = os.path.join(root, folder) if folder else os.fspath(root)
        for path in _links(top):
            if not _is_below(os.path.realpath(path), real_root):
                raise InputError(f'{path} is a link that leads out of {root}; what it leads to is not read. Copy the files instead')


def check_regular(path: str | os.PathLike) -> os.stat_result:
    """Check that a path is a regular file and return its ``os.stat``.

    Raises:
        InputError: The file does not exist, or is a folder, a pipe, a socket or a device: reading those may never end.
    """
    try:
        state = os.stat(path)
    except FileNotFoundError as error:
        raise InputError(f'there is no file {path}') from error
    except (OSError, ValueError) as error:  # a loop of links, a name that is too long, a null character
        raise InputError(f'{str(path)[:300]!r} cannot be opened: {getattr(error, "strerror", None) or error}') from error
    if not stat.S_ISREG(state.st_mode):
        kinds = {stat.S_IFDIR: 'folder', stat.S_IFIFO: 'pipe', stat.S_IFSOCK: 'socket', stat.S_IFCHR: 'device', stat.S_IFBLK: 'device'}
        raise InputError(f'{path} is a {kinds.get(stat.S_IFMT(state.st_mode), "special file")}, not a file')
    return state


def _names(parts: tuple[str, ...], source: str | os.PathLike) -> list[str]:
    names = []
    for part in parts:
        split = part.split('/') if isinstance(part, str) else [part]
        if wrong := [name for name in split if not is_plain_name(name)]:
            raise InputError(
                f'{_by(source)}the path {str(part)[:100]!r} leads out of its folder or is invalid ({str(wrong[0])[:100]!r}); paths in '
                'data must be relative and consist of plain names'
            )
        names += split
    return names


def _by(source: str | os.PathLike) -> str:
    return f'{source}: ' if source else ''


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def _links(top: str) -> Iterator[str]:
    """Links below a folder, including the folder itself; linked folders are not entered."""
    if os.path.islink(top):
        yield top
        return
    stack = [top]
    while stack:
        try:
            entries = list(os.scandir(stack.pop()))
        except (FileNotFoundError, NotADirectoryError):
            continue
        for entry in entries:
            if entry.is_symlink():
                yield entry.path
            elif entry.is_dir(follow_symlinks=False):
                stack.append(entry.path)


def slug_of(name: str) -> str:
    """Convert a name to a folder name: lower-case letters, digits and hyphens."""
    return '-'.join(''.join(c if c.isalnum() else ' ' for c in name.lower()).split())
