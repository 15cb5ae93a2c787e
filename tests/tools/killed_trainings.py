"""Run tools/train.py in forks of one process, so that OpenMMLab is imported once, and kill selected trainings.

python killed_trainings.py '[{"arguments": ["CONFIG", ...], "output": "FILE", "kill_after": "CHECKPOINT", "cut": "GLOB"}, ...]'

Prints the exit codes as JSON. ``kill_after``: send SIGKILL some time after this file exists. ``cut``: afterwards, truncate the
newest of these files to half its size.
"""

import glob
import importlib
import json
import os
import random
import runpy
import signal
import sys
import time
import traceback

import numpy
from mmengine.runner import Runner

import mmbdg.engine
import mmbdg.evaluation  # noqa: F401

for package in ('mmpretrain', 'mmseg', 'mmdet'):
    importlib.import_module(f'{package}.models')  # after mmbdg, which provides the operators
importlib.import_module('diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion')


def train(arguments: list[str], output: str) -> None:
    with open(output, 'wb') as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    numpy.random.seed()  # otherwise all forks draw the same numbers
    Runner._log_env = lambda runner, env_cfg: None  # describing the machine takes a second
    sys.argv = ['tools/train.py', *arguments]
    code = 1
    try:
        runpy.run_path(sys.argv[0], run_name='__main__')
        code = 0
    except SystemExit as exit_:
        code = exit_.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def run(arguments: list[str], output: str, kill_after: str | None = None, cut: str | None = None) -> int:
    pid = os.fork()
    if pid == 0:
        train(arguments, output)
    if kill_after:
        while not os.path.exists(kill_after) and not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            time.sleep(0.005)
        time.sleep(random.uniform(0, 0.1))
        os.kill(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if cut and (files := glob.glob(cut)):
        newest = max(files, key=os.path.getmtime)
        os.truncate(newest, os.path.getsize(newest) // 2)
    return code


if __name__ == '__main__':
    random.seed(time.time_ns())
    print(json.dumps([run(**job) for job in json.loads(sys.argv[1])]))
