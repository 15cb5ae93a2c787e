"""The folder of a labelled generator as it is uploaded."""

import os
import shutil
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from mmbdg.errors import InputError
from mmbdg.file_hashes import HASHES, check_hashes, write_hashes
from mmbdg.files import sha256, whole_folder, write_json
from mmbdg.paths import inside
from mmbdg.reading import read_json
from mmbdg.schema import OpenSchema, PlainName
from mmbdg.sharing.front_matter import one_line
from mmbdg.sharing.model_card import model_card
from mmbdg.sources import LabelledGenerator
from mmbdg.sources.labelled_generator import CARD

FILES = (CARD, 'generator.safetensors', 'interpreter.safetensors')
MADE = 'cards.json'
FIGURES = dict[Annotated[str, Field(min_length=1, max_length=200)], int | float | Annotated[str, Field(max_length=2000)]]
"""Schema of a file of figures."""


class Made(OpenSchema):
    """The fields of an entry of ``cards.json`` that are read: how a file was made."""

    what: str = ''
    command: str = ''
    data: str = ''
    seed: int | None = None
    quality: dict[str, Any] = {}
    licence: str = ''
    sha256: str = ''


def write_model_folder(
    path: str | os.PathLike, out: str | os.PathLike, repository: str, licence: str = '', figures: str | os.PathLike | None = None
) -> None:
    """Write a labelled generator as it is uploaded: weights, JSON, ``hashes.json`` and a card.

    The same labelled generator gives the same bytes. It is loaded first, so one that cannot be loaded is not shared.

    Args:
        path: Folder of the labelled generator, or the name of an embedded one.
        out: Folder to create.
        repository: ``org/name``, for the card.
        licence: Licence of weights and samples. Default: that of the labelled generator.
        figures: JSON file with figures for the card: one dict of numbers or texts by name. Default: None. Figures in a ``cards.json``
            beside the weights are used too.

    Raises:
        InputError: The labelled generator cannot be loaded, its licence is not stated, figures are of other weights, or ``out`` exists.
    """
    folder, stated = LabelledGenerator.find(path), read_json(figures, FIGURES) if figures else {}
    made, own_licence = _made(folder), LabelledGenerator.card(path).get('licence', '')
    licence = licence or own_licence
    if not one_line(licence):
        raise InputError(f'{folder / CARD} states no licence, without which nobody may use it: name one with --licence, e.g. CC-BY-4.0')
    labelled = LabelledGenerator.load(path)
    with whole_folder(out) as part:
        for name in FILES:
            shutil.copyfile(inside(folder, name), part / name)
        if licence != own_licence:  # datasets that are made with the shared copy take their licence from it
            write_json(part / CARD, read_json(part / CARD) | dict(licence=licence))
        if made:
            write_json(part / MADE, made)
        files = write_hashes(part)
        (part / 'README.md').write_text(model_card(labelled, repository, licence, stated, made, files), encoding='utf-8')


def _made(folder: Path) -> dict[str, dict]:
    """Entries of ``cards.json`` about the shared files."""
    if not os.path.lexists(folder / MADE):
        return {}
    entries = read_json(folder / MADE, dict[PlainName, Made])
    found = {name: entries[name] for name in FILES if name in entries}
    for name, entry in found.items():
        if entry.get('sha256') and entry['sha256'] != sha256(folder / name):
            raise InputError(f'{folder / MADE} describes another {name}: the checksums differ; update or remove it')
    return {name: {key: value for key, value in entry.items() if key != 'sha256'} for name, entry in found.items()}


def is_model_folder(folder: str | os.PathLike) -> bool:
    """Whether a folder was written by :func:`write_model_folder`."""
    return os.path.lexists(Path(folder) / HASHES) and (Path(folder) / CARD).is_file()


def check_model_folder(folder: str | os.PathLike) -> None:
    """Check a folder written by :func:`write_model_folder`, whose card may have been edited.

    Raises:
        InputError: A file does not match its checksum, there are other files than safetensors, JSON and the card, or it cannot be loaded.
    """
    check_hashes(folder)
    if others := sorted(path.name for path in Path(folder).rglob('*') if path.suffix not in ('.safetensors', '.json', '.md')):
        raise InputError(f'{folder} holds {others[0]}: only safetensors, JSON and the card are shared, and no pickles; remove it')
    LabelledGenerator.load(folder)
