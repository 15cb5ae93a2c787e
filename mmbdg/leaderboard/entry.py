"""Schema of an entry of the leaderboard: one JSON file for one method in one domain."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from mmbdg.leaderboard.links import checked_address, checked_web_address
from mmbdg.schema import Schema

FORMAT = 'mmbdg leaderboard entry 1'
MOST_SEEDS = 100
DATA_KINDS = {
    'annotated': 'annotated samples',
    'biggan-off': 'BigGAN-sim, offline',
    'biggan-on': 'BigGAN-sim, online',
    'vqgan-sim': 'VQGAN-sim',
    'diffusion-sim': 'diffusion-sim',
    'retrieved': 'retrieved images',
    'real': 'real images with masks',
}
"""Data that a backbone or a segmentor was trained on, by name in entries, with the text on the pages. The list is closed."""
OFFLINE = ('biggan-off', 'vqgan-sim', 'diffusion-sim')
"""Kinds of synthetic data of a fixed number."""
ONLINE = ('biggan-on',)
"""Kinds of synthetic data that are made during a training."""


def _printable(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise PydanticCustomError('printable', 'must be one line of printable characters without blanks at its ends')
    return text


def _day(text: str) -> str:
    try:
        if date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    raise PydanticCustomError('day', 'must be a date, YYYY-MM-DD')


Line = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_printable)]
Note = Annotated[str, StringConstraints(max_length=500), AfterValidator(_printable)]
Address = Annotated[str, StringConstraints(max_length=300), AfterValidator(checked_address)]
WebAddress = Annotated[str, StringConstraints(max_length=300), AfterValidator(checked_web_address)]
Sha256 = Annotated[str, StringConstraints(pattern=r'^[0-9a-f]{64}$')]
Count = Annotated[int, Field(ge=0, le=10**12)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]


class TestSet(Schema):
    """The labels that the figures were measured against, as ``tools/test.py`` writes them.

    Args:
        images: Number of images, at least 1.
        sha256: Checksum of the true masks in the labels of the task.
    """

    images: Annotated[int, Field(ge=1, le=10**9)]
    sha256: Sha256


class Figures(Schema):
    """Figures of one task.

    Args:
        config: Config of the training: a path in this repository, or an ``https://`` address.
        options: Options that changed the config in the test, ``KEY=VALUE``. Default: [].
        labels: Number of labels, including the background.
        mIoU: Mean intersection over union in percent, 0 to 100, one for each seed.
        mean: Mean of ``mIoU``, exact or rounded to one decimal or more.
        checkpoints: SHA-256 of the checkpoints, one for each seed.
        test_set: What the figures were measured on.
    """

    config: Address
    labels: Annotated[int, Field(ge=2, le=65535)]
    mIoU: Annotated[list[float], Field(min_length=1, max_length=MOST_SEEDS)]
    mean: float
    checkpoints: Annotated[list[Sha256], Field(min_length=1, max_length=MOST_SEEDS)]
    test_set: TestSet
    options: Annotated[list[Note], Field(max_length=100)] = []


class Data(Schema):
    """Data that a method used, from the pre-training to the segmentor.

    Args:
        training: Names of :data:`DATA_KINDS` that the segmentor was trained on.
        pretraining: Names of :data:`DATA_KINDS` that the backbone was trained on before; [] for real images without masks only.
        synthetic: Number of synthetic images in both; 0 for none, None if they were made during a training.
        images: Number of real images without labels that were consumed.
        labels: Number of labels of whole images that were consumed, also by a generator or a classifier.
        masks: Number of masks that a person, or what stands in for one, drew.
        note: Which part needed them. Default: ''.
    """

    training: Annotated[list[str], Field(min_length=1, max_length=len(DATA_KINDS))]
    pretraining: Annotated[list[str], Field(max_length=len(DATA_KINDS))]
    synthetic: Count | None
    images: Count
    labels: Count
    masks: Count
    note: Note = ''


class Entry(Schema):
    """An entry.

    Args:
        format: :data:`FORMAT`.
        domain: Name of a domain, see :data:`mmbdg.leaderboard.domains.DOMAINS`.
        method: Name of the method: the text of its row.
        pretraining: Name of the pre-training of the backbone, e.g. ``DenseCL`` or ``random``.
        backbone: Backbone, e.g. ``ResNet-50``.
        data: Data that it used.
        seeds: Seeds of the trainings.
        tasks: Figures by the name of the task.
        date: Day of the measurement, ``YYYY-MM-DD``.
        version: Version of this package that measured.
        docs: Page that describes the method: a path in this repository, or an ``https://`` address. Default: None.
        weights: ``https://`` address of the weights. Default: None.
        submitted_by: Name of a person or group. Default: ''.
        note: What else a reader should know. Default: ''.
    """

    format: Literal['mmbdg leaderboard entry 1']
    domain: Line
    method: Line
    pretraining: Line
    backbone: Line
    data: Data
    seeds: Annotated[list[Seed], Field(min_length=1, max_length=MOST_SEEDS)]
    tasks: Annotated[dict[Line, Figures], Field(min_length=1)]
    date: Annotated[str, AfterValidator(_day)]
    version: Line
    docs: Address | None = None
    weights: WebAddress | None = None
    submitted_by: Note = ''
    note: Note = ''
