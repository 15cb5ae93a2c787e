"""The entries of a pool in an SQLite file, with full-text tables of their captions."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import numpy as np

from mmbdg.errors import InputError
from mmbdg.files import write_atomically
from mmbdg.pools.entry import Entry

TOKENIZERS = ('unicode61', 'trigram')
"""SQLite's tokenizers by name: whole words without regard to case, or all sequences of three characters, which find true substrings."""
COLUMNS = 'name, size, caption, url, licence, nsfw, similarity, row'
CREATE = (
    'CREATE TABLE entries (position INTEGER PRIMARY KEY, name TEXT NOT NULL, size INTEGER NOT NULL, caption TEXT NOT NULL, '
    'url TEXT NOT NULL, licence TEXT NOT NULL, nsfw TEXT NOT NULL, similarity REAL, row INTEGER NOT NULL)'
)
FEWEST_TRIGRAM = 3
"""Minimum length of a search term in characters for the tokenizer ``trigram``."""


def write_entries(path: Path, entries: Iterable[Entry], tokenizers: Sequence[str] = ()) -> int:
    """Write entries to a new file, atomically; their positions are 0, 1, ... in the order given.

    Args:
        path: Path of the file.
        entries: The entries.
        tokenizers: Names of the tokenizers; each has its own full-text table of the captions.

    Returns:
        Number of entries.

    Raises:
        InputError: The file cannot be written, or a text is not valid Unicode.
    """

    def write(part: Path) -> None:
        with closing(sqlite3.connect(part)) as table:
            table.executescript('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF')  # the file is renamed when it is complete
            table.execute(CREATE)
            table.executemany(f'INSERT INTO entries ({COLUMNS}) VALUES ({", ".join("?" * len(Entry._fields))})', map(_encodable, entries))
            for tokenizer in tokenizers:
                table.execute(
                    f"CREATE VIRTUAL TABLE captions_{tokenizer} USING fts5(caption, content='entries', content_rowid='position', "
                    f"tokenize='{tokenizer}')"
                )
                table.execute(f"INSERT INTO captions_{tokenizer}(captions_{tokenizer}) VALUES ('rebuild')")
            table.commit()

    try:
        write_atomically(path, write)
    except sqlite3.Error as error:
        raise InputError(f'{path} cannot be written: is the disk full? ({error})') from error
    with closing(CaptionTable(path)) as table:
        return len(table)


class CaptionTable:
    """Read-only access to the entries of a file of :func:`write_entries`.

    Args:
        path: Path of the file.

    Raises:
        InputError: The file is missing or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._table = sqlite3.connect(f'file:{quote(str(path.absolute()))}?mode=ro&immutable=1', uri=True)
            self._table.execute('PRAGMA trusted_schema = OFF')
            self._number = self._table.execute('SELECT count(*) FROM entries').fetchone()[0]
        except sqlite3.Error as error:
            raise InputError(f'{path} is not a table of captions, or is damaged ({error}); index the pool again') from error

    def __len__(self) -> int:
        return self._number

    def close(self) -> None:
        """Close the file."""
        self._table.close()

    def entries(self, first: int = 0, number: int | None = None) -> Iterator[Entry]:
        """Entries of a range of positions, in order."""
        last = len(self) if number is None else first + number
        rows = self._table.execute(f'SELECT {COLUMNS} FROM entries WHERE position > ? AND position <= ? ORDER BY position', (first, last))
        return (Entry(*row) for row in rows)

    def entry(self, position: int) -> Entry:
        """Entry at a position."""
        row = self._table.execute(f'SELECT {COLUMNS} FROM entries WHERE position = ?', (position + 1,)).fetchone()
        if row is None:
            raise InputError(f'{self.path} has no entry {position}, only {len(self)}; index the pool again')
        return Entry(*row)

    def having(self, column: str, values: Sequence[str]) -> np.ndarray:
        """Positions of the entries whose column has one of the values, int64 (N,), ascending."""
        found = [self._table.execute(f'SELECT position FROM entries WHERE {column} = ?', (value,)).fetchall() for value in values]
        return np.sort(np.array([row[0] - 1 for rows in found for row in rows], np.int64))

    def values(self, column: str) -> list[str]:
        """Distinct values of a column, sorted."""
        return [row[0] for row in self._table.execute(f'SELECT DISTINCT {column} FROM entries ORDER BY {column}')]

    def match(self, tokenizer: str, query: str) -> np.ndarray:
        """Positions of the entries whose caption matches a query, int64 (N,), ascending.

        Args:
            tokenizer: Name of the tokenizer of the full-text table.
            query: Query in the language of SQLite's FTS5: words, ``"phrases in quotes"``, AND, OR, NOT, parentheses. Case is ignored.
                The released code of "The Unmet Promise" sends the same query to SQLite.

        Raises:
            InputError: FTS5 cannot parse the query, or a term is too short for the tokenizer.
        """
        if tokenizer == 'trigram' and (short := [part for part in _terms(query) if len(part) < FEWEST_TRIGRAM]):
            raise InputError(
                f'the query {query!r} has the term {short[0]!r}; the tokenizer "trigram" finds substrings of at least '
                f'{FEWEST_TRIGRAM} characters'
            )
        table = f'captions_{tokenizer}'
        try:
            rows = self._table.execute(f'SELECT rowid FROM {table} WHERE {table} MATCH ? ORDER BY rowid', (query,)).fetchall()
        except sqlite3.Error as error:
            raise InputError(
                f'FTS5 cannot parse the query {query!r} ({error}); put names that have other signs than letters and digits in double '
                'quotes: "t-shirt" AND red'
            ) from error
        return np.array([row[0] - 1 for row in rows], np.int64)


def phrase(text: str) -> str:
    """FTS5 query that matches a text as a phrase; the text may have any characters."""
    return '"' + text.replace('"', '""') + '"'


def _terms(query: str) -> list[str]:
    """Phrases and bare words of a query, without its operators."""
    quoted = query.split('"')
    words = [word for part in quoted[::2] for word in part.replace('(', ' ').replace(')', ' ').split()]
    return [part for part in quoted[1::2] if part] + [word for word in words if word not in ('AND', 'OR', 'NOT', '+')]


def _encodable(entry: Entry) -> tuple:
    """Values of an entry. A text that is not valid Unicode raises an error, since SQLite stores UTF-8."""
    for value in entry:
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise InputError(f'the entry {ascii(entry.name)} has a text that is not valid Unicode: {ascii(value)[:200]}') from error
    return tuple(entry)
