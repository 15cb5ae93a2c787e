"""The card of the converted radiographs: what they say of themselves."""

import os
from pathlib import Path

from mmbdg.errors import InputError
from mmbdg.reading import read_json
from mmbdg.schema import OpenSchema

CARD = 'chest_xray.json'


class Card(OpenSchema):
    """What ``chest_xray.json`` must hold."""

    name: str
    size: int
    finished: bool
    note: str = ''


def read_card(folder: str | os.PathLike) -> dict:
    """What a converted dataset says of itself.

    Raises:
        InputError: There is none, or it was not finished.
    """
    path = Path(folder) / CARD
    if not path.is_file() or not (card := read_json(path, Card))['finished']:
        raise InputError(f'{folder} holds no finished dataset: python tools/dataset_converters/chest_xray.py ARCHIVES {folder}')
    return card
