"""Errors and signals reach the user of a command as one line."""

import errno
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import ROOT, run_tool

from mmbdg.errors import DISK, InputError, plain_errors
from mmbdg.files import check_place, write_json, write_safetensors

PROGRAM = """
import os, signal, sys, time
from torch.utils.data import DataLoader
from mmbdg.errors import InputError, plain_errors

class Data:
    def __len__(self): return 8
    def __getitem__(self, i):
        if sys.argv[1] == 'killed':
            os.kill(os.getpid(), signal.SIGKILL)
        if sys.argv[1] == 'refused':
            raise InputError('image 3 has no mask: draw one')
        raise KeyError('a fault of ours')

with plain_errors():
    list(DataLoader(Data(), 2, num_workers=1))
"""


def run_program(text: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run a short program in a forked process; stdout holds both output streams."""
    script = folder / 'program.py'
    script.write_text(text)
    return run_tool(script, *arguments, check=False)


@pytest.mark.parametrize('what', ['killed', 'refused', 'fault'])
def test_errors_of_workers(what, tmp_path):
    result = run_program(PROGRAM, tmp_path, what)
    if what == 'fault':
        assert result.returncode == 1 and 'Traceback' in result.stdout and 'a fault of ours' in result.stdout
        return
    assert result.returncode == 2, result.stdout
    error = result.stdout[result.stdout.index('error: ') :]
    assert 'Traceback' not in error
    if what == 'refused':
        assert error.strip() == 'error: image 3 has no mask: draw one'
    else:
        assert 'killed' in error and 'lower train_dataloader.num_workers' in error and '--resume' in error


def ended(command: Callable[[], None], log: Path, after_start: Callable[[int], None] = lambda pid: None) -> tuple[int, str]:
    """Exit code and output of a command that runs in a forked process."""
    sys.stdout.flush()
    if (pid := os.fork()) == 0:
        code = 1
        try:
            os.setpgid(0, 0)
            os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT), 1)
            os.dup2(1, 2)
            sys.stdout = sys.stderr = os.fdopen(1, 'w', closefd=False)
            with plain_errors('Go on with --resume'):
                command()
            code = 0
        except SystemExit as exit_:
            code = exit_.code
        except BaseException as error:
            print('Traceback', repr(error))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            try:
                sys.stdout.flush()
            finally:
                os._exit(code)
    after_start(pid)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), log.read_text().strip()


def raising(error: BaseException) -> Callable[[], None]:
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize('number', sorted(DISK), ids=lambda number: errno.errorcode[number])
def test_errors_of_the_disk(number, tmp_path):
    """An OSError such as ENOSPC, EROFS or ENAMETOOLONG ends any tool with one line that names the file."""
    code, output = ended(raising(OSError(number, os.strerror(number), 'out/x.png')), tmp_path / 'log')
    assert code == 2 and output == f'error: out/x.png: {DISK[number]}'


def too_large(folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
    write_safetensors(folder / 'w.safetensors', dict(a=torch.zeros(10_000)))


def named_too_long(folder: Path) -> None:
    write_json(folder / ('x' * 300), {})


def in_a_loop(folder: Path) -> None:
    (folder / 'loop').symlink_to('loop')
    write_json(folder / 'loop' / 'x.json', {})


@pytest.mark.parametrize('write', [too_large, named_too_long, in_a_loop])
def test_real_errors_of_the_disk(write, tmp_path):
    (tmp_path / 'out').mkdir()
    code, output = ended(lambda: write(tmp_path / 'out'), tmp_path / 'log')
    assert code == 2 and output.startswith('error: ') and '\n' not in output and 'Traceback' not in output
    assert not list((tmp_path / 'out').glob('*.part'))


@pytest.mark.parametrize(('number', 'name'), [(signal.SIGINT, 'SIGINT'), (signal.SIGTERM, 'SIGTERM')])
def test_signals(number, name, tmp_path):
    """A signal to the whole process group, as a terminal sends it, prints one line. Worker processes print nothing."""

    def command() -> None:
        if os.fork() == 0:
            time.sleep(0.5)
            print('the other process was not disturbed' if number == signal.SIGINT else 'not reached')
            sys.stdout.flush()
            os._exit(0)
        (tmp_path / 'begun').touch()
        time.sleep(60)

    def interrupt(pid: int) -> None:
        while not (tmp_path / 'begun').exists():
            time.sleep(0.01)
        os.killpg(pid, number)

    code, output = ended(command, tmp_path / 'log', interrupt)
    time.sleep(0.8)
    assert code == 128 + number and output == f'error: ended by {name}. What was complete stays. Go on with --resume'
    assert 'Traceback' not in (said := (tmp_path / 'log').read_text()) and 'not reached' not in said
    assert ('was not disturbed' in said) == (number == signal.SIGINT)


ALONE = f"""
import importlib.util
spec = importlib.util.spec_from_file_location('errors', {str(ROOT / 'mmbdg/errors.py')!r})
errors = importlib.util.module_from_spec(spec)
spec.loader.exec_module(errors)
plain_errors = errors.plain_errors
"""
"""The module without torch, which would take most of the time of a program's start and of each fork."""

AROUND_A_FORK = """
import os, signal, sys, threading, time

kill = sys.argv[1]

def command():
    if kill == 'parent':
        threading.Timer(0.05 + os.getpid() % 10 / 1000, os.kill, (os.getpid(), signal.SIGTERM)).start()
    for _ in range(100 if kill == 'child' else 3000):
        if (pid := os.fork()) == 0:
            time.sleep(10 if kill == 'child' else 0)
            os._exit(0)
        if kill == 'child':
            os.kill(pid, signal.SIGTERM)
        assert os.waitpid(pid, 0)[1] == (signal.SIGTERM if kill == 'child' else 0)

for _ in range(1 if kill == 'child' else 20):
    if (pid := os.fork()) == 0:
        code = 1
        try:
            os.setpgid(0, 0)
            with plain_errors():
                command()
            code = 0
        except SystemExit as exit_:
            code = exit_.code
        finally:
            sys.stdout.flush()
            os._exit(code)
    print('ended with', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


@pytest.mark.parametrize('kill', ['child', 'parent'])
def test_sigterm_around_a_fork(kill):
    """SIGTERM is not lost in a process that forks or in a process that was just forked."""
    program = [sys.executable, '-c', ALONE + AROUND_A_FORK, kill]
    output = subprocess.run(program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600).stdout
    lines = [line for line in output.splitlines() if line]
    if kill == 'child':
        assert lines == ['ended with 0']
    else:
        assert lines == ['error: ended by SIGTERM. What was complete stays. Run the same command again', 'ended with 143'] * 20


def test_a_place_is_tried_before_long_work(tmp_path):
    check_place(tmp_path / 'new' / 'figures.json')
    assert list((tmp_path / 'new').iterdir()) == []
    (tmp_path / 'file').touch()
    for place, number in (('file/x.json', errno.ENOTDIR), ('x' * 300, errno.ENAMETOOLONG)):
        with pytest.raises(OSError) as error:
            check_place(tmp_path / place)
        assert error.value.errno in (number, errno.EEXIST)
    command = ('tools/test.py', 'configs/densecl_biggan_fpn.py', 'nowhere.pth', '--out', tmp_path / 'file' / 'x.json')
    result = run_tool(*command, check=False)
    assert result.returncode == 2 and str(tmp_path / 'file') in result.stdout and 'nowhere.pth' not in result.stdout


def test_a_reader_that_has_gone():
    """A tool ends quietly when the reader of its output has closed the pipe: ``python tools/x.py | head -1``."""
    program = ALONE + 'with plain_errors():\n    for i in range(10**6):\n        print(i)'
    process = subprocess.Popen([sys.executable, '-c', program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == '0\n'
    process.stdout.close()
    assert process.stderr.read() == '' and process.wait(60) == 141
    process.stderr.close()


def test_what_is_not_the_inputs_fault_keeps_its_traceback(tmp_path):
    code, output = ended(raising(KeyError('x')), tmp_path / 'log')
    assert code == 1 and 'Traceback' in output
    code, output = ended(raising(MemoryError()), tmp_path / 'log2')
    assert code == 2 and output.startswith('error: there is not enough memory')


def test_a_message_that_quotes_a_file_has_an_end(capsys):
    with pytest.raises(SystemExit), plain_errors():
        raise InputError('line 1: ' + 'x' * 10**7)
    assert len(capsys.readouterr().err) < 1.1 * 10**6


def test_a_forked_process_ends_at_sigterm_while_it_waits_for_a_lock():
    """A forked process ends at SIGTERM while it waits for a lock.

    mmdet terminates the process pools that it uses for evaluation. A Python signal handler does not run during the wait.
    """
    lock = multiprocessing.get_context('fork').Lock()
    with plain_errors():
        lock.acquire()
        child = multiprocessing.get_context('fork').Process(
            target=lambda: signal.getsignal(signal.SIGTERM) == signal.SIG_DFL and lock.acquire()
        )
        child.start()
        child.join(0.5)
        child.terminate()
        child.join(20)
        ended = child.exitcode
        child.kill()
    assert ended == -signal.SIGTERM


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_with_the_end_of_a_child(number, tmp_path):
    """A signal that arrives together with SIGCHLD, as when a process group is terminated, still ends the process."""
    program = f"""
import os, signal, time
from mmbdg.errors import plain_errors
signal.signal(signal.SIGCHLD, lambda *_: None)  # torch's, when there are workers
both = {{signal.Signals({int(number)}), signal.SIGCHLD}}
with plain_errors('Go on'):
    signal.pthread_sigmask(signal.SIG_BLOCK, both)
    for one in both:
        os.kill(os.getpid(), one)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, both)
    time.sleep(20)
"""
    result = run_program(program, tmp_path)
    assert (result.returncode, result.stdout.strip()) == (
        128 + number,
        f'error: ended by {number.name}. What was complete stays. Go on',
    )
