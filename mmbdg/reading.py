"""Read text, lists, JSON, XML and numpy arrays from files written by any program; all other modules use these functions."""

import codecs
import io
import json
import os
import zipfile
import zlib
from collections.abc import Collection
from math import prod
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np

from mmbdg.errors import InputError
from mmbdg.paths import check_regular
from mmbdg.schema import validated

MOST_BYTES = 2**31
"""Largest size of a text or JSON file; the largest file of COCO, with stuff annotations, has less than half of it."""
MOST_ARRAY_BYTES = 2**34
"""Largest unpacked size of the arrays in a ``.npz`` file; the largest published BigGAN has a tenth of it."""
MARKS = ((codecs.BOM_UTF8, 'utf-8-sig'), (codecs.BOM_UTF32_LE, 'utf-32'), (codecs.BOM_UTF16_LE, 'utf-16'), (codecs.BOM_UTF16_BE, 'utf-16'))


def read_bytes(path: str | os.PathLike, most: int = MOST_BYTES) -> bytes:
    """Read a whole file.

    Raises:
        InputError: The path is not a regular file, the file is larger than ``most`` bytes, or it cannot be read.
    """
    if (size := check_regular(path).st_size) > most:
        raise InputError(f'{path} has {size:,} bytes; more than {most:,} are not read')
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(f'{path} cannot be read: {error.strerror or error}') from error


def decoded(data: bytes, where: str | os.PathLike) -> str:
    """Decode text in UTF-8 with or without a byte order mark, or in UTF-16 or UTF-32 with one.

    Raises:
        InputError: The bytes have another encoding.
    """
    encoding = next((name for mark, name in MARKS if data.startswith(mark)), 'utf-8')
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b'\n') + 1
        raise InputError(f'{where}, line {line}, is not {encoding.removesuffix("-sig").upper()}: save it as UTF-8') from error


def read_text(path: str | os.PathLike) -> str:
    """Read a text file, see :func:`decoded`; line ends of any system become ``\\n``.

    Raises:
        InputError: See :func:`read_bytes` and :func:`decoded`.
    """
    return decoded(read_bytes(path), path).replace('\r\n', '\n').replace('\r', '\n')


def read_lines(path: str | os.PathLike) -> list[str]:
    """Read the lines of a text file, without surrounding white space and without blank lines.

    Raises:
        InputError: See :func:`read_text`; or a line holds null characters: the file is damaged.
    """
    return lines_in(read_text(path), path)


def lines_in(text: str, where: str | os.PathLike) -> list[str]:
    """Lines of a text, see :func:`read_lines`."""
    lines = [line.strip() for line in text.replace('\r\n', '\n').replace('\r', '\n').split('\n')]
    for number, line in enumerate(lines, start=1):
        if '\0' in line:
            raise InputError(f'{where}, line {number}, holds null characters; the file is damaged')
    return [line for line in lines if line]


def parsed_json(text: str | bytes, where: str | os.PathLike) -> Any:
    """Parse JSON into plain values.

    Raises:
        InputError: The text is not JSON, is truncated, is nested too deeply, or has numbers of thousands of digits.
    """
    if isinstance(text, bytes):
        text = decoded(text, where)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) or error.msg.startswith('Unterminated string') or not text.strip():
            raise InputError(f'{where} is cut off: its JSON has no end' if text.strip() else f'{where} is empty, not JSON') from error
        raise InputError(f'{where} is no JSON, or is cut off: {error.msg} at line {error.lineno}, column {error.colno}') from error
    except RecursionError as error:
        raise InputError(f'{where} is nested too deeply') from error
    except ValueError as error:
        raise InputError(f'{where} holds JSON that cannot be read: {error}') from error


def read_json(path: str | os.PathLike, schema: type | None = None) -> Any:
    """Read a JSON file into plain values.

    Args:
        path: Path of the file.
        schema: Schema of the content, see :func:`mmbdg.schema.validated`; default None: any JSON.

    Raises:
        InputError: See :func:`read_bytes`, :func:`decoded`, :func:`parsed_json`; or the content does not follow the schema.
    """
    content = parsed_json(read_bytes(path), path)
    return validated(schema, content, str(path)) if schema else content


def read_xml(path: str | os.PathLike) -> Element:
    """Root element of an XML file. A document type raises an error, so that no entity is expanded and nothing external is loaded.

    Raises:
        InputError: See :func:`read_bytes`; or the file is not XML, or is truncated.
    """
    try:
        return ElementTree.fromstring(read_bytes(path), ElementTree.XMLParser(target=_NoDocumentType(str(path))))
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # the last two: an unknown encoding
        if isinstance(error, InputError):
            raise
        raise InputError(f'{path} is no XML file, or is cut off ({error})') from error


class _NoDocumentType(ElementTree.TreeBuilder):
    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise InputError(f'{self.where} declares a document type or entities, which are not allowed in annotations: remove <!DOCTYPE ...>')


def read_array(source: str | os.PathLike | bytes, name: str | os.PathLike = '') -> np.ndarray:
    """Read an array of numbers, of any shape, from a ``.npy`` file.

    Args:
        source: Path of the file, or its bytes.
        name: Name of the array in messages; default: the path.

    Returns:
        The array with the shape and dtype of the file, in native byte order.

    Raises:
        InputError: The file is not a ``.npy`` file, is truncated, is empty, or holds other values than real numbers.
    """
    data = source if isinstance(source, bytes) else read_bytes(source)
    name = name or ('the array' if isinstance(source, bytes) else source)
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = header(file)
        if dtype.hasobject or dtype.kind not in 'fiub':
            raise InputError(f'{name} holds values of the type {dtype}; only real numbers are read')
        content = data[file.tell() :]
        if len(content) != prod(shape) * dtype.itemsize:  # checked before memory is allocated for the shape in the header
            raise InputError(f'{name} is cut off: {len(content):,} bytes for an array of shape {shape} and type {dtype}')
        values = np.frombuffer(content, dtype).reshape(shape, order='F' if fortran else 'C')
    except InputError:
        raise
    except (ValueError, EOFError, OSError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise InputError(f'{name} is no .npy file of numbers, or is cut off ({error})') from error
    if not values.size:
        raise InputError(f'{name} holds no numbers')
    return values.astype(dtype.newbyteorder('='))


def read_arrays(path: str | os.PathLike, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """Read arrays of numbers by name from a ``.npz`` file, as ``numpy.savez`` writes it.

    Args:
        path: Path of the file.
        names: Names of the arrays to read; default None: all.

    Raises:
        InputError: The file is not a ``.npz`` file, is truncated, lacks one of ``names``, holds other values than real numbers, or unpacks
            to more than :data:`MOST_ARRAY_BYTES`.
    """
    check_regular(path)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {entry.filename.removesuffix('.npy'): entry for entry in archive.infolist()}
            if lacking := sorted(set(names or ()) - set(entries)):
                raise InputError(f'{path} has no array {", ".join(lacking)}; it has {sorted(entries)[:10]}')
            wanted = {name: entry for name, entry in entries.items() if names is None or name in names}
            if (total := sum(entry.file_size for entry in wanted.values())) > MOST_ARRAY_BYTES:
                raise InputError(f'{path} would unpack to {total:,} bytes; more than {MOST_ARRAY_BYTES:,} are not read')
            return {name: read_array(archive.read(entry), f'{path}, {name},') for name, entry in wanted.items()}
    except InputError:
        raise
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError, MemoryError) as error:
        raise InputError(f'{path} is no .npz file of numbers, or is cut off ({error})') from error
