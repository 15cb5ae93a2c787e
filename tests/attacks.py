"""Run a tool against hostile files: ``attacks.py TOOL ATTACKS.json RESULTS.json``.

The tool is imported once. Each attack then runs its ``__main__`` in a process forked from this one, in a folder of its own; written down
are its exit code, its output, the seconds it took and the most memory (MB) it had. Modules of other packages that an attack imports are
imported here too, so that the next one need not do it again. Of an attack whose name begins with "full" no file
can grow beyond 100 bytes, as on a full disk.
"""

import contextlib
import gc
import importlib
import json
import os
import resource
import runpy
import select
import signal
import sys
import time
import traceback
from pathlib import Path

SECONDS = 60
"""An attack that takes longer is killed; its exit code is then -9."""
BYTES = 100
PACKAGES = (
    *('PIL', 'cv2', 'mmcv', 'mmdet', 'mmengine', 'mmpretrain', 'mmseg', 'matplotlib', 'pandas', 'pycocotools', 'scipy', 'shapely'),
    *(
        'diffusers',
        'faiss',
        'jinja2',
        'open_clip',
        'pydantic',
        'safetensors',
        'timm',
        'torch',
        'torch_fidelity',
        'torchvision',
        'transformers',
    ),
)
"""Packages of which modules are imported here."""
MODULES = 'modules.txt'
"""File that holds the names of the modules that the last attack imported."""


def attack(tool: str, name: str, arguments: list[str], folder: Path) -> dict:
    """Exit code, output, seconds and memory of one run."""
    folder.mkdir(parents=True)
    start, output = time.monotonic(), b''
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        _run(tool, arguments, folder, writing, full=name.startswith('full'))
    os.close(writing)
    done, status, usage = 0, 0, None
    while not done:
        while select.select([reading], [], [], 0.01)[0] and (part := os.read(reading, 2**16)):
            output += part
        if time.monotonic() - start > SECONDS:
            os.killpg(pid, signal.SIGKILL)
        done, status, usage = os.wait4(pid, os.WNOHANG)
    while select.select([reading], [], [], 0)[0] and (part := os.read(reading, 2**16)):
        output += part
    os.close(reading)
    code, seconds = os.waitstatus_to_exitcode(status), time.monotonic() - start
    import_as_well((folder.parent / MODULES).read_text().split())
    return dict(code=code, output=output.decode(errors='replace'), seconds=seconds, memory=usage.ru_maxrss / 1024)


def import_as_well(names: list[str]) -> None:
    """Import modules of :data:`PACKAGES`; one that cannot be imported by itself is left out."""
    for name in names:
        if name.split('.')[0] in PACKAGES:
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    gc.freeze()


def _run(tool: str, arguments: list[str], folder: Path, output: int, full: bool) -> None:
    code, imported = 70, set(sys.modules)
    modules = os.open(folder.parent / MODULES, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        os.setpgid(0, 0)
        os.chdir(folder)
        os.dup2(output, 1)
        os.dup2(1, 2)
        if full:
            resource.setrlimit(resource.RLIMIT_FSIZE, (BYTES, BYTES))
        sys.argv = [tool, *arguments]
        runpy.run_path(tool, run_name='__main__')
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        if not full:
            os.write(modules, '\n'.join(name for name in sys.modules if name not in imported).encode())
        os._exit(code)


if __name__ == '__main__':
    path, attacks, results = sys.argv[1:]
    sys.path.insert(0, str(Path(path).resolve().parent))
    runpy.run_path(path, run_name='tool')
    gc.freeze()  # what is shared with the forks stays shared
    wanted, below = json.loads(Path(attacks).read_text()), Path(results).parent
    found = {name: attack(path, name, arguments, below / name) for name, arguments in wanted.items()}
    Path(results).write_text(json.dumps(found))
