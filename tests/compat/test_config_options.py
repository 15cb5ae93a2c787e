"""Command line options must name an existing or accepted key, and each option takes effect."""

import pytest
from conftest import ROOT

from mmbdg.arguments import Split, parsed
from mmbdg.compat.config import read_config
from mmbdg.errors import InputError

FCN = ROOT / 'configs' / 'transfer' / 'fashion' / 'fpn_r18_frozen.py'
JOINT = ROOT / 'configs' / 'densecl_biggan_fpn.py'


@pytest.mark.parametrize(
    ('path', 'key', 'near'),
    [
        (FCN, 'iteratons', 'iterations'),
        (FCN, 'label_fractoin', 'label_fraction'),
        (FCN, 'sythesis.seed', 'synthesis'),
        (FCN, 'model.backbone.with_cpp', 'with_cp'),
        (FCN, 'model.bacbone.depth', 'backbone'),
        (FCN, 'train_dataloader.dataset.pipeline.2.probb', 'prob'),
        (FCN, 'train_dataloader.num_worker', 'num_workers'),
        (FCN, 'train_dataloader.sampler.shufle', 'shuffle'),
        (FCN, 'optim_wrapper.optimizer.weight_decy', 'weight_decay'),
        (FCN, 'optim_wrapper.clip_gard.max_norm', 'clip_grad'),
        (FCN, 'optim_wrapper.paramwise_cfg.bias_lr_mul', 'bias_lr_mult'),
        (FCN, 'param_scheduler.eta_mn', 'eta_min'),
        (FCN, 'default_hooks.chekpoint.interval', 'checkpoint'),
        (FCN, 'default_hooks.logger.intervall', 'interval'),
        (FCN, 'custom_hooks.0.num_sampels', 'num_samples'),
        (FCN, 'auto_scale_lr.enabel', 'enable'),
        (FCN, 'env_cfg.cudnn_benchmrk', 'cudnn_benchmark'),
        (FCN, 'env_cfg.mp_cfg.mp_start_metod', 'mp_start_method'),
        (FCN, 'randomness.sed', 'seed'),
        (FCN, 'log_processor.window_sze', 'window_size'),
        (FCN, 'visualizer.vis_backend', 'vis_backends'),
        (FCN, 'train_cfg.max_iter', 'max_iters'),
        (FCN, 'model.test_cfg.mod', 'mode'),
        (JOINT, 'synthesis.sed', 'seed'),
        (JOINT, 'train_dataloader.dataset.seg.labels_space', 'label_space'),
        (JOINT, 'model.data_preprocessor.seg.seg_pad_vale', 'seg_pad_val'),
    ],
)
def test_unknown_keys(path, key, near):
    with pytest.raises(InputError) as error:
        read_config(path, {key: 1})
    assert str(error.value).startswith(f'--cfg-options {key}: there is no "') and '\n' not in str(error.value)
    assert f'; did you mean "{near}"?' in str(error.value) and f'(+{key}=... sets it anyway)' in str(error.value)
    node = read_config(path, {f'+{key}': 1})
    for part in key.split('.'):
        node = node[int(part)] if isinstance(node, list) else node[part]
    assert node == 1


@pytest.mark.parametrize(
    ('key', 'value'),
    [
        ('model.backbone.with_cp', True),
        ('model.decode_head.sampler.type', 'OHEMPixelSampler'),
        ('model.backbone.init_cfg.checkpoint', 'x.pth'),
        ('train_dataloader.dataset.pipeline.0.keep_ratio', True),
        ('train_dataloader.pin_memory', True),
        ('train_dataloader.batch_sampler.type', 'X'),
        ('optim_wrapper.accumulative_counts', 2),
        ('optim_wrapper.clip_grad.max_norm', 1),
        ('optim_wrapper.paramwise_cfg.custom_keys.head.lr_mult', 10),
        ('optim_wrapper.optimizer.nesterov', True),
        ('default_hooks.checkpoint.save_best', 'mIoU'),
        ('default_hooks.extra.type', 'X'),
        ('auto_scale_lr.enable', True),
        ('randomness.deterministic', True),
        ('env_cfg.dist_cfg.timeout', 5),
        ('train_cfg.val_begin', 5),
        ('val_cfg.fp16', True),
        ('test_evaluator.output_dir', 'x'),
        ('visualizer.save_dir', 'x'),
        ('log_processor.mean_pattern', 'x'),
        ('experiment_name', 'x'),
        ('load_from', 'x.pth'),
        ('find_unused_parameters', True),
        ('compile.backend', 'x'),
    ],
)
def test_new_keys_that_something_takes(key, value):
    node = read_config(FCN, {key: value})
    for part in key.split('.'):
        node = node[int(part)] if isinstance(node, list) else node[part]
    assert node == value


@pytest.mark.parametrize(
    ('key', 'told'),
    [
        ('train_dataloader.dataset.pipeline.9.prob', 'train_dataloader.dataset.pipeline has 4 entries, 0 to 3'),
        ('train_dataloader.dataset.pipeline.last.prob', 'has 4 entries'),
        ('iterations.x', 'iterations is 300, which has no parts'),
        ('launcher', 'set by --launcher'),
    ],
)
def test_places_that_are_none(key, told):
    with pytest.raises(InputError, match=told):
        read_config(FCN, {key: 1})


CONFIG = """
root, pretrained, dead, n = 'data/x', 'a.pth', 'data/x', 5
model = dict(type='Net', backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=pretrained)), n=n)
val_evaluator = dict(type='X', file=f'{root}/val.json', metric='bbox')
train_cfg = dict(max_iters=n, val_interval=n)
load_from = None
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / 'base.py').write_text(CONFIG)
    return tmp_path / 'base.py'


def test_a_variable_that_nothing_uses(config):
    config.write_text(CONFIG + "test_evaluator = dict(type='X', folder=root)\n")
    told = 'nothing uses dead of .*base.py, so it has no effect; set root, test_evaluator.folder$'
    with pytest.raises(InputError, match=told):
        read_config(config, dict(dead='x'))
    assert read_config(config, dict(dead='data/x')).dead == 'data/x'  # the value as it is in the config
    assert read_config(config, {'+dead': 'x'}).dead == 'x'
    config.write_text(CONFIG + "names = ('a', 'b')\n")
    assert list(read_config(config, dict(names=['a', 'b'])).names) == ['a', 'b']  # a list, as the command line gives it
    with pytest.raises(InputError, match='nothing uses root of .*; set the place itself'):
        read_config(config, dict(root='x'), used={'model'})


def test_a_variable_and_the_place_that_it_decides(config):
    place = 'model.backbone.init_cfg.checkpoint'
    assert read_config(config, {place: 'd.pth'}).model.backbone.init_cfg.checkpoint == 'd.pth'
    with pytest.raises(InputError, match=f'pretrained and {place} are both given, and pretrained decides {place}: give one of them'):
        read_config(config, {place: 'd.pth', 'pretrained': 'b.pth'})
    with pytest.raises(InputError, match='root and val_evaluator.file are both given'):
        read_config(config, {'val_evaluator.file': 'own.json', 'root': '/elsewhere'})
    assert read_config(config, {place: 'b.pth', 'pretrained': 'b.pth'}).pretrained == 'b.pth'
    off = {'model.backbone.init_cfg': None, 'pretrained': None}  # a randomly initialised backbone
    assert read_config(config, off).model.backbone.init_cfg is None
    parent = {'model.backbone.init_cfg': dict(type='Pretrained', checkpoint='e.pth')}
    assert read_config(config, parent).model.backbone.init_cfg.checkpoint == 'e.pth'


def test_a_variable_that_still_arrives_elsewhere(config):
    """A variable takes effect in other places if an option sets one of its places.

    Example: tools/train.py CONFIG --cfg-options iterations=300 train_cfg.val_interval=50
    """
    cfg = read_config(config, {'n': 300, 'train_cfg.val_interval': 50})
    assert cfg.train_cfg == dict(max_iters=300, val_interval=50)


def test_one_key_twice(config):
    with pytest.raises(InputError, match='gives n twice'):
        read_config(config, {'n': 1, '+n': 2})


@pytest.mark.parametrize(
    ('key', 'text', 'value'),
    [
        ('root', '/data/a,b/c d', '/data/a,b/c d'),
        ('load_from', 'out,1/x.pth', 'out,1/x.pth'),
        ('pretrained', 'out,1/x.pth', 'out,1/x.pth'),
        ('val_evaluator.metric', 'bbox,segm', ['bbox', 'segm']),
        ('pretrained', '[a/x.pth,b/x.pth]', ['a/x.pth', 'b/x.pth']),
    ],
)
def test_commas_in_a_path(config, key, text, value):
    node = read_config(config, {key: parsed(text)})
    for part in key.split('.'):
        node = node[part]
    assert node == value and not isinstance(node, Split)


def test_a_list_of_paths_stays_one(config):
    config.write_text("files = ['a/x']\nmodel = dict(files=files)\n")
    assert read_config(config, dict(files=parsed('b/x,c/x'))).model.files == ['b/x', 'c/x']
