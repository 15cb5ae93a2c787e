"""Files that appear whole or not at all."""

import errno
import hashlib
import io
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from torch import Tensor

from mmbdg.errors import InputError

NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)
"""What file systems answer that have no such thing."""


def write_atomically(path: str | os.PathLike, write: Callable[[Path], None], sync: bool = True) -> None:
    """Let ``write`` fill a file beside ``path`` and rename it; a killed process leaves no half file under the final name.

    Args:
        path: Of the file; its folder is made.
        write: Fills the file that it is given.
        sync: Whether the file is on the disk itself when this returns, and whole after a power loss. Without, a machine that goes down may
            leave an empty file, or one of zeros; a caller that writes many files can do without and call :func:`sync_files` at the end.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(
        f'{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.part'
    )  # of no other process, on another host of a share either
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


def check_place(path: str | os.PathLike) -> None:
    """See before long work that its file can be written; the folder is made.

    Raises:
        OSError: It cannot be.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path.with_name(f'{path.name}.tried'), Path.touch, sync=False)
    path.with_name(f'{path.name}.tried').unlink()


def sync_files(paths: Iterable[str | os.PathLike], root: str | os.PathLike) -> None:
    """Wait until files are on the disk itself, and their names.

    Args:
        paths: Of files below ``root``.
        root: Folders from those of the files up to this one hold the names.
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
    if path.is_dir() and os.name != 'posix':  # elsewhere a folder cannot be opened
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise
    finally:
        os.close(descriptor)


@contextmanager
def whole_folder(path: str | os.PathLike) -> Iterator[Path]:
    """An empty folder beside ``path`` to fill; it gets the final name at the end, and is removed if something fails before.

    Raises:
        InputError: ``path`` is there already; nothing is overwritten.
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
    """Checksum of a file, hexadecimal."""
    with open(path, 'rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


def json_text(content: dict | list) -> str:
    """Indented JSON with a final newline; numpy's numbers and arrays count as Python's."""
    return json.dumps(content, indent=2, ensure_ascii=False, default=lambda value: np.asarray(value).tolist()) + '\n'


def write_json(path: str | os.PathLike, content: dict | list, sync: bool = True) -> None:
    """:func:`json_text` as a file."""
    text = json_text(content)
    write_atomically(path, lambda part: part.write_text(text, encoding='utf-8'), sync)


def write_npy(path: str | os.PathLike, array: np.ndarray) -> None:
    """Numbers only: an array of objects is refused."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_atomically(path, lambda part: part.write_bytes(buffer.getvalue()))


def write_png(path: str | os.PathLike, array: np.ndarray) -> None:
    """uint8 (H,W,3), uint8 (H,W) or uint16 (H,W)."""
    from PIL import Image

    write_atomically(path, lambda part: Image.fromarray(array).save(part, format='PNG'))


def write_safetensors(path: str | os.PathLike, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Tensors by name, as contiguous copies on the CPU."""
    from safetensors.torch import save_file

    contiguous = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    write_atomically(path, lambda part: save_file(contiguous, str(part), metadata))
