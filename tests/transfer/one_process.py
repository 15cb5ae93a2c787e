"""Run the tools in the test process, because importing the mm packages takes seconds each time."""

import contextlib
import io
import runpy
import sys

import numpy as np
import torch
from conftest import ROOT
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

GLOBAL = (DefaultScope, MessageHub, MMLogger, Visualizer)
"""Classes of mmengine that keep instances by name. A Runner would reuse those of an earlier Runner."""


@contextlib.contextmanager
def fresh_process():
    """Context with mmengine's instances and random states as at the start of a process. They are restored afterwards."""
    kept = {kind: dict(kind._instance_dict) for kind in GLOBAL}
    states = torch.get_rng_state(), np.random.get_state()
    for kind in GLOBAL:
        kind._instance_dict.clear()
    try:
        yield
    finally:
        for kind in GLOBAL:
            kind._instance_dict.clear()
            kind._instance_dict.update(kept[kind])
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])


def run_here(tool, *arguments, code=0):
    """Run ``python tool arguments...`` in this process and return its output. Raises an error for another exit code."""
    argv, output = sys.argv, io.StringIO()
    sys.argv = [str(tool), *map(str, arguments)]
    try:
        with (
            fresh_process(),
            contextlib.chdir(ROOT),
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(output),
        ):
            runpy.run_path(str(ROOT / tool), run_name='__main__')
        ended = 0
    except SystemExit as end:
        ended = end.code or 0
    finally:
        sys.argv = argv
    assert ended == code, output.getvalue()[-6000:]
    return output.getvalue()
