"""Studies: tables whose every figure comes from a chain of tools, made with one runner (tools/study.py, docs/studies.md)."""

from mmbdg.studies.runner import StudyRunner
from mmbdg.studies.study import Study, read_study

__all__ = ['Study', 'StudyRunner', 'read_study']
