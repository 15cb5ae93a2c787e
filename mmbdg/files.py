"""Atomic writing of files and folders: they appear complete or not at all."""

import errno
import hashlib
import io
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from torch import Tensor

from mmbdg.errors import InputError

NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)
"""Error codes of file systems that do not support fsync."""
DISK_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
"""Error codes of a disk that is full, read-only or damaged."""
ORPHAN = re.compile(r'.+\.([1-9]\d*)(?:-[0-9a-f]{8})?\.part')
"""Name of a temporary file or folder, with the number of its process."""
LEFT_OVER = 600
"""Seconds after which a temporary file is left over: its content is written at once."""


def write_atomically(path: str | os.PathLike, write: Callable[[Path], None], sync: bool = True) -> None:
    """Write a temporary file beside ``path`` and rename it, so that a killed process leaves no incomplete file under the final name.

    Args:
        path: Path of the file; its folder is created.
        write: Function that writes the file whose path it is given.
        sync: Whether to flush the file to disk before returning, so that it survives a power loss; default True. If False, a crash of the
            machine may leave an empty file or one of zeros; a caller that writes many files can call :func:`sync_files` once at the end.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(
        f'{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.part'
    )  # unique among all processes, also those on other hosts that share the folder
    try:
        write(part)
        part.chmod(0o644)  # safetensors writes files for the owner only
        if sync:
            _sync(part)
        part.replace(path)
        if sync:
            _sync(path.parent)
    finally:
        part.unlink(missing_ok=True)


def link_atomically(source: str | os.PathLike, path: str | os.PathLike) -> None:
    """Make ``path`` a hard link to a file; an existing file is replaced.

    Raises:
        InputError: The file system makes no such link.
        OSError: The disk is full or read-only.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.part')
    try:
        os.link(os.path.realpath(source), part)
        part.replace(path)
    except OSError as error:
        if error.errno in DISK_FAULTS:
            raise
        raise InputError(
            f'{source} cannot be linked as {path} ({error.strerror}): hard links need the same file system and your own files; use '
            'store="copy"'
        ) from error
    finally:
        part.unlink(missing_ok=True)  # it is left over if path is a link to the same file already


def check_place(path: str | os.PathLike) -> None:
    """Check before long work that its result can be written to ``path``; the folder is created.

    Raises:
        OSError: A file cannot be written there.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path.with_name(f'{path.name}.tried'), Path.touch, sync=False)
    path.with_name(f'{path.name}.tried').unlink()


def sync_files(paths: Iterable[str | os.PathLike], root: str | os.PathLike) -> None:
    """Flush files and their folder entries to disk.

    Args:
        paths: Paths of files below ``root``.
        root: Topmost folder to flush; the folders between it and the files are flushed too.
    """
    folders = {Path(root)}
    for path in map(Path, paths):
        _sync(path)
        for folder in path.parents:
            if folder in folders:
                break
            folders.add(folder)
    for folder in folders:
        _sync(folder)


def _sync(path: Path) -> None:
    if path.is_dir() and os.name != 'posix':  # other systems cannot open a folder
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise
    finally:
        os.close(descriptor)


def remove_left_over(folder: str | os.PathLike) -> None:
    """Remove the temporary files that killed processes left below a folder: those unchanged for :data:`LEFT_OVER` seconds.

    Younger ones may belong to a running process, also of another host.
    """
    for part in Path(folder).rglob('*.part'):
        with suppress(OSError):  # another process removes it
            if part.is_file() and time.time() - part.stat().st_mtime > LEFT_OVER:
                part.unlink()


def remove_orphans(folder: str | os.PathLike) -> list[Path]:
    """Remove the temporary files and folders directly in a folder whose process does not run any more.

    Call it only while no process of another host writes to the folder, for example under its lock: a process is looked for on this host.

    Returns:
        What was removed.
    """
    removed = []
    for part in sorted(Path(folder).glob('*.part')):
        found = ORPHAN.fullmatch(part.name)
        if found is None or _runs(int(found[1])):
            continue
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)
        removed.append(part)
    return removed


def _runs(pid: int) -> bool:
    """Whether a process runs on this host."""
    try:
        os.kill(pid, 0)
    except PermissionError:  # that of another user
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


@contextmanager
def whole_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Context that yields an empty temporary folder; at the end it is renamed to ``path``, after an error it is removed.

    Raises:
        InputError: ``path`` exists already; nothing is overwritten.
    """
    path = Path(path)
    if path.exists():
        raise InputError(f'{path} is there already and is not overwritten; choose another name, or remove it')
    part = path.with_name(f'{path.name}.{os.getpid()}.part')
    part.mkdir(parents=True)
    try:
        yield part
        sync_files((file for file in part.rglob('*') if file.is_file() and not file.is_symlink()), part)
        part.rename(path)
        _sync(path.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def sha256(path: str | os.PathLike) -> str:
    """SHA-256 checksum of a file, hexadecimal."""
    with open(path, 'rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


def json_text(content: dict | list) -> str:
    """Indented JSON with a final newline; numpy numbers and arrays become numbers and lists."""
    return json.dumps(content, indent=2, ensure_ascii=False, default=lambda value: np.asarray(value).tolist()) + '\n'


def write_json(path: str | os.PathLike, content: dict | list, sync: bool = True) -> None:
    """Write :func:`json_text` to a file, atomically."""
    text = json_text(content)
    write_atomically(path, lambda part: part.write_text(text, encoding='utf-8'), sync)


def write_npy(path: str | os.PathLike, array: np.ndarray) -> None:
    """Write an array of numbers to a ``.npy`` file, atomically; an array of objects raises a ``ValueError``."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_atomically(path, lambda part: part.write_bytes(buffer.getvalue()))


def write_png(path: str | os.PathLike, array: np.ndarray) -> None:
    """Write an image, uint8 (H,W,3), uint8 (H,W) or uint16 (H,W), to a PNG file, atomically."""
    from PIL import Image

    write_atomically(path, lambda part: Image.fromarray(array).save(part, format='PNG'))


def write_safetensors(path: str | os.PathLike, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write tensors by name, as contiguous copies on the CPU, to a safetensors file, atomically."""
    from safetensors.torch import save_file

    contiguous = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    write_atomically(path, lambda part: save_file(contiguous, str(part), metadata))
