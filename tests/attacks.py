"""Run a tool against hostile files: ``attacks.py TOOL ATTACKS.json RESULTS.json``.

The tool is imported once. Each attack then runs its ``__main__`` in a process forked from this one, in a folder of its own; written down
are its exit code, its output, the seconds it took and the most memory (MB) it had.
"""

import json
import os
import runpy
import sys
import time
import traceback
from pathlib import Path

SECONDS = 60
"""An attack that takes longer is killed; its exit code is then -9."""


def attack(tool: str, arguments: list[str], folder: Path) -> dict:
    """Exit code, output, seconds and memory of one run."""
    folder.mkdir(parents=True)
    log, start = folder / 'log.txt', time.monotonic()
    if (pid := os.fork()) == 0:
        _run(tool, arguments, folder, log)
    status, usage = 0, None
    while usage is None or not (os.WIFEXITED(status) or os.WIFSIGNALED(status)):
        if time.monotonic() - start > SECONDS:
            os.killpg(pid, 9)
        done, status, found = os.wait4(pid, os.WNOHANG)
        if done:
            usage = found
        else:
            time.sleep(0.01)
    seconds = time.monotonic() - start
    return dict(
        code=os.waitstatus_to_exitcode(status), output=log.read_text(errors='replace'), seconds=seconds, memory=usage.ru_maxrss / 1024
    )


def _run(tool: str, arguments: list[str], folder: Path, log: Path) -> None:
    code = 70
    try:
        os.setpgid(0, 0)
        os.chdir(folder)
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT), 1)
        os.dup2(1, 2)
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
        os._exit(code)


if __name__ == '__main__':
    path, attacks, results = sys.argv[1:]
    sys.path.insert(0, str(Path(path).resolve().parent))
    runpy.run_path(path, run_name='tool')
    found = {
        name: attack(path, arguments, Path(results).parent / name) for name, arguments in json.loads(Path(attacks).read_text()).items()
    }
    Path(results).write_text(json.dumps(found))
