"""Autoencoder training: losses against a reference implementation, grey images, the scale of the latents, the reconstruction metric."""

import pytest
import torch
from diffusers import AutoencoderTiny
from mmengine.structures import BaseDataElement
from tiny_diffusion import PREPROCESSOR, TINY_AUTOENCODER, tiny_autoencoder

from mmbdg.errors import InputError
from mmbdg.evaluation import ReconstructionPSNR
from mmbdg.generators.diffusers_parts import latents_of
from mmbdg.models import AutoencoderTraining
from mmbdg.models.diffusers_parts import read_autoencoder

KL = dict(
    type='AutoencoderKL',
    latent_channels=2,
    down_block_types=('DownEncoderBlock2D',) * 2,
    up_block_types=('UpDecoderBlock2D',) * 2,
    block_out_channels=(4, 4),
    norm_num_groups=2,
    mid_block_add_attention=False,
)


def test_tiny_by_hand():
    model = AutoencoderTraining(TINY_AUTOENCODER, noise=0.3, kl_weight=0.01)
    images = (torch.rand(3, 3, 16, 16) * 2 - 1).contiguous(memory_format=torch.channels_last)  # decides the order of the noise values
    torch.manual_seed(1)
    losses = model.loss(images)
    torch.manual_seed(1)
    z = model.autoencoder.encoder(images)
    decoded = model.autoencoder.decoder(z + 0.3 * torch.randn_like(z))
    torch.testing.assert_close(losses['loss_reconstruction'], (decoded - images).square().mean())
    torch.testing.assert_close(losses['loss_kl'], 0.01 * 0.5 * z.square().mean())
    assert model.latent_variance.item() == pytest.approx(0.98 + 0.02 * z.var().item(), rel=1e-5)


def test_kl_by_hand():
    model = AutoencoderTraining(KL, kl_weight=0.01)
    images = torch.rand(3, 3, 16, 16) * 2 - 1
    torch.manual_seed(1)
    losses = model.loss(images)
    torch.manual_seed(1)
    mean, logvar = model.autoencoder.quant_conv(model.autoencoder.encoder(images)).chunk(2, 1)
    decoded = model.autoencoder.decode(mean + (logvar / 2).exp() * torch.randn_like(mean)).sample
    torch.testing.assert_close(losses['loss_reconstruction'], (decoded - images).square().mean())
    torch.testing.assert_close(losses['loss_kl'], 0.01 * 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean(), rtol=1e-4, atol=1e-7)
    assert torch.equal(latents_of(model.autoencoder, images), mean)


@pytest.mark.parametrize('config', [TINY_AUTOENCODER, KL], ids=['tiny', 'kl'])
def test_mixed_precision(config):
    model = AutoencoderTraining(config)
    images = torch.rand(3, 3, 16, 16) * 2 - 1
    torch.manual_seed(1)
    exact = model.loss(images)
    torch.manual_seed(1)
    with torch.autocast('cpu', torch.bfloat16):
        losses = model.loss(images)
    for name, loss in losses.items():
        assert loss.dtype == torch.float32
        torch.testing.assert_close(loss, exact[name], rtol=0.05, atol=1e-5)
    sum(losses.values()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.autoencoder.parameters())


def test_grey_stays_grey():
    torch.manual_seed(0)
    model = AutoencoderTraining(TINY_AUTOENCODER, grey=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.005)
    images = (torch.rand(4, 1, 16, 16) * 2 - 1).expand(-1, 3, -1, -1)
    before = model.loss(images)['loss_reconstruction']
    for _ in range(5):
        optimizer.zero_grad()
        sum(model.loss(images).values()).backward()
        optimizer.step()
    made = model(images)
    assert torch.equal(made[:, 0], made[:, 1]) and torch.equal(made[:, 0], made[:, 2])
    assert model.loss(images)['loss_reconstruction'] < before


def test_written_and_read(tmp_path):
    model = tiny_autoencoder(tmp_path / 'vae')
    assert {path.name for path in (tmp_path / 'vae').iterdir()} == {'config.json', 'diffusion_pytorch_model.safetensors'}
    read = read_autoencoder(tmp_path / 'vae')
    assert isinstance(read, AutoencoderTiny) and read.config.scaling_factor == 2.0 and not read.training
    images = torch.rand(1, 3, 16, 16)
    assert torch.equal(latents_of(read, images), latents_of(model.autoencoder, images))
    tiny_autoencoder(tmp_path / 'other', latent_channels=3)
    weights = tmp_path / 'vae' / 'diffusion_pytorch_model.safetensors'
    weights.write_bytes((tmp_path / 'other' / weights.name).read_bytes())
    with pytest.raises(InputError, match='does not fit config.json beside it'):
        read_autoencoder(tmp_path / 'vae')
    weights.unlink()
    with pytest.raises(InputError, match='it has no diffusion_pytorch_model.safetensors'):
        read_autoencoder(tmp_path / 'vae')


def test_predict_and_the_metric():
    model = AutoencoderTraining(TINY_AUTOENCODER, data_preprocessor=PREPROCESSOR).eval()
    raw = torch.randint(0, 256, (2, 3, 16, 16), dtype=torch.uint8)
    with torch.no_grad():
        samples = model(
            **model.data_preprocessor(dict(inputs=list(raw), data_samples=[BaseDataElement(), BaseDataElement()]), False), mode='predict'
        )
    assert torch.equal(torch.stack([sample.real for sample in samples]), raw)
    metric = ReconstructionPSNR()
    metric.process(None, [dict(real=torch.full((3, 4, 4), 10).byte(), generated=torch.full((3, 4, 4), value).byte()) for value in (10, 40)])
    assert metric.compute_metrics(metric.results)['PSNR'] == pytest.approx(21.599, abs=1e-3)  # 10 log10(255^2 / 450)


def test_no_such_network():
    with pytest.raises(InputError, match="model.autoencoder: there is no type 'AutoencoderTine'; did you mean"):
        AutoencoderTraining(TINY_AUTOENCODER | dict(type='AutoencoderTine'))
