"""Named lists of classes: configs can write ``in1k`` or ``fashion32`` in place of a list of classes."""

from collections.abc import Sequence
from functools import cache

from mmbdg.assets import ROOT
from mmbdg.errors import InputError
from mmbdg.paths import is_plain_name
from mmbdg.reading import read_json

IN1K = 'in1k'
SUBSETS = 'in1k_subsets'


@cache
def _listed(name: str) -> dict[str, str]:
    """Class names by folder of an embedded list, in its order."""
    if name == IN1K:
        return read_json(ROOT / IN1K / 'classes.json', dict[str, str])
    card = ROOT / name / 'labelled_generator.json'
    if not is_plain_name(name) or not card.is_file():
        raise InputError(f'classes are a list of names, "{IN1K}", or an embedded labelled generator ("fashion32"); got "{name}"')
    content = read_json(card)
    return dict(zip(content['folders'], content['classes'], strict=True))


def class_names(classes: Sequence[str] | str) -> tuple[str, ...]:
    """Class names of a list, of ``'in1k'`` (the 1,000 ImageNet classes in the order of their wnids), or of an embedded generator.

    Raises:
        InputError: The string is not a known list.
    """
    return tuple(_listed(classes).values()) if isinstance(classes, str) else tuple(classes)


def folder_names(folders: Sequence[str] | str) -> tuple[str, ...]:
    """Folder names of a list, of ``'in1k'`` (its wnids), or of an embedded generator.

    Raises:
        InputError: The string is not a known list.
    """
    return tuple(_listed(folders)) if isinstance(folders, str) else tuple(folders)


@cache
def imagenet_groups() -> dict[str, dict[str, list[int]]]:
    """Label spaces over the 1,000 ImageNet classes: class indices by space and label, see imagenet_label_spaces.py in tools."""
    return read_json(ROOT / IN1K / 'label_spaces.json', dict[str, dict[str, list[int]]])


@cache
def imagenet_subsets() -> dict[str, tuple[str, ...]]:
    """Wnids of sets that cover a part of the 1,000 ImageNet classes, in their order: 'imagenet-a' and 'imagenet-r', 200 each."""
    return {name: tuple(wnids) for name, wnids in read_json(ROOT / SUBSETS / 'subsets.json', dict[str, list[str]]).items()}
