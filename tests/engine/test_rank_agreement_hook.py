from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tiny_methods import build_method
from torch import nn

from mmbdg.engine import RankAgreementHook
from mmbdg.engine.hooks import rank_agreement_hook
from mmbdg.engine.hooks.rank_agreement_hook import digest, shared_tensors
from mmbdg.errors import InputError


def test_digest_is_a_sum_over_the_bits():
    values = torch.randn(3, 5)
    bits = [int(bits) * (2 * i + 1) for i, bits in enumerate(values.flatten().view(torch.int32))]
    assert digest(values).item() == (sum(bits) + 2**63) % 2**64 - 2**63
    assert digest(values.T).item() == digest(values.T.contiguous()).item() != digest(values).item()


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.bool])
def test_any_change_changes_the_digest(dtype, monkeypatch):
    values = (torch.randn(64) * 100).to(dtype)
    values[7], values[9] = 0, 1
    changed, swapped = values.clone(), values.clone()
    changed[7] = 1
    swapped[7], swapped[9] = values[9], values[7]
    whole = digest(values)
    assert len({whole.item(), digest(changed).item(), digest(swapped).item()}) == 3
    monkeypatch.setattr(rank_agreement_hook, 'CHUNK', 10)
    assert digest(values) == whole == digest(values.clone())
    assert digest(torch.tensor(3)) == digest(torch.tensor([3]))


def test_statistics_are_shared_by_synchronised_layers_only():
    spectral = nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2))
    names = shared_tensors(nn.Sequential(nn.BatchNorm2d(2), nn.SyncBatchNorm(2), spectral)).keys()
    assert {
        '0.weight',
        '0.num_batches_tracked',
        '1.weight',
        '1.running_mean',
        '1.running_var',
        '2.parametrizations.weight.original',
    } <= names
    assert not {'0.running_mean', '0.running_var', '2.parametrizations.weight.0._u', '2.parametrizations.weight.0._v'} & names
    names = shared_tensors(build_method('MoCo')).keys()
    assert {'backbone.conv1.weight', 'encoder_k.module.0.conv1.weight', 'encoder_k.steps', 'queue', 'queue_ptr'} <= names


def test_when_it_checks(monkeypatch):
    hook, checked = RankAgreementHook(first=3, interval=5), []
    monkeypatch.setattr(hook, 'check', lambda runner, iteration: checked.append(iteration))
    runner = SimpleNamespace(iter=2)  # resumed at iteration 2
    hook.before_train(runner)
    for runner.iter in range(2, 12):
        hook.after_train_iter(runner, runner.iter)
    runner.iter = 12
    hook.after_train(runner)
    assert checked == [5, 10, 12]


def process(rank: int, folder: Path) -> None:
    """One of two processes. Different batch statistics pass the check; a different queue raises an error."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', init_method=f'file://{folder}/meet', rank=rank, world_size=2)
    torch.manual_seed(0)
    model, said = build_method('MoCo'), []
    model.backbone.bn1.running_mean.fill_(rank)
    runner = SimpleNamespace(model=model, logger=SimpleNamespace(info=said.append))
    RankAgreementHook.check(runner, 20)
    if rank:
        model.queue[3, 5] += 1e-6
    try:
        RankAgreementHook.check(runner, 40)
    except InputError as error:
        said.append(str(error))
    (folder / str(rank)).write_text('\n'.join(said))
    torch.distributed.barrier()  # wait, so that no process ends during the other's communication


def test_a_disturbed_queue_is_found(tmp_path):
    torch.multiprocessing.start_processes(process, (tmp_path,), nprocs=2, start_method='fork')
    for rank in (0, 1):
        equal, differs = (tmp_path / str(rank)).read_text().splitlines()
        assert equal.startswith('iteration 20: ') and equal.endswith('weights and buffers are equal on all 2 processes')
        assert 'after iteration 40 the processes no longer train the same model: 1 of ' in differs
        assert 'differ from rank 0 on rank 1: queue. Check that' in differs
