"""Card (metadata file) of the converted chest X-ray dataset."""

import os
from pathlib import Path

from mmbdg.errors import InputError
from mmbdg.reading import read_json
from mmbdg.schema import OpenSchema

CARD = 'chest_xray.json'


class Card(OpenSchema):
    """Schema of ``chest_xray.json``."""

    name: str
    size: int
    finished: bool
    note: str = ''


def read_card(folder: str | os.PathLike) -> dict:
    """Read the card of a converted dataset.

    Raises:
        InputError: There is no card, or the conversion was not finished.
    """
    path = Path(folder) / CARD
    if not path.is_file() or not (card := read_json(path, Card))['finished']:
        raise InputError(f'{folder} holds no finished dataset: python tools/dataset_converters/chest_xray.py ARCHIVES {folder}')
    return card
