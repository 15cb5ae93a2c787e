"""Lists of classes by name: ``in1k`` wherever a config lists the classes of a generator."""

import json
from collections.abc import Sequence
from functools import cache

from mmbdg.assets import ROOT
from mmbdg.errors import InputError

IN1K = 'in1k'


@cache
def _in1k() -> dict[str, str]:
    return json.loads((ROOT / IN1K / 'classes.json').read_text(encoding='utf-8'))


def class_names(classes: Sequence[str] | str) -> tuple[str, ...]:
    """Names of classes: those of a list, or of ``'in1k'``, the 1,000 ImageNet classes in the order of their wnids.

    Raises:
        InputError: Another string.
    """
    return tuple(_in1k().values()) if _is_in1k(classes) else tuple(classes)


def folder_names(folders: Sequence[str] | str) -> tuple[str, ...]:
    """Folders of classes: those of a list, or of ``'in1k'``, its wnids.

    Raises:
        InputError: Another string.
    """
    return tuple(_in1k()) if _is_in1k(folders) else tuple(folders)


def _is_in1k(classes: Sequence[str] | str) -> bool:
    if isinstance(classes, str) and classes != IN1K:
        raise InputError(f'classes are a list of names or "{IN1K}", got "{classes}"')
    return classes == IN1K


@cache
def imagenet_groups() -> dict[str, dict[str, list[int]]]:
    """Label spaces over the 1,000 ImageNet classes, space: label: class indices, see tools/dataset_converters/imagenet_label_spaces.py."""
    return json.loads((ROOT / IN1K / 'label_spaces.json').read_text(encoding='utf-8'))
