import os
import time

import pytest

from mmbdg.errors import InputError
from mmbdg.studies import forked_tools

NOTE = """
import os, sys, time
from pathlib import Path
notes, name, other = Path(sys.argv[1]), *sys.argv[2].partition('&')[::2]
with notes.open('a') as file:
    file.write(f'{name} begins\\n')
while other and f'{other} begins' not in notes.read_text():
    time.sleep(0.01)
with notes.open('a') as file:
    file.write(f'{name} ends\\n')
os.write(1, b'said\\n')
sys.exit(3 if name == 'wrong' else 0)
"""


@pytest.fixture
def chain(tmp_path, monkeypatch):
    """Function that yields tool runs with the given names, which write to one file.

    ``a&b`` is a run a that ends after b has started.
    """
    (tmp_path / 'note.py').write_text(NOTE)
    (tmp_path / 'sleep.py').write_text('import time\ntime.sleep(60)\n')
    monkeypatch.setattr(forked_tools, 'import_openmmlab', lambda: None)

    def steps(*names):
        for name in names:
            tool = 'sleep.py' if name == 'sleep' else 'note.py'
            yield forked_tools.ToolRun(tmp_path / tool, (str(tmp_path / 'notes'), name), tmp_path / 'logs' / name)

    return steps


def test_steps_follow_each_other_and_chains_run_beside_each_other(chain, tmp_path):
    forked_tools.work_off([chain('a1', 'a2'), chain(), chain('b1'), chain('c1'), chain()], jobs=1)
    assert (tmp_path / 'notes').read_text().split()[::2] == ['a1', 'a1', 'a2', 'a2', 'b1', 'b1', 'c1', 'c1']
    assert (tmp_path / 'logs' / 'a2').read_text() == 'said\n'
    (tmp_path / 'notes').unlink()
    forked_tools.work_off([chain('a1&b1', 'a2&b2'), chain('b1&a1', 'b2&a2')], jobs=2)  # with one job this would wait for ever
    notes = (tmp_path / 'notes').read_text().splitlines()
    assert all(notes.index(f'{name}1 ends') < notes.index(f'{name}2 begins') for name in 'ab')


def test_a_failure_ends_all(chain, tmp_path):
    start = time.perf_counter()
    with pytest.raises(InputError, match=r'note\.py .* wrong failed with 3; its output is in .*logs/wrong'):
        forked_tools.work_off([chain('sleep'), chain('wrong', 'never'), chain('late')], jobs=2)
    assert time.perf_counter() - start < 30
    notes = (tmp_path / 'notes').read_text()
    assert 'never' not in notes and 'late' not in notes


def test_by_torchrun(tmp_path, monkeypatch):
    """Arguments of a run with several processes."""
    called = []
    monkeypatch.setattr(os, 'execv', lambda path, argv: called.append(argv) or (_ for _ in ()).throw(SystemExit))
    monkeypatch.setattr(os, 'dup2', lambda *_: None)
    with pytest.raises(SystemExit):
        forked_tools._run(tmp_path / 'train.py', ('c.py', '--cfg-options', 'a=1'), tmp_path / 'log', 4)
    (argv,) = called
    assert argv[1:5] == ['-m', 'torch.distributed.run', '--standalone', '--nproc-per-node=4']
    assert argv[5:] == [str(tmp_path / 'train.py'), 'c.py', '--launcher', 'pytorch', '--cfg-options', 'a=1']
