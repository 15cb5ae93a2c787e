import numpy as np
import pytest
import torch
from conftest import TINY_VQGAN, build_tiny
from torch import nn

from mmbdg.errors import InputError
from mmbdg.files import write_safetensors
from mmbdg.generators import VQGAN
from mmbdg.generators.token_sampling import draw, kept_weights
from mmbdg.generators.vqgan_autoencoder import Autoencoder
from mmbdg.generators.vqgan_transformer import Transformer
from mmbdg.registry import MODELS

# Channels @ resolution of each feature of the released ImageNet model, coarse to fine.
PUBLISHED = (
    '1536@16 1536@16 1536@16 1536@16 1536@16 1536@16 1536@16 1536@16 1536@16 1536@16 1536@16 1536@16 '  # blocks 3, 7, ..., 47
    '512@16 512@16 512@16 512@16 '  # conv_in, middle
    '512@16 512@16 512@16 512@16 512@16 512@16 512@32 '  # three residual blocks with attentions, upsampling
    '256@32 256@32 256@32 256@64 256@64 256@64 256@64 256@128 128@128 128@128 128@128 128@256 128@256 128@256 128@256'
)
RELEASED_KEYS = """
    first_stage_model.encoder.conv_in.weight first_stage_model.encoder.down.4.attn.1.proj_out.bias
    first_stage_model.encoder.down.2.block.0.nin_shortcut.weight first_stage_model.encoder.down.3.downsample.conv.bias
    first_stage_model.encoder.mid.attn_1.norm.weight first_stage_model.encoder.norm_out.bias first_stage_model.encoder.conv_out.weight
    first_stage_model.decoder.up.4.attn.2.q.weight first_stage_model.decoder.up.3.block.0.nin_shortcut.bias
    first_stage_model.decoder.up.1.upsample.conv.weight first_stage_model.decoder.up.0.block.2.conv2.weight
    first_stage_model.quantize.embedding.weight first_stage_model.quant_conv.weight first_stage_model.post_quant_conv.bias
    transformer.tok_emb.weight transformer.pos_emb transformer.blocks.47.ln2.bias transformer.blocks.0.attn.proj.weight
    transformer.blocks.11.mlp.2.weight transformer.ln_f.weight transformer.head.weight
"""


@pytest.fixture(scope='module')
def model():
    """A tiny model whose weights are large enough that each token depends on the earlier ones."""
    torch.manual_seed(0)
    model = build_tiny(TINY_VQGAN)
    with torch.no_grad():
        for parameter in model.transformer.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model


def latents(count):
    return torch.rand(count, 64), torch.arange(count) % 3


def test_published_sizes():
    with torch.device('meta'):
        model = VQGAN()
    assert ' '.join(f'{info.channels}@{info.resolution}' for info in model.feature_info) == PUBLISHED
    assert [info.name for info in model.feature_info[:3]] == [f'transformer.blocks.{i}' for i in (3, 7, 11)]
    assert all(info.stride * info.resolution == 256 for info in model.feature_info)
    assert model.latent_dim == 256 and model.embed_dim == 0 and model.latent_distribution == 'uniform'
    assert sum(p.numel() for p in model.transformer.parameters()) / 1e9 == pytest.approx(1.411, abs=0.001)
    keys = model.state_dict()
    assert not set(RELEASED_KEYS.split()) - set(keys)
    assert keys['transformer.pos_emb'].shape == (1, 256, 1536)
    assert keys['transformer.head.weight'].shape == (16384, 1536) and 'transformer.head.bias' not in keys


def test_key_names():
    """A tiny model has exactly the expected keys."""

    def both(*names):
        return {f'{name}.{kind}' for name in names for kind in ('weight', 'bias')}

    def residual(name, shortcut=False):
        return both(*(f'{name}.{part}' for part in ('norm1', 'conv1', 'norm2', 'conv2')), *([f'{name}.nin_shortcut'] if shortcut else []))

    def attention(name):
        return both(*(f'{name}.{part}' for part in ('norm', 'q', 'k', 'v', 'proj_out')))

    expected = both('quant_conv', 'post_quant_conv') | {'quantize.embedding.weight'}
    for side in ('encoder', 'decoder'):
        expected |= both(*(f'{side}.{name}' for name in ('conv_in', 'norm_out', 'conv_out')))
        expected |= residual(f'{side}.mid.block_1') | attention(f'{side}.mid.attn_1') | residual(f'{side}.mid.block_2')
    expected |= residual('encoder.down.0.block.0') | both('encoder.down.0.downsample.conv')
    expected |= residual('encoder.down.1.block.0') | both('encoder.down.1.downsample.conv')
    expected |= residual('encoder.down.2.block.0', shortcut=True) | attention('encoder.down.2.attn.0')
    for j in (0, 1):
        expected |= residual(f'decoder.up.2.block.{j}') | attention(f'decoder.up.2.attn.{j}')
        expected |= residual(f'decoder.up.1.block.{j}', shortcut=j == 0) | residual(f'decoder.up.0.block.{j}')
    expected |= both('decoder.up.2.upsample.conv', 'decoder.up.1.upsample.conv')
    expected = {f'first_stage_model.{name}' for name in expected}

    expected |= {'transformer.tok_emb.weight', 'transformer.pos_emb', 'transformer.head.weight'} | both('transformer.ln_f')
    parts = ('ln1', 'ln2', 'attn.key', 'attn.query', 'attn.value', 'attn.proj', 'mlp.0', 'mlp.2')
    expected |= both(*(f'transformer.blocks.{i}.{part}' for i in range(4) for part in parts))
    assert set(MODELS.build(TINY_VQGAN).state_dict()) == expected


SIZES = dict(resolution=64, ch=32, ch_mult=(1, 1, 2, 4), num_res_blocks=2, attn_resolutions=(8,), z_channels=32)


def test_equal_to_diffusers():
    """The first stage gives the results of diffusers' VQModel with the same weights."""
    diffusers = pytest.importorskip('diffusers', reason='the reference implementation: pip install diffusers==0.42.1')
    ours = Autoencoder(n_embed=64, code_dim=16, **SIZES).eval()
    for parameter in ours.parameters():  # no norm is the identity, and biases are large enough to matter
        nn.init.normal_(parameter, std=0.05 if parameter.ndim > 1 else 0.5)
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    with torch.no_grad():  # codes near the encoder's outputs, so that they are used
        vectors = ours.quant_conv(ours.encoder(images)).movedim(1, 3).reshape(128, 16)
        ours.quantize.embedding.weight.copy_(vectors[::2] + 0.01 * torch.randn(64, 16))
    theirs = diffusers.VQModel(
        down_block_types=('DownEncoderBlock2D',) * 3 + ('AttnDownEncoderBlock2D',),
        up_block_types=('AttnUpDecoderBlock2D',) + ('UpDecoderBlock2D',) * 3,
        block_out_channels=(32, 32, 64, 128),
        layers_per_block=2,
        latent_channels=32,
        num_vq_embeddings=64,
        vq_embed_dim=16,
    ).eval()
    theirs.load_state_dict({key: ours.state_dict()[our_key(key)].view(value.shape) for key, value in theirs.state_dict().items()})
    with torch.no_grad():
        for dtype, tolerance in ((torch.float32, 1e-4), (torch.float64, 1e-11)):  # at float64, differences are not hidden by rounding
            ours, theirs, images = ours.to(dtype), theirs.to(dtype), images.to(dtype)
            vectors = theirs.encode(images).latents
            quantised, _, (_, _, tokens) = theirs.quantize(vectors)
            expected = theirs.decode(quantised, force_not_quantize=True).sample
            assert (ours.quant_conv(ours.encoder(images)) - vectors).abs().max() < tolerance
            assert torch.equal(ours.encode(images).flatten(), tokens.flatten()) and len(tokens.unique()) > 40
            assert expected.std() > 0.1 and (ours.decode(ours.encode(images)) - expected).abs().max() < tolerance


def our_key(key):
    """The released key of a diffusers key."""
    parts = key.split('.')
    if parts[1] in ('down_blocks', 'up_blocks'):
        level = int(parts[2]) if parts[1] == 'down_blocks' else 3 - int(parts[2])
        kind = {'resnets': f'block.{parts[4]}', 'attentions': f'attn.{parts[4]}', 'downsamplers': 'downsample', 'upsamplers': 'upsample'}
        parts[1:5] = [parts[1].removesuffix('_blocks'), str(level), kind[parts[3]]]
    elif parts[1] == 'mid_block':
        parts[1:4] = ['mid', {'resnets': 'block', 'attentions': 'attn'}[parts[2]] + f'_{int(parts[3]) + 1}']
    names = {'group_norm': 'norm', 'to_q': 'q', 'to_k': 'k', 'to_v': 'v', 'conv_shortcut': 'nin_shortcut', 'conv_norm_out': 'norm_out'}
    return '.'.join(names.get(part, part) for part in parts).replace('to_out.0', 'proj_out')


def test_transformer_by_hand():
    transformer = Transformer(vocab_size=11, block_size=6, n_layer=2, n_head=2, n_embd=8).double()
    for parameter in transformer.parameters():
        nn.init.normal_(parameter, std=0.5)
    w = {key: value.detach().numpy() for key, value in transformer.state_dict().items()}
    gelu = nn.GELU()

    def linear(x, name):
        return x @ w[f'{name}.weight'].T + w[f'{name}.bias']

    def norm(x, name):
        return (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5) * w[f'{name}.weight'] + w[f'{name}.bias']

    tokens = [3, 10, 0, 7, 7]
    x = w['tok_emb.weight'][tokens] + w['pos_emb'][0, :5]
    for i in range(2):
        h = norm(x, f'blocks.{i}.ln1')
        query, key, value = (linear(h, f'blocks.{i}.attn.{name}') for name in ('query', 'key', 'value'))
        mixed = np.zeros_like(x)
        for head in (slice(0, 4), slice(4, 8)):
            for t in range(5):
                scores = np.exp(key[: t + 1, head] @ query[t, head] / 2)
                mixed[t, head] = scores / scores.sum() @ value[: t + 1, head]
        x = x + linear(mixed, f'blocks.{i}.attn.proj')
        hidden = gelu(torch.from_numpy(linear(norm(x, f'blocks.{i}.ln2'), f'blocks.{i}.mlp.0'))).numpy()
        x = x + linear(hidden, f'blocks.{i}.mlp.2')
    expected = norm(x, 'ln_f') @ w['head.weight'].T
    np.testing.assert_allclose(transformer(torch.tensor([tokens]))[0].detach().numpy(), expected, atol=1e-9)


@torch.no_grad()
def test_cache_equals_recomputation(model):
    z, y = latents(3)
    tokens = model.sample(y, z)
    assert torch.equal(model.sample(y, z, cache=False), tokens)
    sequence = torch.cat([y[:, None], tokens[:, :-1]], dim=1)
    cache = model.transformer.new_cache()
    steps = torch.stack([model.transformer.step(sequence[:, i], cache) for i in range(64)], dim=1)
    assert (steps - model.transformer(sequence)).abs().max() < 1e-5
    assert cache[0].keys.shape == (3, 2, 64, 16)


class TestDraw:
    def filtered(self, logits, top_k, top_p, temperature):
        """Probabilities in float64 with plain numpy."""
        p = np.exp(logits.astype(np.float64) / temperature)
        order = np.argsort(-p, kind='stable')[:top_k]
        p = p[order] / p[order].sum()
        count = 1 + int(np.searchsorted(p.cumsum(), top_p, side='right'))
        expected = np.zeros(len(logits))
        expected[order[:count]] = p[:count] / p[:count].sum()
        return expected

    @pytest.mark.parametrize('settings', [(50, 1.0, 1.0), (10, 1.0, 1.0), (10, 0.7, 1.0), (99, 0.92, 1.5), (5, 0.1, 0.7), (1, 0.5, 1.0)])
    def test_filter(self, settings):
        logits = 2 * torch.randn(8, 50)
        tokens, weights = kept_weights(logits, *settings)
        probabilities = torch.zeros(8, 50, dtype=torch.float64).scatter_(1, tokens, weights / weights.sum(1, keepdim=True).double())
        expected = np.stack([self.filtered(row, *settings) for row in logits.numpy()])
        assert ((probabilities > 0).numpy() == (expected > 0)).all()
        np.testing.assert_allclose(probabilities.numpy(), expected, atol=1e-6)

    def test_frequencies(self):
        logits = torch.randn(20)
        uniforms = (torch.arange(20000) + 0.5) / 20000
        tokens = draw(logits.expand(20000, -1), uniforms[torch.randperm(20000)], 12, 0.9, 1.0)
        expected = self.filtered(logits.numpy(), 12, 0.9, 1.0)
        np.testing.assert_allclose(np.bincount(tokens, minlength=20) / 20000, expected, atol=2e-4)

    def test_boundaries(self):
        """With four equal tokens, the drawn token is the first whose cumulative probability exceeds the random number."""
        uniforms = torch.tensor([0, 0.25 - 2**-24, 0.25, 0.5, 0.75, 1 - 2**-24, 1 - 2**-53], dtype=torch.float64)
        assert draw(torch.zeros(7, 4), uniforms, 4, 1.0, 1.0).tolist() == [0, 0, 1, 2, 3, 3, 3]
        # a cumulative probability of 0.5 does not exceed 0.5, so three tokens are needed
        assert draw(torch.zeros(2, 4), torch.tensor([0.6, 0.99]), 4, 0.5, 1.0).tolist() == [1, 2]

    def test_top_1_is_argmax(self):
        logits = torch.randn(100, 30)
        assert torch.equal(draw(logits, torch.rand(100), 1, 0.9, 1.0), logits.argmax(1))
        assert torch.equal(draw(logits, torch.rand(100), 30, 1e-6, 1.0), logits.argmax(1))

    @pytest.mark.parametrize('logits', [torch.tensor([[200.0, -200.0, -200.0]]), torch.full((1, 3), -1e4)])
    def test_extreme_logits(self, logits):
        assert draw(logits, torch.tensor([1 - 2**-24]), 3, 1.0, 1.0).item() == (0 if logits[0, 0] > 0 else 2)


@torch.no_grad()
def test_settings_of_the_draw(model):
    z, y = latents(2)
    greedy = model.sample(y, z, top_k=1)
    sequence = torch.cat([y[:, None], greedy[:, :-1]], dim=1)
    assert torch.equal(model.transformer(sequence).argmax(2), greedy)
    assert torch.equal(model.sample(y, z, temperature=1e-4), greedy) and torch.equal(model.sample(y, z, top_p=1e-6), greedy)
    assert not torch.equal(model.sample(y, z), greedy)
    other = MODELS.build(dict(TINY_VQGAN, top_k=1))
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.sample(y, z), greedy)


def test_drawn_uniforms(model):
    y = torch.tensor([0, 1])
    tokens = model.sample(y, generator=torch.Generator().manual_seed(3))
    assert torch.equal(tokens, model.sample(y, torch.rand(2, 64, generator=torch.Generator().manual_seed(3))))
    assert tokens.dtype == torch.int64 and tokens.shape == (2, 64) and len(tokens.unique()) > 10
    assert not torch.equal(model.sample(y), model.sample(y))


def test_a_sample_does_not_depend_on_its_batch(model):
    z, y = latents(5)
    tokens = model.sample(y, z)
    for rows in ([3], [4, 1], [2, 2, 0]):
        assert torch.equal(model.sample(y[rows], z[rows]), tokens[rows])


def test_class_and_every_number_count(model):
    z, y = latents(1)
    tokens = model.sample(y, z)
    assert not torch.equal(model.sample(y + 1, z), tokens)
    changed = z.clone()
    changed[:, 40] = (z[:, 40] + 0.5) % 1
    after = model.sample(y, changed)
    assert torch.equal(after[:, :40], tokens[:, :40]) and after[0, 40] != tokens[0, 40]


@torch.no_grad()
def test_taps_are_outputs_of_submodules(model):
    seen = {}
    handles = [
        model.get_submodule(info.name).register_forward_hook(lambda m, i, out, name=info.name: seen.update({name: out}))
        for info in model.feature_info
    ]
    z, y = latents(2)
    tokens = model.sample(y, z)
    image, features = model.features(tokens, y)
    for handle in handles:
        handle.remove()
    assert image.shape == (2, 3, 32, 32) and image.dtype == torch.float32 and image.abs().max() <= 1
    assert len(features) == len(model.feature_info) == len({info.name for info in model.feature_info}) == 2 + 4 + 5 + 3 + 2
    for info, feature in zip(model.feature_info, features, strict=True):
        out = seen[info.name]
        if info.name.startswith('transformer'):
            out = out.transpose(1, 2).reshape(2, -1, 8, 8)
        assert feature.shape == (2, info.channels, info.resolution, info.resolution) and torch.equal(feature, out)
        assert info.stride * info.resolution == model.resolution


@torch.no_grad()
def test_hidden_states_have_seen_earlier_tokens_only(model):
    tokens, y = torch.randint(64, (1, 64)), torch.tensor([1])
    changed = tokens.clone()
    changed[0, 21] = (tokens[0, 21] + 1) % 64  # row 2, column 5
    for before, after in zip(model.features(tokens, y)[1][:2], model.features(changed, y)[1][:2], strict=True):
        same = (before == after).all(1)[0].flatten()
        assert same[:22].all() and not same[22:].any()


@torch.no_grad()
def test_drawn_and_given_tokens_are_one_path(model):
    z, y = latents(2)
    image, features = model.forward_features(z, y)
    tokens = model.sample(y, z)
    assert torch.equal(model(z, y), image) and torch.equal(model(tokens, y), image) and torch.equal(model.decode(tokens), image)
    for result in (model.features(tokens, y), model.forward_features(tokens, y)):
        assert torch.equal(result[0], image)
        assert all(torch.equal(a, b) for a, b in zip(result[1], features, strict=True))


@torch.no_grad()
def test_tokens_of_images(model):
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    tokens = model.encode(images)
    assert tokens.shape == (2, 64) and tokens.dtype == torch.int64
    vectors = model.first_stage_model.quant_conv(model.first_stage_model.encoder(images))
    codes = model.first_stage_model.quantize.embedding.weight
    assert torch.equal(tokens[1, 10], (codes - vectors[1, :, 1, 2]).norm(dim=1).argmin())
    torch.testing.assert_close(model.first_stage_model.quantize(tokens)[1, :, 1, 2], codes[tokens[1, 10]])
    wide = MODELS.build(TINY_VQGAN)
    wide.first_stage_model.decoder.conv_out.weight.mul_(50)
    assert wide.decode(tokens).abs().max() == 1 < wide._decode(tokens).abs().max()


def test_half_precision_and_channels_last(model):
    z, y = latents(2)
    tokens = model.sample(y, z)
    with torch.no_grad():
        image = model.decode(tokens)
        with torch.autocast('cpu', dtype=torch.bfloat16):
            half, features = model.features(tokens, y)
            drawn = model.sample(y, z)
            codes = model.encode(image)
        assert half.dtype == torch.float32 and (half - image).abs().max() < 0.1
        assert len(features) == len(model.feature_info) and drawn.shape == codes.shape == (2, 64)
        vectors, quantiser = torch.randn(8, 16, 16, 16), model.first_stage_model.quantize
        with torch.autocast('cpu', dtype=torch.bfloat16):
            nearest = quantiser.nearest(vectors)
        assert torch.equal(nearest, quantiser.nearest(vectors))
        last = MODELS.build(TINY_VQGAN).to(memory_format=torch.channels_last)
        last.load_state_dict(model.state_dict())
        torch.testing.assert_close(last.decode(tokens), image)


def test_save_and_load(model, tmp_path):
    write_safetensors(tmp_path / 'g.safetensors', model.state_dict())
    loaded = MODELS.build(dict(TINY_VQGAN, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'g.safetensors'))))
    loaded.init_weights()
    z, y = latents(2)
    assert torch.equal(loaded(z, y), model(z, y))


def test_random_start():
    transformer = build_tiny(TINY_VQGAN).transformer
    for layer in (transformer.head, transformer.tok_emb):
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert not transformer.pos_emb.any() and not transformer.blocks[0].mlp[0].bias.any()


@pytest.mark.parametrize(
    'call, message',
    [
        (lambda m: m(torch.randn(1, 64) * 3, torch.tensor([0])), r'\[0, 1\)'),
        (lambda m: m(torch.ones(1, 64), torch.tensor([0])), r'\[0, 1\)'),
        (lambda m: m(torch.full((1, 64), torch.nan), torch.tensor([0])), r'\[0, 1\)'),
        (lambda m: m(torch.rand(1, 65), torch.tensor([0])), r'\(N, 64\)'),
        (lambda m: m(torch.rand(1, 64), torch.tensor([3])), r'0\.\.2'),
        (lambda m: m(torch.zeros(1, 64, dtype=torch.int32), torch.tensor([0])), 'int64'),
        (lambda m: m(torch.full((1, 64), 64), torch.tensor([0])), r'0\.\.63'),
        (lambda m: m.decode(torch.full((1, 64), -1)), r'0\.\.63'),
        (lambda m: m.decode(torch.zeros(1, 8, 8, dtype=torch.int64)), r'\(N, 64\)'),
        (lambda m: m.features(torch.rand(1, 64), torch.tensor([0])), 'int64'),
        (lambda m: m.features(torch.zeros(1, 64, dtype=torch.int64), torch.tensor([5])), r'0\.\.2'),
        (lambda m: m.encode(torch.zeros(1, 3, 64, 64)), r'\(N, 3, 32, 32\)'),
        (lambda m: m.encode(torch.zeros(1, 3, 32, 32, dtype=torch.uint8)), 'float'),
        (lambda m: m.encode(torch.full((1, 3, 32, 32), 255.0)), '127.5'),
        (lambda m: m.sample(torch.tensor([3])), r'0\.\.2'),
        (lambda m: m.sample(torch.tensor(1)), 'int64'),
        (lambda m: m.sample(torch.tensor([0]), torch.zeros(1, 64, dtype=torch.int64)), 'floating'),
        (lambda m: m.sample(torch.tensor([0]), top_k=0), 'top_k'),
        (lambda m: m.sample(torch.tensor([0]), top_p=0.0), 'top_p'),
        (lambda m: m.sample(torch.tensor([0]), top_p=1.1), 'top_p'),
        (lambda m: m.sample(torch.tensor([0]), temperature=0.0), 'temperature'),
    ],
)
def test_bad_inputs(model, call, message):
    with pytest.raises(InputError, match=message):
        call(model)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(resolution=30), 'multiple of 2'),
        (dict(ch=24), 'multiples of 32'),
        (dict(ch_mult=()), 'levels'),
        (dict(num_res_blocks=0), 'num_res_blocks'),
        (dict(attn_resolutions=(12,)), 'attn_resolutions'),
        (dict(num_classes=65), 'num_classes'),
        (dict(n_head=3), 'n_head'),
        (dict(tap_every=5), 'tap_every'),
        (dict(top_k=0), 'top_k'),
    ],
)
def test_sizes_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        VQGAN(**{key: value for key, value in {**TINY_VQGAN, **change}.items() if key != 'type'})


def test_narrow_networks():
    """With fewer groups of a norm, numbers of channels that are no multiples of 32 are possible; all norms have these groups."""
    model = build_tiny(TINY_VQGAN | dict(ch=8, ch_mult=(1, 2, 4), norm_groups=4))
    norms = [module for module in model.modules() if isinstance(module, nn.GroupNorm)]
    assert {norm.num_groups for norm in norms} == {4} and {norm.num_channels for norm in norms} == {8, 16, 32}
    assert {module.num_groups for module in build_tiny(TINY_VQGAN).modules() if isinstance(module, nn.GroupNorm)} == {32}
    with pytest.raises(ValueError, match='must be multiples of 16'):
        build_tiny(TINY_VQGAN | dict(ch=8, norm_groups=16))
    with pytest.raises(ValueError, match='norm_groups must be at least 1, got 0'):
        build_tiny(TINY_VQGAN | dict(norm_groups=0))
