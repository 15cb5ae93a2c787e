"""LoRA fine-tuning: what is trained, the update by hand, the merged export and the adapters alone."""

import copy
import sys

import numpy as np
import pytest
import torch
from mmengine.model import MomentumAnnealingEMA
from tiny_diffusion import PREPROCESSOR

from mmbdg.errors import InputError
from mmbdg.models import LoRATraining
from mmbdg.models.diffusers_parts import split_names
from mmbdg.models.pipeline_parts import _training_scheduler
from mmbdg.sources import DiffusionSource
from mmbdg.sources.pipelines import find_pipeline, load_pipeline

LORA = dict(rank=2, alpha=6, target_modules=('to_q', 'to_out.0', 'conv1'))
TEXT = dict(rank=3, target_modules=['q_proj', 'token_embedding'])


def build(pipeline, **change):
    config = dict(lora=LORA, text_lora=TEXT, classes=('bag', 'coat'), num_inference_steps=2, data_preprocessor=PREPROCESSOR)
    return LoRATraining(str(pipeline), **config | change)


@pytest.fixture(scope='module')
def untouched(tiny_text_pipeline):
    return load_pipeline(find_pipeline(str(tiny_text_pipeline))[0])


@pytest.fixture(scope='module')
def fresh(tiny_text_pipeline):
    return build(tiny_text_pipeline)


@pytest.fixture(scope='module')
def trained(fresh):
    """After two steps of an optimizer with a large step size, so that images change."""
    torch.manual_seed(1)
    model = copy.deepcopy(fresh).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
    for _ in range(2):
        optimizer.zero_grad()
        model.loss(torch.rand(4, 3, 16, 16) * 2 - 1, torch.tensor([0, 1, 1, 0]))['loss_diffusion'].backward()
        assert all(p.grad is not None for p in model.parameters())
        optimizer.step()
    return model.eval()


def base_weights(network):
    """Weights of a network without those of its adapters, by the names of the network without adapters."""
    return {key.replace('.base_layer', ''): value for key, value in network.state_dict().items() if 'lora_' not in key}


def test_number_of_trained_weights(fresh, untouched):
    """r (in + out) for each adapted layer; a 3 x 3 convolution has 9 inputs for each channel, an embedding one for each token."""
    count = 0
    for name, layer in untouched.unet.named_modules():
        if name.endswith(('.to_q', '.to_out.0')):
            count += 2 * (layer.in_features + layer.out_features)
        elif name.endswith('.conv1'):
            count += 2 * (9 * layer.in_channels + layer.out_channels)
    for name, layer in untouched.text_encoder.named_modules():
        if name.endswith('.q_proj'):
            count += 3 * (layer.in_features + layer.out_features)
    count += 3 * (592 + 16)
    assert sum(p.numel() for p in fresh.parameters()) == count > 3000
    assert all(p.requires_grad for p in fresh.parameters())
    assert set(fresh.state_dict()) == {name for name, _ in fresh.named_parameters()}


def test_only_the_adapters_are_trained(trained, fresh, untouched):
    for name in ('unet', 'text_encoder'):
        before, after = getattr(untouched, name).state_dict(), base_weights(getattr(trained, name))
        assert before.keys() == after.keys() and all(torch.equal(before[key], after[key]) for key in before), name
    assert all(torch.equal(a, b) for a, b in zip(untouched.vae.parameters(), trained.autoencoder.parameters(), strict=True))
    changed = [not torch.equal(a, b) for a, b in zip(fresh.parameters(), trained.parameters(), strict=True)]
    assert all(changed) and not any((p.grad is not None) for p in fresh.parameters())  # a copy has adapters of its own


def test_adapters_change_nothing_at_first(fresh, untouched):
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    arguments = dict(latents=noise, num_inference_steps=2, guidance_scale=2.0, output_type='pt')
    assert torch.equal(fresh.eval().pipeline()('a bag', **arguments).images, untouched('a bag', **arguments).images)


def test_the_update_by_hand(trained, untouched):
    """Hu et al., section 4.1: W + alpha / r B A, here with alpha / r = 3."""
    name = 'mid_block.attentions.0.transformer_blocks.0.attn1.to_q'
    layer, before = trained.unet.get_submodule(name), untouched.unet.get_submodule(name).weight.detach().double().numpy()
    a, b = (getattr(layer, f'lora_{k}')['default'].weight.detach().double().numpy() for k in 'AB')
    x = np.random.default_rng(0).standard_normal((5, before.shape[1]))
    by_hand = x @ (before + 3.0 * b @ a).T
    with torch.no_grad():
        np.testing.assert_allclose(layer(torch.from_numpy(x).float()).numpy(), by_hand, rtol=1e-4, atol=1e-5)
    merged = trained.merged().unet.get_submodule(name)
    assert type(merged) is torch.nn.Linear
    np.testing.assert_allclose(merged.weight.detach().numpy(), before + 3.0 * b @ a, rtol=1e-5, atol=1e-6)
    assert torch.equal(base_weights(trained.unet)[f'{name}.weight'], untouched.unet.get_submodule(name).weight)  # merging was in a copy


def test_merged_export_and_adapters_alone(tiny_text_pipeline, trained, untouched, tmp_path):
    """DiffusionSource on the export, and diffusers with the adapters alone, give the images of the model."""
    trained.save_pretrained(tmp_path / 'merged')
    files = [path for path in (tmp_path / 'merged').rglob('*') if path.is_file()]
    assert {path.suffix for path in files} == {'.json', '.safetensors'} and not any('lora' in path.name for path in files)
    assert not any('_name_or_path' in path.read_text() for path in files if path.suffix == '.json')  # of this machine
    source = DiffusionSource(str(tmp_path / 'merged'), ['bag', 'coat'], prompts=['a photo of a {}'], steps=2)
    common = dict(num_inference_steps=2, guidance_scale=2.0, output_type='np')
    on = trained.pipeline()('a photo of a coat', generator=[source.generator(1, 0)], **common).images
    off = untouched('a photo of a coat', generator=[source.generator(1, 0)], **common).images
    drawn = source.draw(1, [0]).images[0].permute(1, 2, 0).numpy()
    assert np.abs(drawn - np.round(on[0] * 255)).max() <= 1 < 5 < np.abs(drawn - np.round(off[0] * 255)).max()
    of_unet = build(tiny_text_pipeline, text_lora=None).eval()
    of_unet.load_state_dict({key: value for key, value in trained.state_dict().items() if '.unet.' in key})
    of_unet.save_adapter(tmp_path / 'adapter')
    assert [path.name for path in (tmp_path / 'adapter').iterdir()] == ['pytorch_lora_weights.safetensors']
    with_adapter = load_pipeline(find_pipeline(str(tiny_text_pipeline))[0])
    with_adapter.load_lora_weights(tmp_path / 'adapter')
    images = [one('a bag', generator=[source.generator(0, 1)], **common).images for one in (with_adapter, of_unet.pipeline())]
    np.testing.assert_allclose(*images, atol=1e-5)


def test_averages_and_copies_share_the_pipeline(fresh, trained):
    """An average has the adapters' weights only, and a new pair of adapters is averaged by the momentum."""
    model = copy.deepcopy(fresh)
    average = MomentumAnnealingEMA(model, momentum=0.25, gamma=1)
    assert average.avg_parameters.keys() == dict(model.named_parameters()).keys()
    assert average.module.unet.conv_in.weight.data_ptr() == model.unet.conv_in.weight.data_ptr()
    average.update_parameters(model)
    average.steps.fill_(100)
    model.load_state_dict(trained.state_dict())
    average.update_parameters(model)
    for name, value in average.avg_parameters.items():
        expected = 0.75 * fresh.state_dict()[name] + 0.25 * trained.state_dict()[name]
        torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-7)


def test_modes_and_dtypes_reach_the_networks(fresh):
    model = copy.deepcopy(fresh).train()
    assert model.unet.training and model.text_encoder.training and not model.autoencoder.training
    assert not model.eval().unet.training
    model.to(torch.float64)
    assert {p.dtype for p in (*model.unet.parameters(), *model.parameters())} == {torch.float64}
    assert fresh.unet.conv_in.weight.dtype == torch.float32  # a shared weight of another copy is not converted


def test_schedulers(untouched):
    """The noise of the pipeline's own schedule, for schedulers that cannot add noise to a batch of levels themselves."""
    from diffusers import FlowMatchEulerDiscreteScheduler, PNDMScheduler

    made = _training_scheduler(PNDMScheduler.from_config(untouched.scheduler.config), 'x')
    np.testing.assert_allclose(made.alphas_cumprod, np.cumprod(1 - np.linspace(0.0001**0.5, 0.02**0.5, 1000) ** 2), rtol=1e-4)
    assert made.config.prediction_type == 'epsilon'
    with pytest.raises(InputError, match='FlowMatchEulerDiscreteScheduler; x knows schedulers with betas'):
        _training_scheduler(FlowMatchEulerDiscreteScheduler(), 'x')


def test_names_that_the_tokenizer_does_not_know(untouched):
    found = split_names(untouched.tokenizer, ['in', 'at anorak'])  # "in" and "at" are among the 78 merges
    assert set(found) == {'anorak'} and found['anorak'] == len(untouched.tokenizer.tokenize('anorak')) > 1


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(lora=dict(LORA, rank=0)), 'model.lora: rank is at least 1'),
        (dict(lora=dict(LORA, ranks=2)), 'model.lora is not as it should be: ranks'),
        (dict(lora=dict(rank=2)), 'target_modules: Field required'),
        (dict(lora=dict(LORA, target_modules=['to_qq'])), r'no linear, convolution or embedding layer "to_qq"; did you mean "to_q"\?'),
        (dict(lora=8), r'model.lora is dict\(rank=8'),
        (dict(lora=None), r'model.lora is dict\(rank=8.*got None'),
        (dict(text_lora=dict(TEXT, dropout=1.0)), r'model.text_lora: .*dropout lies in \[0,1\)'),
        (dict(classes=['x' * 80]), 'has 8[0-9] tokens, the text encoder of this pipeline reads 77: shorten'),
    ],
)
def test_what_does_not_fit(change, message, tiny_text_pipeline):
    with pytest.raises(InputError, match=message):
        build(tiny_text_pipeline, **change)


def test_another_kind_of_pipeline(tiny_class_pipeline):
    with pytest.raises(InputError, match='there is no folder nowhere of a diffusion model'):
        build('nowhere')
    with pytest.raises(InputError, match='is a DiTPipeline; mmbdg.LoRATraining starts from a StableDiffusionPipeline'):
        build(tiny_class_pipeline)


def test_without_peft(monkeypatch, tiny_text_pipeline):
    monkeypatch.setitem(sys.modules, 'peft', None)
    with pytest.raises(InputError, match=r'mmbdg.LoRATraining needs peft.*: pip install "mmbdg\[diffusion\]"'):
        build(tiny_text_pipeline)
