"""Diffusion training: losses against a reference implementation, captions, addressed samples, and the exported pipeline."""

import sys

import numpy as np
import pytest
import torch
from diffusers import AutoPipelineForImage2Image, AutoPipelineForText2Image, DDIMScheduler
from tiny_diffusion import TINY_TEXT, TINY_UNET, labelled_samples, tiny_autoencoder, tiny_diffusion

from mmbdg.addressed import generator_at
from mmbdg.errors import InputError


@pytest.fixture(scope='module')
def autoencoder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('diffusion') / 'vae'
    tiny_autoencoder(folder)
    return folder


@pytest.fixture(scope='module')
def model(autoencoder):
    return tiny_diffusion(autoencoder)


def alphas_by_hand() -> np.ndarray:
    """Cumulative products of the noise schedule, shifted so that the last step is pure noise (Lin et al., 2024, algorithm 1)."""
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    root = np.sqrt(np.cumprod(1 - betas))
    return ((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2


@pytest.mark.parametrize(
    ('kind', 'timesteps'), [('v_prediction', 'uniform'), ('v_prediction', 'logit_normal'), ('epsilon', 'uniform'), ('sample', 'uniform')]
)
def test_loss_by_hand(kind, timesteps, model, monkeypatch):
    """The same random numbers in the same order: caption, empty caption, noise, noise level."""
    scheduler = DDIMScheduler.from_config({**model.scheduler.config, 'prediction_type': kind})
    for name, value in dict(scheduler=scheduler, timesteps=timesteps, empty_prompt=0.5).items():
        monkeypatch.setattr(model, name, value)
    images, y = torch.rand(6, 3, 16, 16) * 2 - 1, torch.tensor([0, 1, 2, 2, 1, 0])
    torch.manual_seed(5)
    loss = model.loss(images, y)['loss_diffusion']
    torch.manual_seed(5)
    forms, empty = torch.randint(2, (6,)), torch.rand(6, 1) < 0.5
    noise = torch.randn(6, 2, 8, 8)
    t = torch.randint(1000, (6,)) if timesteps == 'uniform' else (torch.sigmoid(torch.randn(6)) * 1000).long()
    assert empty.any() and not empty.all()
    texts = ['' if blank else ['a photo of a {}', '{}'][f].format(model.classes[c]) for f, c, blank in zip(forms, y, empty, strict=True)]
    with torch.no_grad():
        x = model.autoencoder.encoder((images + 1) / 2 * 2 - 1) * 2  # the scale of a variance of 0.25
        alpha = torch.from_numpy(alphas_by_hand()).float()[t][:, None, None, None]
        noisy = alpha.sqrt() * x + (1 - alpha).sqrt() * noise
        target = dict(v_prediction=alpha.sqrt() * noise - (1 - alpha).sqrt() * x, epsilon=noise, sample=x)[kind]
        tokens = model.tokenizer(texts, padding='max_length', return_tensors='pt').input_ids
        predicted = model.unet(noisy, t, model.text_encoder(tokens)[0])[0]
    torch.testing.assert_close(loss, (predicted - target).square().mean(), rtol=1e-4, atol=1e-5)


def test_what_is_trained(model):
    model.train()
    model.zero_grad()
    model.loss(torch.rand(4, 3, 16, 16), torch.tensor([0, 1, 2, 0]))['loss_diffusion'].backward()
    assert all(p.grad is None and not p.requires_grad for p in model.autoencoder.parameters()) and not model.autoencoder.training
    assert model.unet.training and all(p.grad is not None for p in model.unet.parameters())
    table = model.text_encoder.get_input_embeddings().weight.grad
    used = model._caption_tokens.unique()
    assert table[used].abs().sum() > 0 and not table[[i for i in range(len(table)) if i not in used]].any()


def test_words_are_tokens(model):
    """Each word of the captions is one token; any other text can be tokenized too."""
    tokenizer = model.tokenizer
    assert tokenizer.tokenize('A photo of a square') == ['a</w>', 'photo</w>', 'of</w>', 'a</w>', 'square</w>']
    strange = tokenizer('Zürich 本').input_ids
    assert tokenizer.decode(strange, skip_special_tokens=True).strip() == 'zürich 本'
    assert (len(tokenizer), model.text_encoder.config.vocab_size) == (len(tokenizer.get_vocab()), len(tokenizer))
    assert model._caption_tokens.shape == (2, 3, 24) and len(model._caption_tokens.flatten(0, 1).unique(dim=0)) == 6


def test_predict(model):
    """The image of an address does not depend on the batch; the real image is returned unchanged."""
    model.eval()
    raw = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8)
    data = dict(inputs=list(raw), data_samples=labelled_samples([0, 2, 1], [4, 5, 6]))
    answers = model(**model.data_preprocessor(data, False), mode='predict')
    assert torch.equal(torch.stack([answer.real for answer in answers]), raw)
    alone = model.images([2], [5])
    assert alone.shape == (1, 3, 16, 16) and (answers[1].generated.int() - alone[0].int()).abs().max() <= 1
    assert not torch.equal(answers[0].generated, answers[1].generated)


def test_the_exported_pipeline(model, tmp_path):
    """Diffusers loads the export without mmbdg; with the noise of an address it generates the same image."""
    model.eval().save_pretrained(tmp_path / 'made')
    files = {path.name for path in (tmp_path / 'made').rglob('*') if path.is_file()}
    assert {path.rpartition('.')[2] for path in files} == {'json', 'safetensors'}, files
    assert not any('_name_or_path' in path.read_text() for path in (tmp_path / 'made').rglob('*.json'))  # of this machine
    text = AutoPipelineForText2Image.from_pretrained(tmp_path / 'made', local_files_only=True)
    text.set_progress_bar_config(disable=True)
    noise = torch.from_numpy(generator_at('diffusion', 0, 1, 3).standard_normal((1, 2, 8, 8))).float()
    image = text('a photo of a square', latents=noise, num_inference_steps=2, guidance_scale=2.0, output_type='np').images[0]
    ours = model.images([1], [3])[0].permute(1, 2, 0).numpy()
    assert np.array_equal((image * 255).round().astype(np.uint8), ours)
    other = AutoPipelineForImage2Image.from_pipe(text)
    other.set_progress_bar_config(disable=True)
    for strength in (0.2, 0.5, 0.8):
        changed = other(
            'a photo of a disc', image=torch.from_numpy(image).permute(2, 0, 1)[None], strength=strength, num_inference_steps=10
        )
        assert changed.images[0].size == (16, 16)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(unet=TINY_UNET | dict(type='UNet')), "model.unet: there is no type 'UNet'"),
        (dict(unet=TINY_UNET | dict(channel=3)), 'model.unet: UNet2DConditionModel takes no "channel"'),
        (dict(unet=TINY_UNET | dict(in_channels=4)), 'the autoencoder has 2 latent channels'),
        (dict(text_encoder=TINY_TEXT | dict(hidden_size=16)), 'model.unet.cross_attention_dim is 8, model.text_encoder.hidden_size 16'),
        (dict(scheduler=dict(type='EulerDiscreteScheduler')), "model.scheduler: there is no type 'EulerDiscreteScheduler'"),
        (dict(captions='a photo'), 'model.captions is a list of captions'),
        (dict(captions=('a photo',)), "model.captions: 'a photo' must have one {}"),
        (dict(captions=('a {} {size}',)), 'must have one {}'),
        (dict(timesteps='often'), 'model.timesteps is "uniform" or "logit_normal"'),
        (dict(empty_prompt=1.0), r'model.empty_prompt lies in \[0,1\)'),
        (dict(autoencoder='nowhere'), 'nowhere is not a folder of an autoencoder of diffusers: it has no config.json'),
    ],
)
def test_what_does_not_fit(change, message, autoencoder):
    with pytest.raises(InputError, match=message):
        tiny_diffusion(**dict(autoencoder=autoencoder) | change)


def test_another_network_in_place_of_an_autoencoder(model, tmp_path):
    model.unet.save_pretrained(tmp_path)
    with pytest.raises(InputError, match='holds a UNet2DConditionModel; the autoencoders that can be used are'):
        tiny_diffusion(tmp_path)


def test_without_diffusers(monkeypatch):
    monkeypatch.setitem(sys.modules, 'diffusers', None)
    with pytest.raises(InputError, match=r'mmbdg.DiffusionTraining needs diffusers .*: pip install "mmbdg\[diffusion\]"'):
        tiny_diffusion('nowhere')
