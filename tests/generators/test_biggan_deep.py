import pytest
import torch
from conftest import TINY_BIGGAN_DEEP
from pytorch_pretrained_biggan.config import BigGANConfig
from pytorch_pretrained_biggan.model import BigGAN as PackageBigGAN

from mmbdg.errors import InputError
from mmbdg.generators import BigGANDeep, fold_spectral_norm
from mmbdg.generators.adapters import adapter_of
from mmbdg.registry import MODELS

# Channels @ resolution after each layer and parameters in millions of the published models.
PUBLISHED = {
    128: ('2048@4 2048@8 2048@8 1024@16 1024@16 512@32 512@32 256@64 256@64 256@64 128@128', 50.39),
    256: ('2048@4 2048@8 2048@8 1024@16 1024@16 1024@32 1024@32 512@64 512@64 512@64 256@128 256@128 128@256', 55.88),
    512: (
        '2048@4 2048@8 2048@8 1024@16 1024@16 1024@32 1024@32 512@64 512@64 512@64 256@128 256@128 128@256 128@256 128@512',
        56.16,
    ),
}

Z, Y = torch.randn(4, 8, generator=torch.Generator().manual_seed(1)), torch.tensor([0, 2, 1, 2])


@pytest.mark.parametrize('resolution', PUBLISHED)
def test_published_sizes(resolution):
    with torch.device('meta'):
        generator = BigGANDeep(resolution, spectral_norm=False)
    taps, millions = PUBLISHED[resolution]
    assert ' '.join(f'{info.channels}@{info.resolution}' for info in generator.feature_info) == taps
    assert sum(p.numel() for p in generator.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)
    assert (generator.latent_dim, generator.embed_dim) == (128, 128)


@pytest.fixture(scope='module')
def package() -> PackageBigGAN:
    """The package's own model with random weights and different statistics for each truncation."""
    sizes = TINY_BIGGAN_DEEP
    torch.manual_seed(0)
    config = BigGANConfig(
        num_classes=3, z_dim=8, channel_width=8, layers=sizes['blocks'], attention_layer_position=sizes['attention_position'], n_stats=51
    )
    model = PackageBigGAN(config)
    for name, value in model.state_dict().items():
        if name.endswith('running_means'):
            value.copy_(torch.randn_like(value))
        elif name.endswith('running_vars'):
            value.copy_(torch.rand_like(value) + 0.5)
        elif name.endswith(('bn.weight', 'bn.bias', 'gamma')):
            value.copy_(torch.randn_like(value))
    with torch.no_grad():
        for module in model.train().modules():
            for hook in module._forward_pre_hooks.values():
                for _ in range(15):  # power iterations, as in training
                    hook(module, None)
    assert pictures(model.eval(), Z, Y, 1.0).isfinite().all()
    return model


def twin(package: PackageBigGAN, **options) -> BigGANDeep:
    generator = MODELS.build({**TINY_BIGGAN_DEEP, **options})
    generator.load_state_dict(adapter_of('hf-deep').convert(package.state_dict(), generator))
    return generator.eval()


def pictures(package: PackageBigGAN, z: torch.Tensor, y: torch.Tensor, truncation: float) -> torch.Tensor:
    return package(z, torch.nn.functional.one_hot(y, 3).float(), truncation)


@torch.no_grad()
@pytest.mark.parametrize('truncation', [1.0, 0.9, 0.5, 0.58, 0.14, 0.333, 0.41])
def test_original_is_the_package_to_the_bit(package, truncation):
    generator = twin(package, original=True)
    generator.use_statistics(truncation)
    assert torch.equal(generator(Z, Y), pictures(package, Z, Y, truncation))
    fold_spectral_norm(generator)
    assert torch.equal(generator(Z, Y), pictures(package, Z, Y, truncation))


@torch.no_grad()
@pytest.mark.parametrize('truncation', [1.0, 0.9, 0.5, 0.02])
def test_rows_of_the_table_give_the_packages_pictures(package, truncation):
    generator = twin(package)
    generator.use_statistics(truncation)
    torch.testing.assert_close(generator(Z, Y), pictures(package, Z, Y, truncation), atol=2e-5, rtol=0)


@torch.no_grad()
def test_interpolation_is_corrected(package):
    """Our interpolation between rows of statistics is correct, unlike the package's.

    At 0.335 the package uses the statistics of 0.325, and at 0.58 those of 0.56.
    """
    generator = twin(package)
    for ours, theirs in ((0.325, 0.335), (0.56, 0.58)):
        generator.use_statistics(ours)
        torch.testing.assert_close(generator(Z, Y), pictures(package, Z, Y, theirs), atol=2e-5, rtol=0)
    generator.use_statistics(0.58)
    assert (generator(Z, Y) - pictures(package, Z, Y, 0.58)).abs().max() > 1e-2


@torch.no_grad()
def test_without_truncation_those_of_one(package):
    generator = twin(package)
    generator.use_statistics(0.4)
    generator.use_statistics(None)
    torch.testing.assert_close(generator(Z, Y), pictures(package, Z, Y, 1.0), atol=2e-5, rtol=0)


def test_statistics_outside_the_table_are_refused(package):
    generator = twin(package)
    with pytest.raises(InputError, match='from 0 to 1'):
        generator.use_statistics(1.2)
    single = MODELS.build({**TINY_BIGGAN_DEEP, 'truncation_rows': 1})
    with pytest.raises(InputError, match='without truncation only'):
        single.use_statistics(0.5)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(resolution=64), 'double'),
        (dict(blocks=((True, 16, 8), (True, 8, 4))), 'end with 1'),
        (dict(blocks=((True, 16, 4), (True, 4, 1))), 'first half'),
        (dict(attention_position=9), 'attention_position'),
    ],
)
def test_sizes_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build({**TINY_BIGGAN_DEEP, **options})
