"""Intermediate results by class, stored on disk so that long work can be stopped and resumed."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from mmbdg.errors import InputError
from mmbdg.files import check_place, write_json
from mmbdg.reading import read_json

PLAN = 'plan.json'


class ClassParts:
    """Results by class in the folder ``<out>.parts``, one file for each class. :meth:`finish` writes the final file and removes them.

    Args:
        out: Path of the final file.
        plan: All settings on which the results depend, as plain values. Results of another plan are not used.
        force: Whether to replace ``out`` if it exists. Default: False.

    Raises:
        InputError: ``out`` exists, and may have been edited.
        OSError: ``out`` cannot be written.
    """

    def __init__(self, out: str | os.PathLike, plan: Mapping[str, Any], force: bool = False) -> None:
        self.out, self.folder = Path(out), Path(f'{out}.parts')
        if self.out.exists() and not force:
            raise InputError(f'{out} exists and may have been edited: choose another name, or replace it with --force')
        check_place(self.out)
        wanted = dict(plan=dict(plan))
        if (self.folder / PLAN).is_file() and read_json(self.folder / PLAN) != wanted:
            print_log(f'{self.folder} holds results of other settings; they are not used, and all classes are made again', 'current')
            shutil.rmtree(self.folder)
        write_json(self.folder / PLAN, wanted)

    def get(self, name: str) -> Any:
        """Result of a class by its id; None if it is not finished."""
        path = self.folder / f'class_{name}.json'
        return read_json(path)['result'] if path.is_file() else None

    def put(self, name: str, result: Any) -> Any:
        """Store the result of a class and return it."""
        write_json(self.folder / f'class_{name}.json', dict(result=result), sync=False)
        return result

    def finish(self, write: Callable[[Path], None]) -> None:
        """Write the final file with a function that takes its path, and remove the parts."""
        write(self.out)
        shutil.rmtree(self.folder)
