"""A killed and resumed training gives the weights and losses of an uninterrupted one, bit for bit on a CPU."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT, run_tool
from diffusers import DiffusionPipeline
from PIL import Image

from mmbdg.addressed import generator_at
from mmbdg.compat.checkpoint import read_checkpoint

TINY = f"""
_base_ = '{ROOT}/configs/densecl_biggan_fpn.py'
iterations = 12
model = dict(
    queue_len=32,
    backbone=dict(base_channels=8, stem_channels=8),
    neck=dict(in_channels=64, hid_channels=32),
    seg_neck=dict(in_channels=[8, 16, 32, 64], out_channels=16),
    seg_head=dict(in_channels=[16] * 4, channels=16),
)
prepare = dict(num_per_class=2, candidates=2, rejection_rate=0.0, uncertainty_rate=0.0)
train_dataloader = dict(
    batch_size=8, num_workers=0, persistent_workers=False, dataset=dict(ssl=dict(label_fraction=0.0032), seg=dict(prepare=prepare))
)
val_dataloader = dict(dataset=dict(label_fraction=0.002))
default_hooks = dict(checkpoint=dict(interval=3))
custom_hooks = [dict(type='EMAHook')]
"""
EPOCHS = """
_base_ = 'iterations.py'
train_cfg = dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=4)
train_dataloader = dict(num_workers=1, persistent_workers=True, sampler=dict(by_epoch=True))
param_scheduler = dict(T_max=4, by_epoch=True)
default_hooks = dict(checkpoint=dict(by_epoch=True, interval=1))
log_processor = dict(by_epoch=True)
"""
GAN = f"""
_base_ = '{ROOT}/configs/gan/biggan_fashion32.py'
model = dict(generator=dict(base_channels=8), discriminator=dict(base_channels=8))
train_dataloader = dict(batch_size=4)
val_dataloader = dict(dataset=dict(label_fraction=0.001))
train_cfg = dict(max_iters=9, val_interval=9)
default_hooks = dict(checkpoint=dict(interval=3, save_best=None))
custom_hooks = [dict(type='mmbdg.RefreshAverageHook', num_samples=20)]
"""
DIFFUSION = f"""
_base_ = '{ROOT}/configs/diffusion/latent_fashion32.py'
iterations = 9
model = dict(unet=dict(block_out_channels=(8, 16), norm_num_groups=4), num_inference_steps=2)
train_dataloader = dict(batch_size=4, num_workers=0, persistent_workers=False)
val_dataloader = dict(dataset=dict(label_fraction=0.001))
default_hooks = dict(checkpoint=dict(interval=3, save_best=None))
"""
LORA = f"""
_base_ = '{ROOT}/configs/diffusion/lora_own.py'
images = 'garments'
class_names = ('bag', 'coat')
iterations = 9
batch_size = 4
model = dict(lora=dict(rank=2, target_modules=('to_q',)), text_lora=dict(rank=2, target_modules=('q_proj',)))
train_dataloader = dict(num_workers=0, persistent_workers=False)
val_dataloader = val_evaluator = val_cfg = None
default_hooks = dict(checkpoint=dict(interval=3, save_best=None))
"""
TRANSFORMER = f"""
_base_ = '{ROOT}/configs/diffusion/transformer_fashion32.py'
iterations = 9
model = dict(
    transformer=dict(num_layers=1, num_attention_heads=2, attention_head_dim=4, patch_size=2), num_inference_steps=2
)
train_dataloader = dict(batch_size=4, num_workers=0, persistent_workers=False)
val_dataloader = dict(dataset=dict(label_fraction=0.001))
default_hooks = dict(checkpoint=dict(interval=3, save_best=None))
"""
# The codes are moving averages, which are in the checkpoint, and random vectors of a batch.
VQGAN = f"""
_base_ = '{ROOT}/configs/vqgan/autoencoder_fashion32.py'
iterations = 9
model = dict(generator=dict(n_embed=32, ch=4, norm_groups=2, z_channels=8, code_dim=4))
train_dataloader = dict(batch_size=4, num_workers=0, persistent_workers=False)
val_dataloader = dict(dataset=dict(label_fraction=0.001))
val_evaluator = [dict(type='mmbdg.ReconstructionPSNR'), dict(type='mmbdg.CodebookUse', n_embed=32)]
default_hooks = dict(checkpoint=dict(interval=3))
"""
DETECTOR = f"""
_base_ = '{ROOT}/configs/transfer/fashion/mask-rcnn_r18_fpn_scenes.py'
pretrained = None
iterations = 9
model = dict(
    backbone=dict(base_channels=8, stem_channels=8, init_cfg=None),
    neck=dict(in_channels=[8, 16, 32, 64], out_channels=16),
    rpn_head=dict(in_channels=16, feat_channels=16),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=16),
        bbox_head=dict(in_channels=16, conv_out_channels=16, fc_out_channels=32),
        mask_roi_extractor=dict(out_channels=16),
        mask_head=dict(in_channels=16, conv_out_channels=16),
    ),
)
# Flips are drawn in this process: what a worker drew is not in a checkpoint.
train_dataloader = dict(
    batch_size=2, num_workers=0, persistent_workers=False, dataset=dict(size=(64, 64), garments=2, count=10)
)
val_dataloader = dict(dataset=dict(count=2))
default_hooks = dict(checkpoint=dict(interval=3))
custom_hooks = [dict(type='mmbdg.PreciseBNHook', iterations=2)]
"""
CONFIGS = dict(
    iterations=TINY, epochs=EPOCHS, gan=GAN, diffusion=DIFFUSION, lora=LORA, transformer=TRANSFORMER, vqgan=VQGAN, detector=DETECTOR
)
VALIDATED, NO_SEED = ['--cfg-options', 'train_cfg.val_interval=3'], ['--cfg-options', 'randomness.seed=None']
OPTIONS = dict(  # options of the start and of the resume; a drawn seed is read from the checkpoint
    iterations=(VALIDATED, ['--resume', *VALIDATED]),
    epochs=(['--cfg-options', 'randomness.seed=5'], ['--resume', *NO_SEED]),
    gan=([], ['--resume']),
    diffusion=([], ['--resume']),
    lora=(['--cfg-options', 'images={folder}'], ['--resume', '--cfg-options', 'images={folder}']),
    transformer=([], ['--resume']),
    vqgan=([], ['--resume']),
    detector=([], ['--resume']),
)
# Checkpoints after which the training is killed, and the last one. After the last kill the newest checkpoint is truncated, so the
# training resumes from an earlier one.
NAMES = dict(
    iterations=('iter_3.pth', 'iter_6.pth', 'iter_12.pth'),
    epochs=('epoch_2.pth', 'epoch_4.pth'),
    gan=('iter_6.pth', 'iter_9.pth'),
    diffusion=('iter_6.pth', 'iter_9.pth'),
    lora=('iter_6.pth', 'iter_9.pth'),
    transformer=('iter_6.pth', 'iter_9.pth'),
    vqgan=('iter_6.pth', 'iter_9.pth'),
    detector=('iter_6.pth', 'iter_9.pth'),
)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """For each kind an uninterrupted training and a killed one."""
    folder = tmp_path_factory.mktemp('resume')
    jobs = []

    def add(kind, name, work, options, **more):
        options = [option.format(folder=folder / 'garments') for option in options]
        arguments = [str(folder / f'{kind}.py'), '--work-dir', str(folder / f'{kind}_{work}'), *options]
        jobs.append(dict(arguments=arguments, output=str(folder / f'{kind}_{name}.txt'), **more))

    for name in ('bag', 'coat'):
        (folder / 'garments' / name).mkdir(parents=True)
        for i in range(4):
            Image.fromarray(np.full((32, 32), 40 * i + len(name), np.uint8)).save(folder / 'garments' / name / f'{i}.png')
    for kind, text in CONFIGS.items():
        (folder / f'{kind}.py').write_text(text)
        options, resume = OPTIONS[kind]
        add(kind, 'whole', 'whole', options)
        *kills, _ = NAMES[kind]
        for i, checkpoint in enumerate(kills):
            cut = f'{folder}/{kind}_killed/[ei]*.pth' if checkpoint == kills[-1] else None
            add(kind, f'kill{i}', 'killed', resume if i else options, kill_after=f'{folder}/{kind}_killed/{checkpoint}', cut=cut)
        add(kind, 'resumed', 'killed', resume)
    (folder / 'cut').mkdir()
    (folder / 'cut' / 'iter_4.pth').write_bytes(b'PK' + bytes(1000))
    arguments = [str(folder / 'iterations.py'), '--work-dir', str(folder / 'cut'), '--resume']
    jobs.append(dict(arguments=arguments, output=str(folder / 'cut.txt')))
    result = run_tool(Path(__file__).parent / 'killed_trainings.py', json.dumps(jobs), OMP_NUM_THREADS='1', MMBDG_CACHE=str(folder))
    codes = json.loads(result.stdout.splitlines()[-1])
    for job, code in zip(jobs, codes, strict=True):
        expected = -9 if 'kill_after' in job else 2 if job['output'].endswith('cut.txt') else 0
        assert code == expected, f'{job}\n{Path(job["output"]).read_text()[-6000:]}'
    return folder


def losses(checkpoint):
    """Losses of all iterations, by name."""
    scalars = checkpoint['message_hub']['log_scalars']
    return {name: scalar.data[0] for name, scalar in scalars.items() if 'loss' in name}


def assert_same(first, second, where=''):
    assert type(first) is type(second), where
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second), where
    elif isinstance(first, dict):
        assert first.keys() == second.keys(), where
        for key in first:
            assert_same(first[key], second[key], f'{where}/{key}')
    elif isinstance(first, list | tuple):
        assert len(first) == len(second), where
        for i, pair in enumerate(zip(first, second, strict=True)):
            assert_same(*pair, f'{where}/{i}')
    else:
        assert first == second, where


@pytest.mark.parametrize('kind', CONFIGS)
def test_killed_training_ends_as_an_uninterrupted_one(trained, kind):
    whole, resumed = (read_checkpoint(trained / f'{kind}_{which}' / NAMES[kind][-1]) for which in ('whole', 'killed'))
    expected, found = losses(whole), losses(resumed)
    assert expected.keys() == found.keys() and len(expected) >= 2
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name], name)
        assert len(set(expected[name])) > 1
    for part in whole.keys() - {'meta', 'message_hub'}:
        assert_same(whole[part], resumed[part], part)
    assert {'state_dict', 'optimizer', 'param_schedulers', 'random_states'} <= whole.keys()
    assert kind in ('gan', 'vqgan', 'detector') or 'ema_state_dict' in whole


def test_what_a_diffusion_training_leaves(trained):
    """The average of the weights, in a folder that diffusers loads alone, and pictures drawn from it."""
    checkpoint = read_checkpoint(trained / 'diffusion_whole' / 'iter_9.pth')
    average, last = checkpoint['state_dict'], checkpoint['ema_state_dict']
    pipeline = DiffusionPipeline.from_pretrained(trained / 'diffusion_whole' / 'diffusion', local_files_only=True)
    exported = pipeline.unet.state_dict()
    assert all(torch.equal(exported[name], average[f'unet.{name}']) for name in exported)
    assert not torch.equal(average['unet.conv_in.weight'], last['module.unet.conv_in.weight'])
    noise = torch.from_numpy(generator_at('diffusion', 0, 0, 0).standard_normal((1, 8, 8, 8))).float()
    drawn = pipeline('a photo of a t-shirt', latents=noise, num_inference_steps=2, guidance_scale=2.0).images[0]
    shown = Image.open(trained / 'diffusion_whole' / 'samples' / 'iter_000009.png').crop((2, 2, 34, 34))
    assert np.abs(np.asarray(drawn).astype(int) - np.asarray(shown)).max() <= 1
    assert not (trained / 'diffusion_whole' / 'diffusion.new').exists()


def test_what_a_lora_training_leaves(trained):
    """Checkpoints of adapters only; the average of them merged into the pipeline: W + alpha / r B A with alpha 8 and r 2."""
    checkpoint = read_checkpoint(trained / 'lora_whole' / 'iter_9.pth')
    average = checkpoint['state_dict']
    assert all(name.startswith('adapters.') for name in average) and len(average) == len(checkpoint['ema_state_dict']) - 1
    assert len(checkpoint['optimizer']['state']) == len(average)
    name = 'down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q'
    a, b = (average[f'adapters.unet.{name.replace(".", "/")}/lora_{part}/default/weight'] for part in 'AB')
    assert b.abs().max() > 0
    exported, base = (
        read_checkpoint(f'{folder}/unet/diffusion_pytorch_model.safetensors')[f'{name}.weight']
        for folder in (trained / 'lora_whole' / 'diffusion', 'mmbdg://fashion32/diffusion')
    )
    torch.testing.assert_close(exported, base + 4 * b @ a)
    adapters = read_checkpoint(trained / 'lora_whole' / 'adapter' / 'pytorch_lora_weights.safetensors')
    assert torch.equal(adapters[f'unet.{name}.lora_B.weight'], b)


def test_what_a_transformer_and_a_vqgan_training_leave(trained):
    """The average of the weights as a pipeline; the autoencoder with the codes that the training moved."""
    average = read_checkpoint(trained / 'transformer_whole' / 'iter_9.pth')['state_dict']
    pipeline = DiffusionPipeline.from_pretrained(
        trained / 'transformer_whole' / 'transformer', local_files_only=True, torch_dtype=torch.float32
    )
    exported = pipeline.transformer.state_dict()
    assert all(torch.equal(exported[name], average[f'transformer.{name}'].half().float()) for name in exported)
    weights = read_checkpoint(trained / 'vqgan_whole' / 'autoencoder.safetensors')
    earlier, last = (read_checkpoint(trained / 'vqgan_whole' / f'iter_{i}.pth')['state_dict'] for i in (6, 9))
    assert weights.keys() == {name.removeprefix('autoencoder.') for name in last if name.startswith('autoencoder.')}
    codes = 'quantize.embedding.weight'
    assert torch.equal(weights[codes], last[f'autoencoder.{codes}']) and not torch.equal(weights[codes], earlier[f'autoencoder.{codes}'])


@pytest.mark.parametrize('kind', CONFIGS)
def test_says_what_it_resumes_from(trained, kind):
    output = (trained / f'{kind}_resumed.txt').read_text()
    assert 'skips' in output and 'cut off' in output and 'resumed epoch' in output
    assert not list((trained / f'{kind}_killed').glob('*.part'))


def test_nothing_readable(trained):
    """If no checkpoint is readable, the tool ends with an error and deletes nothing."""
    output = (trained / 'cut.txt').read_text()
    assert 'none of the checkpoints' in output and 'Traceback' not in output
    assert [path.name for path in (trained / 'cut').iterdir()] == ['iter_4.pth']
