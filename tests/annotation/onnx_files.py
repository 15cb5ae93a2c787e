"""ONNX files with a single operator, written byte by byte without the onnx package."""

from collections.abc import Sequence
from pathlib import Path

Shape = Sequence[int]


def write_operator(path: Path, operator: str, takes: Shape, gives: Shape, ints: dict[str, Sequence[int]] | None = None) -> Path:
    """Write a model with one operator from one float tensor to another. ``ints`` are its integer attributes."""
    attributes = [
        field(5, text(1, name) + b''.join(number(8, value) for value in values) + number(20, 7)) for name, values in (ints or {}).items()
    ]
    node = text(1, 'x') + text(2, 'y') + text(4, operator) + b''.join(attributes)
    graph = field(1, node) + text(2, 'graph') + field(11, tensor('x', takes)) + field(12, tensor('y', gives))
    path.write_bytes(number(1, 8) + field(7, graph) + field(8, text(1, '') + number(2, 13)))
    return path


def tensor(name: str, shape: Shape) -> bytes:
    sizes = field(2, b''.join(field(1, number(1, size)) for size in shape))
    return text(1, name) + field(2, field(1, number(1, 1) + sizes))


def text(key: int, value: str) -> bytes:
    return field(key, value.encode())


def field(key: int, value: bytes) -> bytes:
    return varint(key << 3 | 2) + varint(len(value)) + value


def number(key: int, value: int) -> bytes:
    return varint(key << 3) + varint(value)


def varint(value: int) -> bytes:
    digits = []
    while True:
        value, digit = value >> 7, value & 127
        digits.append(digit | (128 if value else 0))
        if not value:
            return bytes(digits)
