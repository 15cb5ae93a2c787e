"""configs/own at each resolution: the parts fit together, and wrong settings raise an error at the first command."""

import shutil

import numpy as np
import pytest
import torch
from conftest import ROOT
from mmengine.dataset import default_collate, pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DATASETS, MODELS, DefaultScope
from PIL import Image

import mmbdg.engine
import mmbdg.evaluation
import mmbdg.synthesis  # noqa: F401
from mmbdg.compat.config import check_keys, check_requirements, read_config, with_options
from mmbdg.compat.config_options import runner_keys
from mmbdg.engine.config_values import check_values
from mmbdg.errors import InputError
from mmbdg.generators.diffusers_parts import diffusers_part
from mmbdg.models import AutoencoderTraining
from mmbdg.models.diffusion_training import UNETS

OWN = ROOT / 'configs' / 'own'
STEPS = ('classifier', 'gan', 'autoencoder', 'diffusion', 'lora', 'interpreter', 'joint', 'transfer')
SIZES = pytest.mark.parametrize('resolution', [32, 64, 128, 256])
BUDGET = pytest.mark.parametrize('budget', ['cpu-hour', 'gpu-hour', 'gpu-day'])


def config(name, **options):
    cfg = read_config(OWN / f'{name}.py', options, {*runner_keys(), 'synthesis', 'generator', 'classifier', 'next_step', 'weights'})
    check_keys(cfg)
    check_values(cfg)
    return cfg


def built(cfg):
    """The config's model on the meta device, without memory for weights."""
    if 'generator' in cfg.model:
        cfg.model.generator.init_cfg = None
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        if cfg.model.type == 'mmbdg.InterpreterTraining':  # it loads weights into its generator
            with torch.device('meta'):
                generator = MODELS.build(cfg.model.generator)
                return generator, MODELS.build({**generator.interpreter_sizes(), **cfg.model.interpreter})
        if cfg.model.type == 'mmpretrain.ImageClassifier':  # its constructor computes values
            return MODELS.build(cfg.model).to('meta')
        with torch.device('meta'):
            return MODELS.build(cfg.model)


@pytest.fixture
def without_spectral_norm(monkeypatch):
    """Power iterations take long on the meta device."""
    monkeypatch.setattr('mmbdg.generators.spectral_norm.spectral_norm', lambda module, eps: module)


@SIZES
@BUDGET
@pytest.mark.parametrize('colours', ['rgb', 'grey'])
def test_sizes(resolution, budget, colours, without_spectral_norm):
    options = dict(resolution=resolution, class_names=('a', 'b', 'c'), budget=budget, colours=colours)
    width = {'cpu-hour': 16, 'gpu-hour': 32, 'gpu-day': 64}[budget]
    images = torch.empty(2, 3, resolution, resolution, device='meta')
    classifier = built(config('classifier', **options))
    side = resolution // (8 if resolution == 32 else 16)
    assert classifier.extract_feat(images, stage='backbone')[-1].shape[1:] == (8 * width, side, side)
    assert classifier.head.fc.out_features == 3
    gan = built(config('gan', **options))
    y = torch.zeros(2, dtype=torch.long, device='meta')
    made = gan.generator(torch.empty(2, gan.generator.latent_dim, device='meta'), y)
    assert made.shape == images.shape and gan.generator.latent_dim == {32: 80, 64: 100, 128: 120, 256: 140}[resolution]
    assert gan.generator.grey == (colours == 'grey') and ('color' in gan.augment) == (colours == 'rgb')
    assert gan.discriminator(images, y).shape == (2,) and gan.discriminator.blocks[:-1](images).shape[-1] == 4
    generator, interpreter = built(config('interpreter', **options))
    assert interpreter.members[0].resolution == generator.resolution == resolution
    assert interpreter.members[0].groups[-1][0] == resolution and interpreter.num_members == (8 if budget == 'cpu-hour' else 16)


@pytest.mark.parametrize(('resolution', 'budget'), [(32, 'cpu-hour'), (64, 'gpu-hour'), (128, 'gpu-hour'), (256, 'gpu-day')])
def test_sizes_of_the_diffusion_model(resolution, budget, without_spectral_norm):
    """Latents of a quarter of the resolution; the U-Net goes down to 4 x 4, and its features reach the interpreter."""
    options = dict(resolution=resolution, class_names=('a', 'b', 'c'), budget=budget, generator_type='diffusion')
    cfg = config('diffusion', **options)
    with torch.device('meta'):
        autoencoder = AutoencoderTraining(config('autoencoder', **options).model.autoencoder).autoencoder
        unet = diffusers_part(cfg.model.unet, UNETS, 'model.unet')
        latents = autoencoder.encode(torch.empty(2, 3, resolution, resolution)).latents
        assert latents.shape == (2, unet.config.in_channels, resolution // 4, resolution // 4)
        assert unet.config.sample_size == resolution // 4 == 4 * 2 ** (len(unet.config.block_out_channels) - 1)
        text = torch.empty(2, 24, cfg.model.text_encoder.hidden_size)
        assert unet(latents, torch.empty(2), text).sample.shape == latents.shape
        assert autoencoder.decode(latents).sample.shape == (2, 3, resolution, resolution)
    generator, interpreter = built(config('interpreter', **options))
    assert generator.resolution == interpreter.members[0].resolution == resolution and generator.takes_text
    assert config('synthesis', **options).synthesis.source.truncation is None


def test_one_line_chooses_the_generator():
    """``generator_type`` decides which step trains the generator, and whose weights the interpreters use."""
    for kind, step, first in (('biggan', 'gan', 'gan'), ('diffusion', 'diffusion', 'autoencoder'), ('diffusion-lora', 'lora', 'lora')):
        assert config('classifier', generator_type=kind).next_step == f'python tools/train.py {{config_dir}}/{first}.py'
        assert config('interpreter', generator_type=kind).weights == f'work_dirs/own/{step}/generator.safetensors'
        assert 'tools/annotate.py sample' in config(step, generator_type=kind).next_step
        assert config(step, generator_type=kind).work_dir == f'work_dirs/own/{step}'
    with pytest.raises(InputError, match="generator_type is 'diffusion': train diffusion.py"):
        config('gan', generator_type='diffusion')


@pytest.mark.parametrize('colours', ['rgb', 'grey'])
def test_one_step_with_few_images(colours, tmp_path):
    """The smallest layout at 32 px takes a training step on images from a folder; grey ones stay grey, colours become grey."""
    rng = np.random.default_rng(0)
    for kind in ('a', 'b'):
        (tmp_path / 'images' / kind).mkdir(parents=True)
        for i in range(2):
            Image.fromarray(rng.integers(0, 256, (36, 32, 3), np.uint8)).save(tmp_path / 'images' / kind / f'{i}.png')
    options = dict(resolution=32, class_names=('a', 'b'), budget='cpu-hour', colours=colours, data_root=str(tmp_path))
    for step in ('classifier', 'gan', 'autoencoder'):
        cfg = with_options(str(OWN / f'{step}.py'), options)
        with DefaultScope.overwrite_default_scope(cfg.default_scope):
            dataset = DATASETS.build(cfg.train_dataloader.dataset)
            model = MODELS.build(cfg.model).train()
            wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
        items = [dataset[0], dataset[1]]
        assert all(bool((item['inputs'] == item['inputs'][:1]).all()) == (colours == 'grey') for item in items)
        batch = pseudo_collate(items) if step != 'classifier' else default_collate(items)
        before = {name: value.clone() for name, value in model.named_parameters()}
        log = model.train_step(batch, wrapper)
        assert all(torch.isfinite(value).all() for value in log.values())
        assert any(not torch.equal(before[name], value) for name, value in model.named_parameters())
        if step == 'gan':
            made = model.generator(torch.randn(2, 80), torch.tensor([0, 1]))
            assert made.shape == (2, 3, 32, 32) and bool((made == made[:, :1]).all()) == (colours == 'grey')


@SIZES
@pytest.mark.parametrize(('label_space', 'labels'), [('classes', 4), ('fgbg', 2)])
def test_segmentation_sees_no_padding(resolution, label_space, labels):
    """Segmentation images are resized with their masks to the network's input size, so there is no padding.

    Padded pixels would not count in the loss.
    """
    size, options = (max(64, resolution),) * 2, dict(resolution=resolution, class_names=('a', 'b', 'c'), label_space=label_space)
    joint, transfer = config('joint', **options), config('transfer', **options)
    steps = joint.train_dataloader.dataset.seg.pipeline
    assert [step['size'] for step in steps if step['type'] == 'mmbdg.AugmentLabelled'] == [size]
    assert joint.model.data_preprocessor.seg['size'] == transfer.model.data_preprocessor['size'] == size
    assert joint.train_dataloader.dataset.ssl.pipeline[1].transforms[0][0].scale == size
    assert [step['crop_size'] for step in transfer.train_dataloader.dataset.pipeline if 'crop_size' in step] == [size]
    for cfg in (joint, transfer):
        assert [step['scale'] for step in cfg.test_dataloader.dataset.pipeline if 'scale' in step] == [size]
        assert len(cfg.test_dataloader.dataset.metainfo.classes) == labels
        assert cfg.test_dataloader.dataset.label_map == (None if label_space == 'classes' else {2: 1, 3: 1})
    assert joint.train_dataloader.dataset.seg.label_space == label_space
    assert built(joint).seg_head.num_classes == built(transfer).decode_head.num_classes == labels


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        (dict(resolution=48), 'resolution is 48; there are networks for 32, 64, 128 and 256'),
        (dict(resolution='64px'), "resolution is '64px'"),
        (dict(class_names='first'), "class_names is 'first'; it lists the folders of data/own/images"),
        (dict(class_names=('a', 'a')), 'class_names is'),
        (dict(colours='gray'), "colours is 'gray'; there are 'rgb', 'grey'"),
        (dict(budget='day'), "budget is 'day'; there are 'cpu-hour', 'gpu-hour', 'gpu-day'"),
        (dict(num_images=0), 'num_images is 0; it is the number of your images'),
        (dict(generator_type='gan'), "generator_type is 'gan'; there are 'biggan', 'diffusion', 'diffusion-lora'"),
        (dict(label_space='all'), 'label_space is \'all\'; there are "classes" and "fgbg"'),
    ],
)
def test_refused_at_the_first_command(option, message):
    for name in (*STEPS, 'synthesis'):
        with pytest.raises(InputError, match='networks.py, line') as error:
            config(name, **option)
        assert message in str(error.value)


def test_every_step_is_measured():
    for name in STEPS:
        cfg = config(name)
        (verdict,) = [hook for hook in cfg.custom_hooks if hook.type == 'mmbdg.VerdictHook']
        assert cfg.val_dataloader and cfg.train_cfg.val_interval <= cfg.train_cfg.max_iters and verdict.otherwise, name
        for iterations in (1, 7):  # a short trial is validated too
            train_cfg = config(name, iterations=iterations).train_cfg
            assert train_cfg.max_iters == iterations and 1 <= train_cfg.val_interval <= iterations


def test_missing_inputs_name_the_copied_folder(tmp_path, monkeypatch):
    shutil.copytree(OWN, tmp_path / 'mine')
    monkeypatch.chdir(tmp_path)
    for name, commands in dict(
        classifier=['a folder for each class'],
        gan=['python tools/train.py mine/classifier.py'],
        autoencoder=['a folder for each class'],
        diffusion=['python tools/train.py mine/autoencoder.py', 'python tools/train.py mine/classifier.py'],
        lora=['a text-to-image pipeline of diffusers', 'python tools/train.py mine/classifier.py'],
        interpreter=['python tools/train.py mine/gan.py', 'python tools/annotate.py sample mine/interpreter.py data/own/annotated'],
        synthesis=['python tools/train.py mine/interpreter.py', 'python tools/train.py mine/classifier.py'],
        joint=['python tools/synthesize.py mine/synthesis.py data/own/synthetic', 'labelled images to measure on'],
        transfer=['python tools/train.py mine/joint.py', 'labelled images to train on'],
    ).items():
        with pytest.raises(InputError) as error:
            check_requirements(read_config(f'mine/{name}.py'))
        assert all(command in str(error.value) for command in commands) and '{config_dir}' not in str(error.value)
