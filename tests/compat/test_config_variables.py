"""Values that are computed from a config variable change with it, wherever it is set."""

import weakref

import pytest
from conftest import ROOT

from mmbdg.compat.config import read_config
from mmbdg.errors import InputError

BASE = """
_type = 'mmbdg.X'
root, pretrained, n = 'data', 'a.pth', 1
labels = ['a', 'b']
view = [dict(type='Crop', size=n)]
net = dict(width=8, depth=2)
model = dict(
    type='Net',
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=pretrained)),
    heads=[dict(n=n), dict(n=len(labels))],
    net=dict(name='x', **net),
)
train_dataloader = dict(dataset=dict(data_root=f'{root}/images', pipeline=[*view, dict(type='Pack')]))
val_dataloader = train_dataloader
if n > 1:
    train_cfg = dict(max_epochs=n)
"""


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    write('base.py', BASE)
    return write


@pytest.fixture
def base(write, tmp_path):
    return tmp_path / 'base.py'


def test_options_for_variables(base):
    cfg = read_config(base, dict(root='/mine', n=3, labels=['x', 'y', 'z'], pretrained=None))
    assert cfg.train_dataloader.dataset.data_root == cfg.val_dataloader.dataset.data_root == '/mine/images'
    assert cfg.model.backbone.init_cfg.checkpoint is None and [head.n for head in cfg.model.heads] == [3, 3]
    assert cfg.train_dataloader.dataset.pipeline[0].size == 3 and cfg.train_cfg.max_epochs == 3
    assert (cfg.root, cfg.n) == ('/mine', 3)
    assert read_config(base).train_dataloader.dataset.data_root == 'data/images' and 'train_cfg' not in read_config(base)


def test_options_for_parts_of_variables(base):
    cfg = read_config(base, {'net.width': 16, 'view.0.size': 5})
    assert cfg.model.net == dict(name='x', width=16, depth=2)
    assert [loader.dataset.pipeline[0].size for loader in (cfg.train_dataloader, cfg.val_dataloader)] == [5, 5]
    with pytest.raises(InputError, match=r'there is no "widht" in net .*did you mean "width"'):
        read_config(base, {'net.widht': 16})
    assert read_config(base, {'+net.norm': 'BN'}).model.net.norm == 'BN'


def test_options_for_parts_of_what_is_built_stay_there(base):
    """As in every OpenMMLab tool, an option for the training loader does not change the validation loader."""
    cfg = read_config(base, {'train_dataloader.dataset.data_root': '/mine'})
    assert cfg.train_dataloader.dataset.data_root == '/mine' and cfg.val_dataloader.dataset.data_root == 'data/images'


@pytest.mark.parametrize(
    'line',
    [
        'n = 7',
        'n, m = 7, 8',
        'n: int = 7',
        'm = n = 7',
        '(m, [n]) = 1, [7]',
        'for n in (6, 7):\n    n = n',
        'n = 6\nn += 1',
        'if True:\n  n = 7',
    ],
)
def test_however_a_child_sets_a_variable(base, write, line):
    child = write('child.py', f"_base_ = 'base.py'\n# mmbdg.\n{line}\n")
    cfg = read_config(child)
    assert (cfg.n, cfg.model.heads[0].n, cfg.train_cfg.max_epochs) == (7, 7, 7)
    assert read_config(child, dict(n=9)).model.heads[0].n == 9


def test_a_place_that_a_child_sets_itself_keeps_it(write):
    write('child.py', "_base_ = 'base.py'\nmodel = dict(backbone=dict(init_cfg=dict(checkpoint='f.pth')))\n")
    cfg = read_config(write('grandchild.py', "_base_ = 'child.py'\nn = 7\npretrained = 'g.pth'\n"))
    assert cfg.model.backbone.init_cfg.checkpoint == 'f.pth' and cfg.model.heads[0].n == 7


def test_values_from_the_base(write):
    """A child config computes with the base's values. A variable that is computed from itself is computed once."""
    child = write('child.py', "_base_ = 'base.py'\nn = _base_.n * 2\nroot = f'{_base_.root}/mine'\nmodel = dict(m=_base_.n + 10)\n")
    cfg = read_config(child)
    assert (cfg.n, cfg.model.heads[0].n, cfg.model.m) == (2, 2, 12)
    assert cfg.root == 'data/mine' and cfg.train_dataloader.dataset.data_root == 'data/mine/images'
    cfg = read_config(child, dict(root='/x', n=5))
    assert (cfg.n, cfg.model.heads[0].n, cfg.model.m) == (5, 5, 15) and cfg.train_dataloader.dataset.data_root == '/x/images'


def test_values_that_follow_from_one_another(write):
    write('base2.py', "_base_ = 'base.py'\nfile = f'{_base_.root}/a.json'\ntest_evaluator = dict(file=file)\n")
    child = write('child.py', "_base_ = 'base2.py'\nroot = '/b'\nfile = f'{_base_.root}/b.json'\n")
    assert read_config(child).test_evaluator.file == '/b/b.json'


def test_groups_in_the_place_of_a_name(write):
    write('base2.py', "_type = 'mmbdg.X'\nspace = 'fgbg'\nmodel = dict(space=space)\n")
    child = write('child.py', "_base_ = 'base2.py'\nspace = dict(_delete_=True, cats=['a', 'b'])\n")
    assert read_config(child).model.space == dict(cats=['a', 'b'])


def test_old_references(write):
    child = write('child.py', "_base_ = 'base.py'\nmodel = dict(again={{_base_.pretrained}}, deep={{_base_.root}})\nnet = {{_base_.net}}\n")
    cfg = read_config(child, dict(pretrained='b.pth', root='/r', **{'net.depth': 3}))
    assert (cfg.model.again, cfg.model.deep, cfg.model.net.depth) == ('b.pth', '/r', 3)


def test_other_packages_mean_what_they_wrote(write, base):
    """A variable in a child config of another package does not change the values of its base.

    mmdet's Grounding DINO, for example, uses ``dataset_type`` with another meaning.
    """
    base.write_text(BASE.replace('mmbdg.X', 'X'))
    child = write('child.py', "_base_ = 'base.py'\nn = 7\n")
    assert read_config(child).model.heads[0].n == 1
    assert read_config(child, dict(n=9)).model.heads[0].n == 9  # the command line sets both


@pytest.mark.parametrize('key', ['study', 'synthesis', 'selection'])
def test_keys_that_only_our_tools_use(write, key):
    """A study, for example, names nothing of mmbdg; its key shows whose config it is."""
    write('base.py', f'n = 1\n{key} = dict(rows=[n])\n')
    child = write('child.py', "_base_ = 'base.py'\nn = 7\n")
    assert read_config(child, used={key})[key].rows == [7]
    write('base.py', f'n = 1\n{key}_of_others = dict(rows=[n])\n')
    assert read_config(child, used={key})[f'{key}_of_others'].rows == [1]


def test_configs_of_the_new_style(write, tmp_path):
    write('lazy_base.py', 'from mmengine.dataset import DefaultSampler\nn = 2\nmodel = dict(type=DefaultSampler, n=n)\n')
    child = write(
        'lazy.py', 'from mmengine.config import read_base\nwith read_base():\n    from .lazy_base import *\nmodel.update(m=n + 1)\n'
    )
    cfg = read_config(child, dict(n=5))
    assert (cfg.model.n, cfg.model.m) == (5, 6)


def test_functions_and_classes_have_variables_of_their_own(write):
    path = write('x.py', 'n = 1\ndef f():\n    n = 2\n    return n\nclass A:\n    n = 3\nmodel = dict(a=f(), b=A.n, c=n)\ndel A\n')
    assert read_config(path, dict(n=5)).model == dict(a=2, b=3, c=5)


def test_json_and_yaml(write):
    write('b.yaml', 'n: 1\nmodel: {type: X, n: 1}\n')
    cfg = read_config(write('c.json', '{"_base_": "b.yaml", "model": {"m": 2}}'), {'model.n': 3})
    assert cfg.model == dict(type='X', n=3, m=2)


@pytest.mark.parametrize('name', ['own/gan.py', 'interpreter/biggan512_mc16.py', 'densecl_biggan_fpn_fgbg_in1k.py'])
def test_reading_twice_gives_the_same(name):
    path = ROOT / 'configs' / name
    assert read_config(path).to_dict() == read_config(path).to_dict()


def test_reading_keeps_nothing_of_its_caller():
    """Reading a config keeps no reference to the caller's objects.

    A missing config is remembered without the exception, whose frames would keep whole models in memory.
    """

    class Model:
        pass

    def read():
        model = Model()
        read_config(ROOT / 'configs' / 'densecl_biggan_fpn_in1k.py')
        return weakref.ref(model)

    assert [read()() for _ in range(2)] == [None, None]
