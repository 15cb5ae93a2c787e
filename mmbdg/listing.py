"""The files of a folder, as people have them: the one way to list one."""

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
"""Of torchvision's ``ImageFolder``, in the same order."""
NAMES_OF_FILES = (*IMAGE_SUFFIXES, '.npy', '.json')
"""Suffixes that folders do not have, where files of all suffixes are asked for."""
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
"""What systems and editors leave in folders, beside ``._NAME`` and ``.nfs*``."""
MOST_VISITS = 16
"""Ways through links that lead to one folder; with more, links lead to folders of links, and a listing would not end."""
DEEPEST = 100
"""Folders in each other."""
_logged: set[str] = set()


@dataclass
class Listing:
    """Files below a folder.

    Attributes:
        root: The folder.
        files: In natural order: 2 before 10.
        left_out: Files of other suffixes, hidden ones, and folders that are linked into themselves or lie deeper than was asked for;
            clutter is not counted.
    """

    root: Path
    files: list[Path]
    left_out: list[Path] = field(default_factory=list)

    def note(self) -> str:
        """One sentence about what was left out; '' if nothing was."""
        if not self.left_out:
            return ''
        kinds = sorted({'hidden' if is_clutter(path.name) else path.suffix.lower() or 'no suffix' for path in self.left_out})
        text = f'{self.root}: {len(self.left_out)} files or folders are left out ({", ".join(kinds[:8])}), {self.left_out[0]} for one'
        return text.encode(errors='backslashreplace').decode()

    def log(self) -> 'Listing':
        """Say once in this process what was left out; returns the listing."""
        note = self.note()
        if note and note not in _logged:
            from mmengine.logging import print_log

            _logged.add(note)
            print_log(note, 'current', logging.WARNING)
        return self

    def by_stem(self) -> dict[str, Path]:
        """The files by their path relative to the folder, without suffix, with forward slashes, in the composed form of Unicode (NFC).

        Raises:
            InputError: Two files have the same: it is not known which one is meant.
        """
        found: dict[str, Path] = {}
        for path in self.files:
            stem = composed(path.relative_to(self.root).with_suffix('').as_posix())
            if stem in found:
                raise InputError(f'{found[stem]} and {path} have the same name without suffix: remove one, or give it another name')
            found[stem] = path
        return found

    def empty(self) -> list[Path]:
        """Files without contents, and links that lead nowhere."""
        return [path for path in self.files if not _size(path)]


def list_files(root: str | os.PathLike, suffixes: Sequence[str] = IMAGE_SUFFIXES, depth: int | None = None) -> Listing:
    """Files with these suffixes, in lower or upper case, below a folder.

    Links to files and folders are followed, but not round in circles. Clutter is left out, and anything hidden. A folder whose name ends
    as that of a file counts as one: it cannot be read then, which is better than that a file is not there without a word.

    Args:
        root: The folder.
        suffixes: In lower case, with the dot; () for all files.
        depth: Folders below ``root`` that are entered at most; None: all. 0: files that lie in ``root`` itself.

    Raises:
        InputError: There is no such folder, one cannot be read, or links lead to folders of links.
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
    """The folders in a folder, links to folders among them, without clutter, in natural order.

    Raises:
        InputError: There is no such folder.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f'there is no folder {root}')
    return sorted((path for path in root.iterdir() if path.is_dir() and not is_clutter(path.name)), key=lambda path: natural_key(path.name))


def natural_key(text: str) -> tuple:
    """For sorting: numbers within a name count as numbers; of equal ones the text decides."""
    parts = [(0, int(part)) if part.isdecimal() and part.isascii() else (1, part) for part in re.split(r'(\d{1,4000})', text) if part]
    return parts, text


def composed(text: str) -> str:
    """A name in the composed form of Unicode: macOS writes an umlaut as two signs, other systems as one."""
    return unicodedata.normalize('NFC', text)


def is_clutter(name: str) -> bool:
    """Whether a file or folder of this name is no data: hidden, or one of :data:`CLUTTER`."""
    return name.startswith('.') or name in CLUTTER


def _is_known_clutter(name: str) -> bool:
    return name in CLUTTER + HIDDEN_CLUTTER or name.startswith(('._', '.nfs'))


def _walk(
    folder: Path, depth: int | None, above: tuple[str, ...], listing: Listing, visits: Counter, named: tuple[str, ...]
) -> Iterator[Path]:
    """
    Args:
        above: Real paths of the folders that lead here.
        visits: Of each real folder.
        named: Suffixes of what counts as a file, so that a folder of such a name is refused by whoever reads it, not left out.
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
