"""configs/own at each resolution: the parts fit together, and wrong settings raise an error at the first command."""

import shutil

import pytest
import torch
from conftest import ROOT
from mmengine.registry import MODELS, DefaultScope

import mmbdg.engine
import mmbdg.evaluation
import mmbdg.synthesis  # noqa: F401
from mmbdg.compat.config import check_keys, check_requirements, read_config
from mmbdg.compat.config_options import runner_keys
from mmbdg.engine.config_values import check_values
from mmbdg.errors import InputError
from mmbdg.generators.diffusers_parts import diffusers_part
from mmbdg.models import AutoencoderTraining
from mmbdg.models.diffusion_training import UNETS

OWN = ROOT / 'configs' / 'own'
STEPS = ('classifier', 'gan', 'autoencoder', 'diffusion', 'interpreter', 'joint', 'transfer')


def config(name, **options):
    cfg = read_config(OWN / f'{name}.py', options, {*runner_keys(), 'synthesis', 'generator', 'classifier'})
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


@pytest.mark.parametrize('resolution', [32, 64, 128])
def test_sizes(resolution, monkeypatch):
    monkeypatch.setattr('mmbdg.generators.spectral_norm.spectral_norm', lambda module, eps: module)  # power iterations take long
    options = dict(resolution=resolution, class_names=('a', 'b', 'c'))
    images = torch.empty(2, 3, resolution, resolution, device='meta')
    classifier = built(config('classifier', **options))
    assert classifier.extract_feat(images, stage='backbone')[-1].shape[1:] == (256, *(2 * [4 if resolution < 128 else 8]))
    assert classifier.head.fc.out_features == 3
    gan = built(config('gan', **options))
    y = torch.zeros(2, dtype=torch.long, device='meta')
    made = gan.generator(torch.empty(2, gan.generator.latent_dim, device='meta'), y)
    assert made.shape == images.shape and gan.generator.latent_dim == {32: 80, 64: 100, 128: 120}[resolution]
    assert gan.discriminator(images, y).shape == (2,) and gan.discriminator.blocks[:-1](images).shape[-1] == 4
    generator, interpreter = built(config('interpreter', **options))
    assert interpreter.members[0].resolution == generator.resolution == resolution
    assert interpreter.members[0].groups[-1][0] == resolution and interpreter.num_members == 16


@pytest.mark.parametrize('resolution', [32, 64, 128])
def test_sizes_of_the_diffusion_model(resolution):
    """Latents of a quarter of the resolution; the U-Net goes down to 4 x 4."""
    cfg = config('diffusion', resolution=resolution, class_names=('a', 'b', 'c'))
    with torch.device('meta'):
        autoencoder = AutoencoderTraining(config('autoencoder', resolution=resolution).model.autoencoder).autoencoder
        unet = diffusers_part(cfg.model.unet, UNETS, 'model.unet')
        latents = autoencoder.encode(torch.empty(2, 3, resolution, resolution)).latents
        assert latents.shape == (2, unet.config.in_channels, resolution // 4, resolution // 4)
        assert unet.config.sample_size == resolution // 4 == 4 * 2 ** (len(unet.config.block_out_channels) - 1)
        text = torch.empty(2, 24, cfg.model.text_encoder.hidden_size)
        assert unet(latents, torch.empty(2), text).sample.shape == latents.shape
        assert autoencoder.decode(latents).sample.shape == (2, 3, resolution, resolution)


@pytest.mark.parametrize('resolution', [32, 64, 128])
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
        (dict(resolution=48), 'resolution is 48; there are networks for 32, 64 and 128'),
        (dict(resolution='64px'), "resolution is '64px'"),
        (dict(class_names='first'), "class_names is 'first'; it lists the folders of data/own/images"),
        (dict(class_names=('a', 'a')), 'class_names is'),
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
        interpreter=['python tools/train.py mine/gan.py', 'python tools/annotate.py sample mine/interpreter.py data/own/annotated'],
        synthesis=['python tools/train.py mine/interpreter.py', 'python tools/train.py mine/classifier.py'],
        joint=['python tools/synthesize.py mine/synthesis.py data/own/synthetic', 'labelled images to measure on'],
        transfer=['python tools/train.py mine/joint.py', 'labelled images to train on'],
    ).items():
        with pytest.raises(InputError) as error:
            check_requirements(read_config(f'mine/{name}.py'))
        assert all(command in str(error.value) for command in commands) and '{config_dir}' not in str(error.value)
