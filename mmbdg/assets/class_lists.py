"""Lists of classes by name: ``in1k`` and ``fashion32`` wherever a config lists the classes of a generator."""

import json
from collections.abc import Sequence
from functools import cache

from mmbdg.assets import ROOT
from mmbdg.errors import InputError

IN1K = 'in1k'


@cache
def _listed(name: str) -> dict[str, str]:
    """Folder: name, for each class of an embedded list, in its order."""
    if name == IN1K:
        return json.loads((ROOT / IN1K / 'classes.json').read_text(encoding='utf-8'))
    card = ROOT / name / 'labelled_generator.json'
    if not card.is_file():
        raise InputError(f'classes are a list of names, "{IN1K}", or an embedded labelled generator ("fashion32"); got "{name}"')
    content = json.loads(card.read_text(encoding='utf-8'))
    return dict(zip(content['folders'], content['classes'], strict=True))


def class_names(classes: Sequence[str] | str) -> tuple[str, ...]:
    """Names: those of a list, of ``'in1k'``, the 1,000 ImageNet classes in the order of their wnids, or of an embedded generator's.

    Raises:
        InputError: Another string.
    """
    return tuple(_listed(classes).values()) if isinstance(classes, str) else tuple(classes)


def folder_names(folders: Sequence[str] | str) -> tuple[str, ...]:
    """Folders of classes: those of a list, of ``'in1k'``, its wnids, or of an embedded generator.

    Raises:
        InputError: Another string.
    """
    return tuple(_listed(folders)) if isinstance(folders, str) else tuple(folders)


@cache
def imagenet_groups() -> dict[str, dict[str, list[int]]]:
    """Label spaces over the 1,000 ImageNet classes, space: label: class indices, see tools/dataset_converters/imagenet_label_spaces.py."""
    return json.loads((ROOT / IN1K / 'label_spaces.json').read_text(encoding='utf-8'))
