"""Studies: tables of results. A runner calls a chain of tools for each cell (tools/study.py, docs/studies.md)."""

from mmbdg.studies.runner import StudyRunner
from mmbdg.studies.study import Study, read_study

__all__ = ['Study', 'StudyRunner', 'read_study']
