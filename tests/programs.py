"""Short programs, each in a process forked from one new interpreter: the imports that all of them need take most of their time."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

FORKS = """
import json, os, sys, traceback
before, programs = json.loads(sys.argv[1])
exec(before)
codes = {}
for number, (name, code) in enumerate(programs.items()):
    if (pid := os.fork()) == 0:
        for stream, kind in ((1, 'out'), (2, 'err')):
            os.dup2(os.open(f'{sys.argv[2]}/{number}.{kind}', os.O_WRONLY | os.O_CREAT), stream)
        status = 1
        try:
            exec(code, {'__name__': '__main__'})
            status = 0
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(status)
    codes[name] = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
with open(f'{sys.argv[2]}/codes.json', 'w') as file:
    json.dump(codes, file)
"""


def run_programs(programs: dict[str, str], before: str, cwd: Path) -> dict[str, subprocess.CompletedProcess]:
    """Run programs one after the other.

    Args:
        programs: Python code by name.
        before: Code that the new interpreter runs before it forks.
        cwd: Folder in which they run.

    Returns:
        By name: exit code (1 after any exception), stdout and stderr.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, '-c', FORKS, json.dumps([before, programs]), folder]
        all_of_them = subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=600)
        assert all_of_them.returncode == 0, all_of_them.stderr
        codes = json.loads(Path(folder, 'codes.json').read_text())
        said = [[Path(folder, f'{number}.{kind}').read_text() for kind in ('out', 'err')] for number in range(len(programs))]
    return {name: subprocess.CompletedProcess(name, codes[name], *texts) for name, texts in zip(programs, said, strict=True)}
