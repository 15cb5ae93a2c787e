"""Masks as plain PNG files, named like their images; in class folders or all in one."""

from pathlib import PurePosixPath

from mmbdg.annotation.drawn import Drawn, Findings, Problem
from mmbdg.annotation.file_tree import FileTree
from mmbdg.annotation.mask_values import read_mask
from mmbdg.errors import InputError


def read_plain_masks(tree: FileTree, ignore_value: int | None = None) -> Findings:
    """One finding for each PNG file.

    Args:
        tree: Holds them.
        ignore_value: Grey value of pixels that do not count.
    """
    for name in tree.ending_in('.png'):
        pure, where = PurePosixPath(name), tree.where(name)
        try:
            yield Drawn(pure.stem, where, read_mask(tree.read(name), ignore_value), pure.parent.name)
        except InputError as error:
            yield Problem(where, str(error), pure.stem)
