"""List the files of a folder; all other modules use these functions."""

import logging
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmbdg.errors import InputError

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.ppm', '.bmp', '.pgm', '.tif', '.tiff', '.webp')
"""Suffixes of image files, the same and in the same order as in torchvision's ``ImageFolder``."""
NAMES_OF_FILES = (*IMAGE_SUFFIXES, '.npy', '.json')
"""Suffixes that mark a name as a file even if it is a folder, when files with any suffix are listed."""
CLUTTER = ('__MACOSX', 'Thumbs.db', 'ehthumbs.db', 'desktop.ini', '@eaDir')
HIDDEN_CLUTTER = (
    '.DS_Store',
    '.ipynb_checkpoints',
    '.gitkeep',
    '.gitignore',
    '.git',
    '.directory',
    '.Spotlight-V100',
    '.Trashes',
    '.fseventsd',
)
"""Files and folders created by operating systems and editors; ``._NAME`` and ``.nfs*`` are such files too."""
MOST_VISITS = 16
"""Largest number of visits of one folder through links; with more, folders of links form a cycle and the listing would not end."""
DEEPEST = 100
"""Largest nesting depth of folders."""
_logged: set[str] = set()


@dataclass
class Listing:
    """Files below a folder.

    Attributes:
        root: The folder.
        files: Paths of the files in natural order: 2 before 10.
        left_out: Paths of files with other suffixes, of hidden files, and of folders that link to a parent or lie deeper than the given
            depth. Clutter is not listed.
    """

    root: Path
    files: list[Path]
    left_out: list[Path] = field(default_factory=list)

    def note(self) -> str:
        """One sentence about the paths in ``left_out``; '' if there are none."""
        if not self.left_out:
            return ''
        kinds = sorted({'hidden' if is_clutter(path.name) else path.suffix.lower() or 'no suffix' for path in self.left_out})
        text = f'{self.root}: {len(self.left_out)} files or folders are left out ({", ".join(kinds[:8])}), e.g. {self.left_out[0]}'
        return text.encode(errors='backslashreplace').decode()

    def log(self) -> 'Listing':
        """Log the note as a warning, once in this process; returns the listing itself."""
        note = self.note()
        if note and note not in _logged:
            from mmengine.logging import print_log

            _logged.add(note)
            print_log(note, 'current', logging.WARNING)
        return self

    def by_stem(self) -> dict[str, Path]:
        """Paths by stem: the path relative to the folder without suffix, with forward slashes, in Unicode's composed form (NFC).

        Raises:
            InputError: Two files have the same stem, so that it is ambiguous.
        """
        found: dict[str, Path] = {}
        for path in self.files:
            stem = composed(path.relative_to(self.root).with_suffix('').as_posix())
            if stem in found:
                raise InputError(f'{found[stem]} and {path} have the same name without suffix: remove one, or give it another name')
            found[stem] = path
        return found

    def empty(self) -> list[Path]:
        """Empty files and broken links."""
        return [path for path in self.files if not _size(path)]


def list_files(root: str | os.PathLike, suffixes: Sequence[str] = IMAGE_SUFFIXES, depth: int | None = None) -> Listing:
    """List the files with given suffixes, in lower or upper case, below a folder.

    Links to files and folders are followed, but cycles are not. Clutter and hidden files are left out. A folder with the suffix of a file
    is listed as a file: reading it fails with an error, whereas leaving it out would go unnoticed.

    Args:
        root: Path of the folder.
        suffixes: Suffixes in lower case with the dot; () for all files. Default: :data:`IMAGE_SUFFIXES`.
        depth: Number of folder levels below ``root`` to enter; 0: only files in ``root`` itself. Default None: all levels.

    Raises:
        InputError: The folder does not exist, a folder cannot be read, or links form a cycle of folders.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f'there is no folder {root}')
    listing = Listing(root, [])
    for path in _walk(root, depth, (os.path.realpath(root),), listing, Counter(), tuple(suffixes or NAMES_OF_FILES)):
        (listing.files if not suffixes or path.suffix.lower() in suffixes else listing.left_out).append(path)
    listing.files.sort(key=lambda path: natural_key(path.relative_to(root).as_posix()))
    return listing


def list_folders(root: str | os.PathLike) -> list[Path]:
    """Subfolders of a folder, including links to folders, without clutter and hidden ones, in natural order.

    Raises:
        InputError: The folder does not exist.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f'there is no folder {root}')
    return sorted((path for path in root.iterdir() if path.is_dir() and not is_clutter(path.name)), key=lambda path: natural_key(path.name))


def natural_key(text: str) -> tuple:
    """Sort key for natural order: numbers within a name compare as numbers; equal keys compare as text."""
    parts = [(0, int(part)) if part.isdecimal() and part.isascii() else (1, part) for part in re.split(r'(\d{1,4000})', text) if part]
    return parts, text


def composed(text: str) -> str:
    """Name in Unicode's composed form (NFC): macOS writes an umlaut as two characters, other systems as one."""
    return unicodedata.normalize('NFC', text)


def is_clutter(name: str) -> bool:
    """Whether a file or folder with this name contains no data: its name is hidden or in :data:`CLUTTER`."""
    return name.startswith('.') or name in CLUTTER


def _is_known_clutter(name: str) -> bool:
    return name in CLUTTER + HIDDEN_CLUTTER or name.startswith(('._', '.nfs'))


def _walk(
    folder: Path, depth: int | None, above: tuple[str, ...], listing: Listing, visits: Counter, named: tuple[str, ...]
) -> Iterator[Path]:
    """Yield the files below a folder.

    Args:
        above: Real paths of the parent folders.
        visits: Number of visits of each real folder.
        named: Suffixes that mark a name as a file, so that reading a folder with such a name fails instead of being left out.
    """
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(f'{folder} cannot be read: {error.strerror}') from error
    for entry in entries:
        path = folder / entry.name
        if is_clutter(entry.name):
            listing.left_out += [] if _is_known_clutter(entry.name) else [path]
        elif path.suffix.lower() in named or not _is_folder(entry):
            yield path
        else:
            real = os.path.realpath(path)
            if real in above or depth == 0:
                listing.left_out.append(path)
                continue
            visits[real] += 1
            if visits[real] > MOST_VISITS or len(above) > DEEPEST:
                why = f'more than {MOST_VISITS} links lead to {real}; link each folder once'
                raise InputError(f'{listing.root}: {why if visits[real] > MOST_VISITS else "folders lie too deep in each other"}')
            yield from _walk(path, None if depth is None else depth - 1, (*above, real), listing, visits, named)


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads back to itself
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
