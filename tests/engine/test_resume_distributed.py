"""Two gloo processes: the checkpoint has the random state of each process, and a NaN in one process stops both."""

import json
from pathlib import Path

import torch
from conftest import run_processes

from mmbdg.compat.checkpoint import read_checkpoint

CODE = """
import json, sys
from pathlib import Path
import numpy as np
import torch
from mmengine.hooks import Hook
from tiny_training import build, train
from mmbdg.engine.launch import exit_process_group
from mmbdg.errors import InputError

torch.distributed.init_process_group('gloo')
rank, folder = torch.distributed.get_rank(), sys.argv[1]
hooks = [dict(type='mmbdg.StopOnNaNHook'), dict(type='mmbdg.RandomStateHook')]
more = dict(by_epoch=False, hooks=hooks, randomness=dict(seed=1, diff_rank_seed=True))
checkpoint = folder + '/killed/iter_8.pth'
result = dict(whole=train(folder + '/whole', **more)[0])
train(folder + '/killed', stop=10, **more)
torch.distributed.barrier()
result['resumed'] = train(folder + '/resumed', resume=checkpoint, **more)[0]

class Spoil(Hook):
    priority = 'HIGHEST'

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if rank == 1 and runner.iter == 7:
            data_batch['inputs'][0] *= np.inf

runner, recorder = build(folder + '/nan', **dict(more, hooks=[Spoil(), *hooks]))
try:
    runner.train()
except InputError as error:
    result['nan'] = str(error)
Path(f'{folder}/{rank}.json').write_text(json.dumps(result))
exit_process_group()
"""


def test_two_processes(tmp_path):
    (tmp_path / 'job.py').write_text(CODE)
    run_processes(2, tmp_path / 'job.py', tmp_path, PYTHONPATH=str(Path(__file__).parent))
    results = [json.loads((tmp_path / f'{rank}.json').read_text()) for rank in (0, 1)]
    for result in results:
        assert result['resumed'] == result['whole'][8:] and len(result['whole']) == 16
    assert results[0]['whole'] != results[1]['whole']
    states = read_checkpoint(tmp_path / 'killed' / 'iter_8.pth')['random_states']
    assert len(states) == 2 and not torch.equal(states[0]['torch'], states[1]['torch'])
    assert 'iteration 8: a loss of another process is not finite' in results[0]['nan'] and 'iteration 8: loss = nan' in results[1]['nan']
    saved = [torch.load(tmp_path / 'nan' / f'nan_iter_8_rank{rank}.pth', weights_only=True) for rank in (0, 1)]
    assert [all(image.isfinite().all() for image in batch['batch']['inputs']) for batch in saved] == [True, False]
    assert not (tmp_path / 'nan' / 'iter_8.pth').exists() and (tmp_path / 'nan' / 'iter_4.pth').exists()
