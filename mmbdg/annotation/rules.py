"""Rules that draw masks in place of an annotator: a function, or a trained segmentor."""

import os
import sys
from collections.abc import Callable
from importlib import import_module

from mmbdg.errors import InputError


def import_rule(name: str) -> Callable:
    """The rule of this name: an import path, or a segmentor as ``CONFIG.py:CHECKPOINT``.

    Args:
        name: Import path of a function ``image uint8 (R,R,3) RGB -> bool (R,R)``, e.g.
            ``mmbdg.annotation.foreground.fashion_foreground``. Modules in the current folder are found too: ``rules.by_colour`` is the
            function ``by_colour`` in ``rules.py``. Or a config of mmseg and its weights, see
            :class:`~mmbdg.annotation.segmentor_rule.SegmentorRule`.

    Raises:
        InputError: The module does not exist or has no callable of this name, or the segmentor cannot be built.
    """
    config, colon, checkpoint = name.partition('.py:')
    if colon:
        from mmbdg.annotation.segmentor_rule import SegmentorRule

        return SegmentorRule(f'{config}.py', checkpoint)
    module, _, function = name.rpartition('.')
    if not module:
        raise InputError(
            'a rule is named MODULE.FUNCTION, e.g. mmbdg.annotation.foreground.fashion_foreground, or is a segmentor, '
            f'CONFIG.py:CHECKPOINT; got "{name}"'
        )
    sys.path.append(os.getcwd())  # the first entry is the folder of the tool, not the current one
    try:
        rule = getattr(import_module(module), function, None)
    except ModuleNotFoundError as error:
        raise InputError(f'there is no rule "{name}" ({error}), neither in {os.getcwd()} nor among installed packages') from error
    finally:
        sys.path.pop()
    if not callable(rule):
        raise InputError(f'{module} has no function {function}')
    return rule
