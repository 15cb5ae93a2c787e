"""The files of a folder, as people have them: the one way to list one."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmbdg.errors import InputError

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.ppm', '.bmp', '.pgm', '.tif', '.tiff', '.webp')
"""Of torchvision's ``ImageFolder``, in the same order."""
CLUTTER = ('__MACOSX', 'Thumbs.db', 'ehthumbs.db', 'desktop.ini', '@eaDir')
"""What systems leave in folders, beside names that begin with a dot (``._NAME``, ``.DS_Store``, ``.ipynb_checkpoints``)."""


@dataclass
class Listing:
    """Files below a folder.

    Attributes:
        root: The folder.
        files: In natural order: 2 before 10.
        left_out: Files of other suffixes, and folders that are linked into themselves; clutter is not counted.
    """

    root: Path
    files: list[Path]
    left_out: list[Path] = field(default_factory=list)

    def note(self) -> str:
        """One sentence about what was left out; '' if nothing was."""
        if not self.left_out:
            return ''
        suffixes = sorted({path.suffix.lower() or 'no suffix' for path in self.left_out})
        return f'{self.root}: {len(self.left_out)} files are left out ({", ".join(suffixes[:8])}), {self.left_out[0]} for one'

    def by_stem(self) -> dict[str, Path]:
        """The files by their path relative to the folder, without suffix, with forward slashes.

        Raises:
            InputError: Two files have the same: it is not known which one is meant.
        """
        found: dict[str, Path] = {}
        for path in self.files:
            stem = path.relative_to(self.root).with_suffix('').as_posix()
            if stem in found:
                raise InputError(f'{found[stem]} and {path} have the same name without suffix: remove one, or give it another name')
            found[stem] = path
        return found


def list_files(root: str | os.PathLike, suffixes: Sequence[str] = IMAGE_SUFFIXES, depth: int | None = None) -> Listing:
    """Files with these suffixes, in lower or upper case, below a folder.

    Links to files and folders are followed, but not round in circles. Clutter is left out, and anything hidden.

    Args:
        root: The folder.
        suffixes: In lower case, with the dot.
        depth: Folders below ``root`` that are entered at most; None: all. 0: files that lie in ``root`` itself.

    Raises:
        InputError: There is no such folder, or one cannot be read.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f'there is no folder {root}')
    listing = Listing(root, [])
    for path in _walk(root, depth, (os.path.realpath(root),), listing):
        (listing.files if path.suffix.lower() in suffixes else listing.left_out).append(path)
    listing.files.sort(key=lambda path: natural_key(path.relative_to(root).as_posix()))
    return listing


def list_folders(root: str | os.PathLike) -> list[Path]:
    """The folders in a folder, links to folders among them, without clutter, in natural order.

    Raises:
        InputError: There is no such folder.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f'there is no folder {root}')
    return sorted((path for path in root.iterdir() if path.is_dir() and not is_clutter(path.name)), key=lambda path: natural_key(path.name))


def natural_key(text: str) -> list[tuple[int, int | str]]:
    """For sorting: numbers within a name count as numbers."""
    return [(0, int(part)) if part.isdecimal() and part.isascii() else (1, part) for part in re.split(r'(\d+)', text) if part]


def is_clutter(name: str) -> bool:
    """Whether a file or folder of this name is no data."""
    return name.startswith('.') or name in CLUTTER


def _walk(folder: Path, depth: int | None, above: tuple[str, ...], listing: Listing) -> Iterator[Path]:
    """``above``: real paths of the folders that lead here."""
    try:
        entries = [entry for entry in os.scandir(folder) if not is_clutter(entry.name)]
    except OSError as error:
        raise InputError(f'{folder} cannot be read: {error.strerror}') from error
    for entry in sorted(entries, key=lambda entry: entry.name):
        path = folder / entry.name
        if not entry.is_dir():
            yield path
        elif depth is None or depth > 0:
            real = os.path.realpath(path)
            if real in above:
                listing.left_out.append(path)
                continue
            yield from _walk(path, None if depth is None else depth - 1, (*above, real), listing)
