"""Entry of a pool: one image with its metadata, read from columns of different names."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mmbdg.errors import InputError

COLUMNS = dict(
    caption=('caption', 'text', 'alt'),
    url=('url',),
    licence=('licence', 'license'),
    nsfw=('nsfw',),
    similarity=('similarity',),
)
"""Column names, in lower case, of each field; the first existing column is used."""


class Entry(NamedTuple):
    """One image of a pool.

    Attributes:
        name: Name in the pool, unique: path in the folder, or ``SHARD.tar!MEMBER``.
        size: Size of the image file in bytes.
        caption: Caption, not empty.
        url: Address of the image on the web; '' if unknown.
        licence: Licence; '' if unknown.
        nsfw: The pool's label of unsafe images, such as LAION's "UNLIKELY", "UNSURE" and "NSFW"; '' if unknown.
        similarity: Similarity of image and caption stated by the pool; None if unknown.
        row: Row in the embeddings that the pool provides; -1 if there are none.
    """

    name: str
    size: int
    caption: str
    url: str = ''
    licence: str = ''
    nsfw: str = ''
    similarity: float | None = None
    row: int = -1


def facts_in(columns: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Read the fields of an entry from columns in lower or upper case.

    Args:
        columns: Values by the name of their column.
        where: File and place in it, for messages.

    Returns:
        The fields in :data:`COLUMNS`; '' or None if the pool has no value.

    Raises:
        InputError: The similarity is not a number.
    """
    known = {str(name).lower(): value for name, value in columns.items()}
    found = {field: next((known[name] for name in names if name in known), None) for field, names in COLUMNS.items()}
    texts = {field: _text(value) for field, value in found.items()}
    return texts | dict(similarity=_number(texts['similarity'], f'{where}: the similarity'))


def unused_columns(names: Iterable[str], used: Iterable[str] = ()) -> list[str]:
    """Names of columns that are neither read by :func:`facts_in` nor in ``used``."""
    known = {name for names in COLUMNS.values() for name in names} | set(used)
    return [name for name in names if str(name).lower() not in known]


def _text(value: Any) -> str:
    return '' if value is None or (isinstance(value, float) and math.isnan(value)) else ' '.join(str(value).split())


def _number(text: str, where: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise InputError(f'{where} must be a number, got {text[:80]!r}') from error
    return value if math.isfinite(value) else None
