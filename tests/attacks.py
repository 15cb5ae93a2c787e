"""Run a tool against hostile files: ``attacks.py TOOL ATTACKS.json RESULTS.json``.

The tool is imported once. Attacks then run its ``__main__`` in processes forked from this one, each attack in a folder of its own;
written down are its exit code, its output, the seconds it took and the most memory (MB) it had. A fork costs more than most attacks,
so a forked process goes on with the next attack as long as the tool ended with one of :data:`ENDED` and :func:`state` is the same after
the attack as before it. After any other end the next attack gets a new process.

Modules of other packages that attacks import are imported here too, so that the next process need not do it again. An attack whose name
begins with "full" runs in a process of its own, in which no file can grow beyond 100 bytes, as on a full disk.
"""

import builtins
import contextlib
import gc
import importlib
import json
import logging
import os
import random
import re
import resource
import runpy
import select
import signal
import sys
import threading
import time
import traceback
import warnings
from pathlib import Path
from typing import NoReturn

import numpy
import torch
from mmengine.utils import ManagerMixin

SECONDS = 60
"""An attack that takes longer is killed; its exit code is then -9."""
BYTES = 100
PACKAGES = (
    *('PIL', 'cv2', 'mmcv', 'mmdet', 'mmengine', 'mmpretrain', 'mmseg', 'matplotlib', 'pandas', 'pycocotools', 'scipy', 'shapely'),
    *(
        'diffusers',
        'faiss',
        'imagecorruptions',
        'jinja2',
        'llvmlite',
        'numba',
        'open_clip',
        'pydantic',
        'safetensors',
        'skimage',
        'timm',
        'torch',
        'torch_fidelity',
        'torchvision',
        'transformers',
    ),
)
"""Packages of which modules are imported here."""
OURS_AND_PYTHONS = {'mmbdg', *sys.stdlib_module_names}
"""Packages of which an attack may import modules without a new process for the next one, besides :data:`PACKAGES`."""
MODULES = 'modules.txt'
"""File that holds the names of the modules that the last process imported."""
ENDED = (1, 2)
"""Exit codes after which a process goes on: verify.py found a damaged file, or the file was refused."""


class Process:
    """A process forked from this one that runs attacks, one after the other.

    Attributes:
        reusable: Whether it can run another attack.
    """

    def __init__(self, tool: str, folder: Path) -> None:
        orders, self.orders = os.pipe()
        self.reports, reports = os.pipe()
        self.output, output = os.pipe()
        if (pid := os.fork()) == 0:
            for end in (self.orders, self.reports, self.output):
                os.close(end)
            _serve(tool, folder, orders, reports, output)
        for end in (orders, reports, output):
            os.close(end)
        self.pid, self.folder, self.reusable = pid, folder, True

    def attack(self, name: str, arguments: list[str]) -> dict:
        """Exit code, output, seconds and memory of one run."""
        start, output, report, over = time.monotonic(), b'', b'', False
        os.write(self.orders, json.dumps([name, arguments]).encode() + b'\n')
        while not report.endswith(b'\n') and not over:
            ready = select.select([self.output, self.reports], [], [], 1)[0]
            if self.output in ready:
                output += os.read(self.output, 2**16)
            if self.reports in ready:
                report += (part := os.read(self.reports, 2**16))
                over = not part  # it has ended
            if time.monotonic() - start > SECONDS:
                os.killpg(self.pid, signal.SIGKILL)
        while select.select([self.output], [], [], 0)[0] and (part := os.read(self.output, 2**16)):
            output += part
        result = dict(output=output.decode(errors='replace'), seconds=time.monotonic() - start)
        if not over:
            told = json.loads(report)
            self.reusable = told.pop('reusable')
        if over or not self.reusable:
            code, memory = self.end()
            told = dict(code=code, memory=memory) if over else told
        return result | told

    def end(self) -> tuple[int, float]:
        """Exit code and most memory (MB)."""
        self.reusable = False
        os.close(self.orders)
        _, status, usage = os.wait4(self.pid, 0)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)  # what it has started
        os.close(self.reports), os.close(self.output)
        import_as_well((self.folder / MODULES).read_text().split())
        return os.waitstatus_to_exitcode(status), usage.ru_maxrss / 1024


def run(tool: str, attacks: dict[str, list[str]], folder: Path) -> dict[str, dict]:
    """Results of all attacks, by name."""
    (folder / MODULES).touch()
    found, process = {}, None
    for name, arguments in attacks.items():
        full = name.startswith('full')
        if process and process.reusable and full:
            process.end()
        if not process or not process.reusable:
            process = Process(tool, folder)
        found[name] = process.attack(name, arguments)
    if process and process.reusable:
        process.end()
    return found


def import_as_well(names: list[str]) -> None:
    """Import modules of :data:`PACKAGES`; one that cannot be imported by itself is left out."""
    for name in names:
        if name.split('.')[0] in PACKAGES:
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    gc.freeze()


def state() -> dict[str, object]:
    """What an attack could leave behind for the next one in the same process."""
    known = {*PACKAGES, *OURS_AND_PYTHONS}
    return dict(
        modules=[name for name, module in sys.modules.items() if name.split('.')[0] not in known],
        builtins={name: id(value) for name, value in vars(builtins).items() if name != '_'},
        environment=dict(os.environ),
        path=list(sys.path),
        streams=[id(stream) for stream in (sys.stdin, sys.stdout, sys.stderr)],
        files=len(os.listdir('/proc/self/fd')),
        handlers=[signal.getsignal(number) for number in signal.valid_signals()],
        blocked=signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        limits=[resource.getrlimit(number) for number in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE)],
        threads=threading.active_count(),
        children=Path(f'/proc/self/task/{os.getpid()}/children').read_text(),
        logging=[id(handler) for handler in logging.getLogger().handlers],
        managers={kind.__name__: list(kind._instance_dict) for kind in managers(ManagerMixin)},
        torch=(torch.get_default_dtype(), torch.is_grad_enabled(), torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()),
        random=(random.getstate()[1], numpy.random.get_state()[1].tobytes(), torch.get_rng_state().numpy().tobytes()),
    )


def managers(kind: type) -> list[type]:
    """Classes of mmengine that keep their instances: loggers, message hubs, visualizers, scopes."""
    return [kind, *(below for child in kind.__subclasses__() for below in managers(child))]


def _serve(tool: str, folder: Path, orders: int, reports: int, output: int) -> NoReturn:
    """Run attacks for :class:`Process` until one changes this process."""
    os.setpgid(0, 0)
    os.dup2(output, 1)
    os.dup2(1, 2)
    imported, reusable, lines = set(sys.modules), True, os.fdopen(orders)
    modules = os.open(folder / MODULES, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    while reusable and (line := lines.readline()):
        name, arguments = json.loads(line)
        full = name.startswith('full')
        (folder / name).mkdir(parents=True)
        os.chdir(folder / name)
        if full:
            resource.setrlimit(resource.RLIMIT_FSIZE, (BYTES, BYTES))
        before = state()
        Path('/proc/self/clear_refs').write_text('5')  # the most memory is counted from now on
        code = _attack(tool, arguments)
        memory = int(re.search(r'VmHWM:\s*(\d+) kB', Path('/proc/self/status').read_text())[1]) / 1024
        memory = max(memory, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
        gc.collect()
        reusable = code in ENDED and not full and state() == before
        os.write(reports, json.dumps(dict(code=code, memory=memory, reusable=reusable)).encode() + b'\n')
    if not full:
        os.write(modules, '\n'.join(name for name in sys.modules if name not in imported).encode())
    os._exit(0)


def _attack(tool: str, arguments: list[str]) -> int:
    """Exit code of the tool, of which this process plays the part."""
    code = 70
    sys.argv = [tool, *arguments]
    try:
        with warnings.catch_warnings():  # afterwards a warning is shown again, though it was shown already
            runpy.run_path(tool, run_name='__main__')
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == '__main__':
    path, listed, results = sys.argv[1:]
    sys.path.insert(0, str(Path(path).resolve().parent))
    runpy.run_path(path, run_name='tool')
    gc.freeze()  # what is shared with the forks stays shared
    Path(results).write_text(json.dumps(run(path, json.loads(Path(listed).read_text()), Path(results).parent)))
