"""The tools of this repository in the test's own process: importing the mm packages anew would take seconds each time."""

import json
import runpy
import sys
from contextlib import contextmanager
from unittest import mock

from conftest import ROOT
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmengine.visualization import Visualizer


@contextmanager
def fresh_mmengine():
    """Loggers, visualizers, message hubs and default scopes of other runs are not seen inside, and come back afterwards."""
    managers = (MMLogger, MessageHub, Visualizer, DefaultScope)
    kept = [manager._instance_dict.copy() for manager in managers]
    for manager in managers:
        manager._instance_dict.clear()
    try:
        yield
    finally:
        for manager, instances in zip(managers, kept, strict=True):
            manager._instance_dict.clear()
            manager._instance_dict.update(instances)


def run_main(tool, *arguments):
    """``python tools/TOOL.py ARGUMENTS``; what it raises comes through."""
    with (
        fresh_mmengine(),
        mock.patch.object(sys, 'argv', [f'tools/{tool}.py', *map(str, arguments)]),
        # What takes seconds and tells nothing here: the machine is described, the config is laid out prettily.
        mock.patch.object(Runner, '_log_env'),
        mock.patch('yapf.yapflib.yapf_api.FormatCode', lambda text, **style: (text, True)),
    ):
        runpy.run_path(str(ROOT / 'tools' / f'{tool}.py'), run_name='tool')['main']()


def options(**values):
    """``--cfg-options`` of dotted keys, given with __ for the dots."""
    return ['--cfg-options', *(f'{key.replace("__", ".")}={value}' for key, value in values.items())]


def logged(work_dir):
    """The numbers of each logged iteration of the last training there."""
    files = sorted(work_dir.glob('*/vis_data/scalars.json'))
    return [json.loads(line) for line in files[-1].read_text().splitlines()]
