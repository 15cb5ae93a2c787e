"""A folder of images with one table of captions."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from mmbdg.errors import InputError
from mmbdg.files import sha256
from mmbdg.listing import list_files
from mmbdg.paths import check_regular, inside
from mmbdg.pools.base import Pool, size_of
from mmbdg.pools.entry import Entry, facts_in, unused_columns
from mmbdg.pools.faults import MISSING_CAPTION, MISSING_IMAGE, Faults
from mmbdg.reading import read_text

TABLE = 'captions.csv'
FILE = 'file'


class CaptionedFolder(Pool):
    """Images in a folder and its subfolders, with the table ``captions.csv``.

    The table has a header, a row for each image, and the columns ``file`` (path in the folder, with forward slashes) and ``caption``. The
    columns ``url``, ``licence``, ``nsfw`` and ``similarity`` are optional. Entries are in the order of the rows. An image without a row is
    a fault: its caption is missing.

    Args:
        folder: Path of the folder.
    """

    layout = 'captioned_folder'

    def entries(self, faults: Faults) -> Iterator[Entry]:
        rows = self._rows()
        for name, facts in rows.items():
            path = inside(self.folder, name, source=self.folder / TABLE)
            if not path.is_file():
                faults.note(MISSING_IMAGE, name)
            elif not facts['caption']:
                faults.note(MISSING_CAPTION, name)
            else:
                yield Entry(name, size_of(path), **facts)
        for path in list_files(self.folder).files:
            if (name := path.relative_to(self.folder).as_posix()) not in rows:
                faults.note(MISSING_CAPTION, name, f'no row in {TABLE}')

    def _rows(self) -> dict[str, dict]:
        path = self.folder / TABLE
        reader = csv.DictReader(io.StringIO(read_text(path)), strict=True)
        rows: dict[str, dict] = {}
        try:
            names = {str(name).lower(): name for name in reader.fieldnames or ()}
            if lacking := [name for name in (FILE, 'caption') if name not in names]:
                raise InputError(f'{path} has no column "{lacking[0]}"; it has {", ".join(map(str, reader.fieldnames or ())) or "none"}')
            if unused := unused_columns(reader.fieldnames, (FILE,)):
                self.notes.append(f'{path}: columns that are not used: {", ".join(unused)}')
            for row in reader:
                where = f'{path}, line {reader.line_num}'
                if None in row or None in row.values():
                    raise InputError(f'{where}: the row has {"more" if None in row else "fewer"} cells than the head')
                name = row.pop(names[FILE])
                if name in rows:
                    raise InputError(f'{where}: {name} has a row already; an image has one caption')
                rows[name] = facts_in(row, where)
        except csv.Error as error:
            raise InputError(f'{path}, line {reader.line_num}, is not a row of a CSV file: {error}') from error
        return rows

    def file(self, name: str) -> Path:
        return inside(self.folder, name, source=self.folder / TABLE)

    def files(self) -> Iterator[tuple[str, int | str]]:
        check_regular(self.folder / TABLE)
        yield TABLE, sha256(self.folder / TABLE)
        for path in list_files(self.folder).files:
            yield path.relative_to(self.folder).as_posix(), size_of(path)
