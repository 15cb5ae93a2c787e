"""Arguments that the launch scripts pass on.

A fake ``srun`` shows the arguments for slurm. test_main_job.py runs dist_train.sh.
"""

import os
import subprocess

import pytest
from conftest import ROOT

SRUN = '#!/usr/bin/env bash\necho "MASTER_PORT=$MASTER_PORT"\nprintf "%s\\n" "$@"\n'


def run(script, *arguments, path='', **environment):
    environment = dict(os.environ, PATH=f'{path}:{os.environ["PATH"]}') | environment
    return subprocess.run([ROOT / 'tools' / script, *arguments], env=environment, capture_output=True, text=True)


@pytest.fixture
def srun(tmp_path):
    (tmp_path / 'srun').write_text(SRUN)
    (tmp_path / 'srun').chmod(0o755)
    return str(tmp_path)


def test_slurm_train(srun):
    lines = run('slurm_train.sh', 'gpu', 'joint', 'a b.py', '--cfg-options', 'x="1 2"', 'y=3', path=srun).stdout.splitlines()
    assert lines == [
        'MASTER_PORT=29500', '-p', 'gpu', '--job-name=joint', '--gres=gpu:8', '--ntasks=8', '--ntasks-per-node=8', '--cpus-per-task=5',
        '--kill-on-bad-exit=1', 'python', '-u', f'{ROOT}/tools/train.py', 'a b.py', '--launcher', 'slurm',
        '--cfg-options', 'x="1 2"', 'y=3',
    ]  # fmt: skip


def test_slurm_test_with_settings(srun):
    settings = dict(GPUS='16', GPUS_PER_NODE='4', CPUS_PER_TASK='9', SRUN_ARGS='--qos=high --exclusive', PORT='29511')
    lines = run('slurm_test.sh', 'gpu', 'joint', 'c.py', 'c.pth', '--work-dir', 'w', path=srun, **settings).stdout.splitlines()
    assert lines == [
        'MASTER_PORT=29511', '-p', 'gpu', '--job-name=joint', '--gres=gpu:4', '--ntasks=16', '--ntasks-per-node=4', '--cpus-per-task=9',
        '--kill-on-bad-exit=1', '--qos=high', '--exclusive', 'python', '-u', f'{ROOT}/tools/test.py', 'c.py', 'c.pth',
        '--launcher', 'slurm', '--work-dir', 'w',
    ]  # fmt: skip


def test_fewer_gpus_than_a_node_has(srun):
    lines = run('slurm_train.sh', 'gpu', 'joint', 'c.py', path=srun, GPUS='2').stdout.splitlines()
    assert {'--gres=gpu:2', '--ntasks=2', '--ntasks-per-node=2'} <= set(lines)


@pytest.mark.parametrize('script', ['train', 'test'])
def test_several_machines(script, tmp_path):
    """A fake ``python`` shows the arguments for torchrun."""
    (tmp_path / 'python').write_text('#!/usr/bin/env bash\necho "$PYTHONPATH"\nprintf "%s\\n" "$@"\n')
    (tmp_path / 'python').chmod(0o755)
    machines = dict(NNODES='2', NODE_RANK='1', MASTER_ADDR='10.0.0.1', PORT='29511', PYTHONPATH='/mine')
    given = ['c.py', 'c.pth', '4'] if script == 'test' else ['c.py', '4']
    path, *lines = run(f'dist_{script}.sh', *given, '--work-dir', 'a b', path=str(tmp_path), **machines).stdout.splitlines()
    assert path == f'{ROOT}/tools/..:/mine'
    assert lines == [
        '-m', 'torch.distributed.run', '--nnodes=2', '--node_rank=1', '--master_addr=10.0.0.1', '--master_port=29511', '--nproc_per_node=4',
        f'{ROOT}/tools/{script}.py', *given[:-1], '--launcher', 'pytorch', '--work-dir', 'a b',
    ]  # fmt: skip


@pytest.mark.parametrize('script', ['dist_train', 'dist_test', 'slurm_train', 'slurm_test'])
def test_too_few_arguments(script):
    result = run(f'{script}.sh', 'c.py')
    assert result.returncode != 0 and f'usage: {ROOT}/tools/{script}.sh' in result.stderr and 'CONFIG' in result.stderr
