"""A GAN on two processes without a GPU: equal weights, and gradients that are the mean over the processes."""

import torch
from conftest import run_processes

from mmbdg.compat.checkpoint import read_state_dict

CODE = """
import sys, torch
import torch.distributed as dist
from mmbdg.engine.launch import exit_process_group
from mmbdg.models import GANDistributed
dist.init_process_group('gloo')
rank = dist.get_rank()
torch.manual_seed(rank)
net = torch.nn.Linear(3, 1)
GANDistributed(net)(torch.full((1, 3), float(rank + 1))).sum().backward()
torch.save(dict(weight=net.weight.detach(), grad=net.weight.grad), f'{sys.argv[1]}/{rank}.pth')
exit_process_group()
"""


def test_gradients_are_averaged_and_weights_start_equal(tmp_path):
    (tmp_path / 'job.py').write_text(CODE)
    run_processes(2, tmp_path / 'job.py', tmp_path)
    first, second = (torch.load(tmp_path / f'{rank}.pth', weights_only=True) for rank in (0, 1))
    assert torch.equal(first['weight'], second['weight'])
    assert first['grad'].tolist() == second['grad'].tolist() == [[1.5, 1.5, 1.5]]  # the mean of 1 and 2


def test_training(tmp_path):
    output = run_processes(
        2, 'tools/train.py', 'configs/gan/biggan_fashion32.py', '--launcher', 'pytorch', '--work-dir', tmp_path,
        '--cfg-options', 'train_cfg.max_iters=4', 'train_cfg.val_interval=4',
        'default_hooks.checkpoint.interval=4', 'train_dataloader.batch_size=8', 'custom_hooks.0.num_samples=20',
        'custom_hooks.1.per_class=2', 'val_dataloader.dataset.label_fraction=0.01', 'model.generator.base_channels=8',
        'model.discriminator.base_channels=8',
    )  # fmt: skip
    assert 'KD_resnet_fashion32' in output
    assert 'blocks.0.0.conv1.parametrizations.weight.original' in read_state_dict(tmp_path / 'generator.safetensors')
