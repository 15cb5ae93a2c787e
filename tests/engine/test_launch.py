from argparse import Namespace

import pytest
import torch
from conftest import run_processes
from mmengine.config import Config
from mmengine.model import BaseModule
from torch import nn

from mmbdg.compat.config import check_requirements
from mmbdg.engine.launch import check_pretrained, check_start, load_config
from mmbdg.errors import InputError
from mmbdg.files import write_safetensors


def arguments(config, **options):
    return Namespace(config=str(config), cfg_options=options or None, work_dir=None, launcher='none', local_rank=0)


CONFIG = """
pretrained = 'a.pth'
model = dict(type='Net', backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=pretrained)), heads=[dict(n=1)])
n = 1
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / 'base.py').write_text(CONFIG)
    return tmp_path / 'base.py'


def test_the_work_dir_is_named_after_the_config(config):
    assert load_config(arguments(config)).work_dir == 'work_dirs/base'


def test_all_that_is_missing_is_named_at_once(tmp_path):
    cfg = Config(
        dict(
            weights=str(tmp_path / 'w.pth'),
            requires={'weights': 'train it', str(tmp_path / 'data'): 'download it', str(tmp_path): 'is there'},
        )
    )
    with pytest.raises(InputError, match=r'(?s)w\.pth\s+train it.*data\s+download it') as error:
        check_requirements(cfg)
    assert 'is there' not in str(error.value)


def test_missing_package_of_a_base(tmp_path):
    (tmp_path / 'config.py').write_text("_base_ = 'mmrotate::_base_/default_runtime.py'\n")
    with pytest.raises(InputError, match=r'config.py needs a package: .*mmrotate.*pip install "mmbdg\[onedl,det\]"'):
        load_config(arguments(tmp_path / 'config.py'))


def test_missing_config():
    with pytest.raises(InputError, match='no config at'):
        load_config(arguments('no.py'))


class Net(BaseModule):
    def __init__(self, width, init_cfg=None):
        super().__init__()
        self.backbone = BaseModule(init_cfg)
        self.backbone.conv = nn.Conv2d(3, width, 3)
        self.backbone.bn = nn.BatchNorm2d(width)


def test_a_checkpoint_must_fill_the_backbone(tmp_path):
    state = {f'backbone.{k}': v for k, v in Net(4).backbone.state_dict().items()} | {'head.weight': torch.ones(1)}
    path = tmp_path / 'c.safetensors'
    write_safetensors(path, state)
    init_cfg = dict(type='Pretrained', checkpoint=str(path), prefix='backbone.')
    check_pretrained(Net(4, init_cfg))
    with pytest.raises(InputError, match=r'(?s)does not fill backbone .*conv.weight: \(4, 3, 3, 3\) in the file, \(8, 3, 3, 3\)'):
        check_pretrained(Net(8, init_cfg))
    write_safetensors(path, {k: v for k, v in state.items() if 'bn.running_mean' not in k})
    with pytest.raises(InputError, match='1 missing from the file: bn.running_mean'):
        check_pretrained(Net(4, init_cfg))
    check_pretrained(Net(4, [dict(type='Kaiming')]))
    with pytest.raises(InputError, match='1 missing from the file: bn.running_mean'):
        check_pretrained(Net(4, [dict(type='Kaiming', layer='Conv2d'), init_cfg]))


def test_a_start_must_fit(tmp_path, capsys):
    net = Net(4)
    net.head = nn.Linear(2, 2)
    path, state = tmp_path / 'c.safetensors', net.state_dict()
    cfg = Config(dict(load_from=str(path), work_dir=str(tmp_path)))

    def problem(keys, **change):
        write_safetensors(path, {key: state[key] for key in keys})
        with pytest.raises(InputError, match='another architecture') as error:
            check_start(Config(dict(cfg, **change)), net)
        return str(error.value)

    backbone = [key for key in state if key.startswith('backbone.')]
    write_safetensors(path, {key: state[key] for key in backbone} | {'queue': torch.ones(1)})
    check_start(cfg, net)  # the model has its own head, and the file has an additional tensor
    assert '1 missing from the file: head.bias' in problem([*backbone, 'head.weight'])
    assert '2 missing from the file: head.weight, head.bias' in problem(backbone, resume=True)
    write_safetensors(path, {'other.weight': torch.ones(1)})
    with pytest.raises(InputError, match='has none of its keys'):
        check_start(cfg, net)
    write_safetensors(path, {key: value[:1] if key == 'head.weight' else value for key, value in state.items()})
    with pytest.raises(InputError, match=r'head.weight: \(1, 2\) in the file, \(2, 2\)'):
        check_start(cfg, net)
    check_start(Config(dict(load_from=None, resume=True, work_dir=str(tmp_path))), net)  # there is no checkpoint to resume from


LABELS = """
label_space, label_classes, num_labels, ignore = 'classes', ['a', 'b', 'c'], 4, 255
model = dict(type='mmbdg.Net', head=dict(num_classes=num_labels, ignore_index=ignore))
dataset = dict(label_space=label_space)
"""


def test_the_label_space_decides_the_number_of_labels(tmp_path):
    (tmp_path / 'base.py').write_text(LABELS)
    assert load_config(arguments(tmp_path / 'base.py')).model.head == dict(num_classes=4, ignore_index=255)
    assert load_config(arguments(tmp_path / 'base.py', label_space='fgbg')).model.head.num_classes == 2
    (tmp_path / 'child.py').write_text("_base_ = 'base.py'\nlabel_space = dict(_delete_=True, x=['a', 'b'])\n")
    assert load_config(arguments(tmp_path / 'child.py')).model.head.num_classes == 2
    imagenet = load_config(arguments(tmp_path / 'base.py', label_space='mc992', label_classes='in1k'))
    assert imagenet.model.head == dict(num_classes=992, ignore_index=65535) and imagenet.num_labels == 992
    own = load_config(arguments(tmp_path / 'base.py', **{'label_space': 'fgbg', 'model.head.num_classes': 1}))
    assert own.model.head.num_classes == 1  # a head with one output is allowed if set explicitly
    with pytest.raises(InputError, match='label space "fgbg" has num_labels=2, the command line sets 3'):
        load_config(arguments(tmp_path / 'base.py', label_space='fgbg', num_labels=3))
    with pytest.raises(InputError, match='got "fashion"'):
        load_config(arguments(tmp_path / 'base.py', label_classes='fashion'))


def test_data_loaders(config, monkeypatch):
    config.write_text(
        CONFIG + "train_dataloader = dict(dataset=dict(type='X'), num_workers=2, persistent_workers=True, prefetch_factor=4)\n"
        'val_dataloader = train_dataloader\n'
    )
    cfg = load_config(arguments(config, **{'train_dataloader.num_workers': 0}))
    assert not {'persistent_workers', 'prefetch_factor'} & cfg.train_dataloader.keys() and cfg.val_dataloader.persistent_workers
    assert 'pin_memory' not in cfg.train_dataloader
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    assert load_config(arguments(config)).train_dataloader.pin_memory is True
    assert load_config(arguments(config, **{'train_dataloader.pin_memory': False})).train_dataloader.pin_memory is False


LEAVE = """
import atexit
import torch
from mmbdg.engine.launch import exit_process_group

class Kept:
    def __del__(self):
        print('taken apart')

def work():
    torch.distributed.init_process_group('gloo')
    rank, gathered, kept = torch.distributed.get_rank(), [None, None], Kept()
    torch.distributed.all_gather_object(gathered, rank)
    atexit.register(print, f'rank {rank} of {gathered} ran its exit functions')
    print(f'rank {rank} leaves')
    exit_process_group()
    print('returned')

exit_process_group()  # one process: goes on
print('alone')
work()
"""


def test_processes_end_without_taking_anything_apart(tmp_path):
    """Processes exit without destroying the process group.

    Threads of the group may wait for the interpreter lock, so destroying it can cause a deadlock or an abort.
    """
    (tmp_path / 'job.py').write_text(LEAVE)
    output = run_processes(2, tmp_path / 'job.py')
    for told in ('alone', *(f'rank {rank} {does}' for rank in (0, 1) for does in ('leaves', 'of [0, 1] ran its exit functions'))):
        assert told in output
    assert 'taken apart' not in output and 'returned' not in output
