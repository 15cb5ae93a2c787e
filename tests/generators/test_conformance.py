"""Requirements that every generator meets. The first test fails for a registered generator that is not listed here."""

import os
import shutil
from collections.abc import Callable
from functools import partial

import pytest
import torch
from conftest import TINY_BIGGAN_DEEP, TINY_DCGAN, TINY_GENERATOR, TINY_VQGAN, build_tiny
from tiny_denoisers import TINY_DENOISERS

import mmbdg.generators
from mmbdg.errors import InputError
from mmbdg.files import write_safetensors
from mmbdg.generators import BlockChain, ClassConditionalGenerator, Coarse, fold_spectral_norm
from mmbdg.generators.frozen import PRECISIONS, Frozen
from mmbdg.generators.grouping import group_taps
from mmbdg.interpreter import FeatureInterpreter
from mmbdg.registry import MODELS
from mmbdg.sources import generator_inputs

TINY = {
    'BigGAN': TINY_GENERATOR,
    'BigGAN with tables': {**TINY_GENERATOR, 'truncation_rows': 50},
    'BigGANDeep': TINY_BIGGAN_DEEP,
    'BigGANDeep as the package': {**TINY_BIGGAN_DEEP, 'original': True},
    'VQGAN': TINY_VQGAN,
    'DCGAN': TINY_DCGAN,
    **TINY_DENOISERS,
}


def test_every_generator_is_here():
    registered = {
        name for name in vars(mmbdg.generators) if name in MODELS.module_dict and issubclass(MODELS.get(name), ClassConditionalGenerator)
    }
    # ImageBackbone has the interface of a generator, but draws no images: tests/sources/test_real_images.py.
    assert registered - {'ImageBackbone'} == {config['type'].removeprefix('mmbdg.') for config in TINY.values()}


@pytest.fixture(params=TINY)
def config(request: pytest.FixtureRequest) -> dict:
    return TINY[request.param]


@pytest.fixture(scope='module')
def states() -> dict[str, dict[str, torch.Tensor]]:
    return {}


@pytest.fixture
def generator(states: dict, config: dict) -> ClassConditionalGenerator:
    """A new one, because some tests change it; its batch-norm statistics, which take longer than most tests, are computed once."""
    if (key := repr(config)) not in states:
        states[key] = build_tiny(config).state_dict()
    model = MODELS.build(config)
    model.load_state_dict(states[key])
    return model.eval()


def some_inputs(generator: ClassConditionalGenerator, n: int = 3, first: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    return generator_inputs(generator, 0, [i % generator.num_classes for i in range(first, first + n)], range(first, first + n))


@torch.no_grad()
def test_shapes_and_ranges(generator):
    z, y = some_inputs(generator)
    image, features = generator.forward_features(z, y)
    size = generator.resolution
    assert image.shape == (3, 3, size, size) and image.dtype == torch.float32 and image.abs().max() <= 1
    assert image.std() > 1e-3
    assert [tuple(f.shape) for f in features] == [(3, info.channels, info.resolution, info.resolution) for info in generator.feature_info]
    assert all(info.stride * info.resolution == size for info in generator.feature_info)
    resolutions = [info.resolution for info in generator.feature_info]
    assert resolutions == sorted(resolutions)
    if generator.embed_dim:
        assert generator.embed(y).shape == (3, generator.embed_dim) and generator.embed(y).dtype == torch.float32
    else:
        assert torch.equal(generator.embed(y), y)
    torch.testing.assert_close(generator(z, y), image)


@torch.no_grad()
def test_features_are_the_outputs_of_their_submodules(generator):
    """A feature is what its submodule gives, at one of the runs of the submodule if there are several."""
    seen = {info.name: [] for info in generator.feature_info}
    for name, outputs in seen.items():
        generator.get_submodule(name).register_forward_hook(lambda m, i, out, outputs=outputs: outputs.append(out))
    _, features = generator.forward_features(*some_inputs(generator))
    for info, feature in zip(generator.feature_info, features, strict=True):
        if info.name.endswith(('.attn', '.attn2')):
            continue  # attention maps: tests/generators/test_diffusion_generator.py
        assert any(torch.equal(feature, part) for out in seen[info.name] for part in readings(out, feature)), info.name


def readings(out: torch.Tensor | tuple, feature: torch.Tensor) -> list[torch.Tensor]:
    """Readings of an output as feature maps: of tokens, of a tuple, of half of a batch for guidance, of the mean of both halves."""
    maps = [part for part in (out if isinstance(out, tuple) else (out,)) if isinstance(part, torch.Tensor)]
    maps = [
        part if part.ndim == 4 else part.transpose(1, 2).reshape(-1, *feature.shape[1:]) for part in maps if part.numel() >= feature.numel()
    ]
    halves = [part.chunk(2) for part in maps if len(part) == 2 * len(feature)]
    return maps + [half for both in halves for half in both] + [sum(both) / 2 for both in halves]


@torch.no_grad()
def test_a_pass_in_two_parts(generator):
    """A pass stops after each block and continues for all samples with the same bits, and for some of them up to rounding.

    A generator that cannot stop says why.
    """
    z, y = some_inputs(generator, 5)
    if not isinstance(generator, BlockChain):
        with pytest.raises(InputError, match=f'{type(generator).__name__} cannot stop after a block: '):
            generator.forward_coarse(z, y, generator.feature_info[0].name)
        return
    images, features = generator.forward_features(z, y)
    for tap, info in enumerate(generator.feature_info):
        coarse = generator.forward_coarse(z, y, info.name)
        assert coarse.tap == tap and torch.equal(coarse.feature, features[tap])
        assert torch.equal(generator.forward_fine(coarse), images)
        chosen = coarse.rows([4, 1])
        assert [part.shape[0] for part in chosen[1:]] == [2, 2, 2]
        assert chosen.feature.untyped_storage().nbytes() <= coarse.feature.untyped_storage().nbytes() * 2 / 5  # the others are not kept
        torch.testing.assert_close(generator.forward_fine(chosen), images[[4, 1]], atol=1e-5, rtol=0)
        assert torch.equal(generator.forward_fine(Coarse.joined([coarse.rows([0, 1, 2]), coarse.rows([3, 4])])), images)


@torch.no_grad()
def test_a_pass_is_continued_by_its_generator_only(generator):
    if isinstance(generator, BlockChain):
        z, y = some_inputs(generator)
        with pytest.raises(InputError, match='has no block "blocks.7.7"; its blocks are '):
            generator.forward_coarse(z, y, 'blocks.7.7')
        coarse = generator.forward_coarse(z, y, generator.feature_info[0].name)
        with pytest.raises(InputError, match='are not those of this'):
            generator.forward_fine(coarse._replace(feature=coarse.feature[:, 1:]))


@torch.no_grad()
def test_a_sample_is_its_address(generator):
    """An image depends on its latent and class only.

    It does not depend on the batch or its order (up to rounding), and another index or class gives another image.
    """
    z, y = some_inputs(generator, 4)
    images = generator(z, y)
    torch.testing.assert_close(generator(*some_inputs(generator, 1, first=2)), images[2:3], atol=1e-5, rtol=0)
    torch.testing.assert_close(generator(z.flip(0), y.flip(0)).flip(0), images, atol=1e-5, rtol=0)
    assert torch.equal(generator(z, y), images)
    assert (images[0] - images[3]).abs().max() > 1e-3
    if generator.num_classes > 1:
        assert (generator(z, (y + 1) % generator.num_classes) - images).abs().amax((1, 2, 3)).min() > 1e-4


@torch.no_grad()
def test_folding_changes_no_bit(generator):
    z, y = some_inputs(generator)
    before = generator(z, y)
    folded = fold_spectral_norm(generator)
    assert torch.equal(folded(z, y), before)
    assert not any('parametrizations' in key for key in folded.state_dict())


@torch.no_grad()
def test_save_and_load(config, generator, tmp_path):
    write_safetensors(tmp_path / 'g.safetensors', generator.state_dict())
    loaded = MODELS.build(dict(config, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'g.safetensors'))))
    loaded.init_weights()
    z, y = some_inputs(generator)
    assert torch.equal(loaded.eval()(z, y), generator(z, y))


def test_frozen_ones_learn_nothing(generator):
    frozen = Frozen(generator).on('cpu')
    assert not frozen.training and not any(p.requires_grad for p in frozen.parameters())
    image, features = frozen.forward_features(*some_inputs(generator))
    assert not any(t.requires_grad for t in (image, *features))


@torch.no_grad()
def test_memory_format_changes_only_rounding(generator):
    z, y = some_inputs(generator)
    image, features = generator.forward_features(z, y)
    again, other_features = Frozen(generator).on('cpu').forward_features(z, y)
    torch.testing.assert_close(again, image, atol=1e-4, rtol=0)
    for a, b in zip(features, other_features, strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize('precision', [name for name in PRECISIONS if name != 'float32'])
def test_autocast(generator, precision):
    """Images under autocast are close to float32 images.

    A VQGAN decodes given tokens, because one changed token changes all later ones.
    """
    z, y = some_inputs(generator)
    if generator.latent_distribution == 'uniform':
        z = generator.sample(y, z)
    expected = generator(z, y)
    frozen = Frozen(generator, precision)
    with frozen.autocast('cpu'):
        image, features = frozen.on('cpu').forward_features(z, y)
    assert image.isfinite().all() and all(f.isfinite().all() for f in features)
    assert any(f.dtype == PRECISIONS[precision] for f in features)
    assert 0 < (image.float() - expected).abs().mean() < 0.1


@torch.no_grad()
@pytest.mark.skipif(not shutil.which(os.environ.get('CXX', 'g++')), reason='torch.compile on a CPU needs a C++ compiler')
@pytest.mark.parametrize(
    'config',
    [TINY_DCGAN, dict(type='mmbdg.BigGAN', resolution=8, num_classes=2, base_channels=4, channel_multipliers=(1, 1), latent_dim=4)],
)
def test_compiled_ones_give_the_same(config):
    generator = build_tiny(config)
    z, y = some_inputs(generator)
    image, features = generator.forward_features(z, y)
    compiled = Frozen(generator, compile=True).on('cpu')
    again, other_features = compiled.forward_features(z, y)
    torch.testing.assert_close(again, image, atol=1e-5, rtol=0)
    torch.testing.assert_close(compiled(z, y), image, atol=1e-5, rtol=0)
    for a, b in zip(features, other_features, strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_compiling_does_not_unroll_the_draw_of_tokens(monkeypatch):
    generator = build_tiny(TINY_VQGAN)
    z, y = some_inputs(generator, 1)
    expected = generator(z, y)
    nodes = []

    def backend(graph: torch.fx.GraphModule, inputs: list) -> Callable:
        nodes.append(len(list(graph.graph.nodes)))
        return graph.forward

    monkeypatch.setattr(torch, 'compile', partial(torch.compile, backend=backend))
    compiled = Frozen(generator, compile=True, channels_last=False).on('cpu')
    torch.testing.assert_close(compiled(z, y), expected, atol=1e-5, rtol=0)
    assert 50 < sum(nodes) < 1000  # the decoder only; drawing 64 tokens by 4 blocks would give many times more


def test_unknown_precision():
    with pytest.raises(InputError, match='float32, bfloat16, float16'):
        Frozen(build_tiny(TINY_DCGAN), 'fp8')


@torch.no_grad()
def test_an_interpreter_reads_it(generator):
    head = FeatureInterpreter(**generator.interpreter_sizes(), num_outputs=2, widths=(4, 3, 2)).eval()
    z, y = some_inputs(generator)
    _, features = generator.forward_features(z, y)
    assert head(features, generator.embed(y)).shape == (3, 2, generator.resolution, generator.resolution)
    resolutions = [info.resolution for info in generator.feature_info]
    for rule in ('relative', 'absolute'):
        groups = group_taps(resolutions, rule, generator.resolution)
        assert sorted(i for _, taps in groups for i in taps) == list(range(len(resolutions)))


class TestBadInput:
    def test_z_of_the_wrong_width(self, generator):
        _, y = some_inputs(generator)
        with pytest.raises(InputError, match=f'z must be .N, {generator.latent_dim}.'):
            generator(torch.rand(3, generator.latent_dim + 1), y)

    @pytest.mark.parametrize('wrong', [-1, 0])
    def test_class_out_of_range(self, generator, wrong):
        z, y = some_inputs(generator)
        y[1] = wrong or generator.num_classes
        with pytest.raises(InputError, match=f'0..{generator.num_classes - 1}'):
            generator.forward_features(z, y)
        with pytest.raises(InputError, match=f'0..{generator.num_classes - 1}'):
            generator_inputs(generator, 0, y.tolist(), range(3))

    def test_classes_that_are_no_indices(self, generator):
        z, y = some_inputs(generator)
        with pytest.raises(InputError, match='int64'):
            generator(z, y.float())
        with pytest.raises(InputError, match='one for each z'):
            generator(z, y[:2])

    def test_checkpoint_of_another_size(self, config, generator, tmp_path):
        state = generator.state_dict()
        key = next(key for key in state if state[key].ndim > 1)
        state[key] = torch.cat([state[key], state[key]])
        state['stray'] = torch.ones(1)
        write_safetensors(tmp_path / 'g.safetensors', state)
        other = MODELS.build(dict(config, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'g.safetensors'))))
        with pytest.raises(InputError, match='stray') as error:
            other.init_weights()
        assert key in str(error.value)
