"""Files that appear whole or not at all."""

import hashlib
import io
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from torch import Tensor

from mmbdg.errors import InputError


def write_atomically(path: str | os.PathLike, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a file beside ``path`` and rename it; a killed process leaves no half file under the final name."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(
        f'{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.part'
    )  # of no other process, on another host of a share either
    try:
        write(part)
        part.chmod(0o644)  # safetensors writes files for the owner only
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


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
        part.rename(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def sha256(path: str | os.PathLike) -> str:
    """Checksum of a file, hexadecimal."""
    with open(path, 'rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


def write_json(path: str | os.PathLike, content: dict | list) -> None:
    """Indented JSON with a final newline; numpy's numbers and arrays count as Python's."""
    text = json.dumps(content, indent=2, ensure_ascii=False, default=lambda value: np.asarray(value).tolist())
    write_atomically(path, lambda part: part.write_text(text + '\n', encoding='utf-8'))


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
