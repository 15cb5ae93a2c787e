"""Paths whose parts come from data: a file that is read may not lead out of its folder."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from mmbdg.errors import InputError

LONGEST_NAME = 255
"""Bytes of a name that file systems take."""


def is_plain_name(text: object) -> bool:
    """Whether a value from a file is the name of one file or folder: no separator of any system, no control character, not ``..``."""
    return (
        isinstance(text, str)
        and text not in ('', '.', '..')
        and not any(sign in '/\\' or ord(sign) < 32 or ord(sign) == 127 for sign in text)
        and len(text.encode(errors='surrogatepass')) <= LONGEST_NAME
    )


def inside(root: str | os.PathLike, *parts: str, source: str | os.PathLike = '') -> Path:
    """A path below a folder whose parts come from data; the one way to join them.

    Links below the folder are followed, and may not lead out of it. The folder itself may be a link.

    Args:
        root: The folder.
        *parts: Relative paths with forward slashes, each of plain names (see :func:`is_plain_name`).
        source: Which file names the path, for the message.

    Raises:
        InputError: A part is absolute, has ``..`` or another name that is none, or a link leads out.
    """
    names = _names(parts, source)
    path = Path(root, *names)
    real_root = os.path.realpath(root)
    if not _is_below(os.path.realpath(path), real_root):
        raise InputError(f'{_by(source)}{path} is a link that leads out of {root}; what it leads to is not read. Copy the files instead')
    return path


def relative_path(*parts: str, source: str | os.PathLike = '') -> str:
    """As :func:`inside`, of the names only: a relative path with forward slashes; nothing is looked up on the disk."""
    return '/'.join(_names(parts, source))


def refuse_links_out(root: str | os.PathLike, *folders: str) -> None:
    """See that no link below a folder leads out of it.

    Args:
        root: The folder.
        *folders: Names of folders in it, to look at nothing else; those that do not exist are left out.

    Raises:
        InputError: A link does; the first one is named.
    """
    real_root = os.path.realpath(root)
    for folder in folders or ('',):
        top = os.path.join(root, folder) if folder else os.fspath(root)
        for path in _links(top):
            if not _is_below(os.path.realpath(path), real_root):
                raise InputError(f'{path} is a link that leads out of {root}; what it leads to is not read. Copy the files instead')


def check_regular(path: str | os.PathLike) -> os.stat_result:
    """The state of a file that has contents to read.

    Raises:
        InputError: There is none, or it is a folder, a pipe, a socket or a device: reading those may never end.
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
                f'{_by(source)}the path {str(part)[:100]!r} leads elsewhere or is none ({str(wrong[0])[:100]!r}); paths in data are '
                'relative, and of plain names'
            )
        names += split
    return names


def _by(source: str | os.PathLike) -> str:
    return f'{source}: ' if source else ''


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def _links(top: str) -> Iterator[str]:
    """Links below a folder, the folder itself too; folders behind links are not entered."""
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
