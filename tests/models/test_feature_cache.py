import pytest
import torch
from conftest import TINY_GENERATOR, TINY_INTERPRETER, build_tiny

from mmbdg.errors import InputError
from mmbdg.files import write_safetensors
from mmbdg.models import InterpreterTraining
from mmbdg.models.feature_cache import GIB, FeatureCache, fingerprint


def taps(rows):
    """Two features. The first contains the row number."""
    return [torch.arange(10)[rows].float()[:, None, None, None].expand(-1, 3, 4, 4) / 3, torch.ones(len(rows), 2, 8, 8)]


def calls(cache, z, y):
    asked = []

    def compute(rows):
        asked.append(rows.tolist())
        return taps(rows)

    return cache.features(z, y, compute), asked


def test_computed_once(tmp_path):
    z, y = torch.randn(10, 4), torch.arange(10) % 3
    first, asked = calls(FeatureCache(str(tmp_path), ['g']), z[:4], y[:4])
    assert asked == [[0, 1, 2, 3]]
    again, asked = calls(FeatureCache(str(tmp_path), ['g']), z[[2, 7, 0]], y[[2, 7, 0]])
    assert asked == [[1]]  # only the new row is computed
    assert torch.equal(again[0][0], first[0][2]) and torch.equal(again[0][2], first[0][0]) and torch.equal(again[0][1], taps([1])[0][0])
    assert [tap.shape for tap in again] == [(3, 3, 4, 4), (3, 2, 8, 8)]


def test_depends_on_latent_class_and_generator(tmp_path):
    z, y = torch.randn(1, 4), torch.zeros(1, dtype=torch.int64)
    calls(FeatureCache(str(tmp_path), ['g']), z, y)
    assert calls(FeatureCache(str(tmp_path), ['g']), z, y)[1] == []
    assert calls(FeatureCache(str(tmp_path), ['other']), z, y)[1] == [[0]]
    assert calls(FeatureCache(str(tmp_path), ['g']), z, y + 1)[1] == [[0]]
    assert calls(FeatureCache(str(tmp_path), ['g']), z + 1e-6, y)[1] == [[0]]
    assert calls(FeatureCache(str(tmp_path), ['g'], dtype='float16'), z, y)[1] == [[0]]


def test_stops_writing_when_it_is_full(tmp_path):
    size = (3 * 16 + 2 * 64) * 4
    cache = FeatureCache(str(tmp_path), ['g'], max_gib=2.5 * size / GIB)
    z, y = torch.randn(5, 4), torch.zeros(5, dtype=torch.int64)
    features, _ = calls(cache, z, y)
    assert len(list(tmp_path.iterdir())) == 2 and len(features[0]) == 5
    assert calls(cache, z, y)[1] == [[2, 3, 4]]


def test_damaged_files_are_made_again(tmp_path):
    z, y = torch.randn(2, 4), torch.zeros(2, dtype=torch.int64)
    cache = FeatureCache(str(tmp_path), ['g'])
    expected, _ = calls(cache, z, y)
    broken = sorted(tmp_path.iterdir())[0]
    whole = broken.read_bytes()
    broken.write_bytes(whole[:100])
    found, asked = calls(cache, z, y)
    assert len(asked) == 1 and len(asked[0]) == 1 and len(broken.read_bytes()) == len(whole)
    assert [tap.shape for tap in found] == [tap.shape for tap in expected]


def test_a_latent_that_occurs_twice_is_computed_once(tmp_path):
    z, y = torch.randn(2, 4)[[0, 1, 0]], torch.zeros(3, dtype=torch.int64)
    features, asked = calls(FeatureCache(str(tmp_path), ['g']), z, y)
    assert asked == [[0, 1]] and torch.equal(features[0][2], features[0][0])


def test_types_of_latents_differ(tmp_path):
    """Latents of different dtypes have different cache entries, although their zeros have the same bytes."""
    cache = FeatureCache(str(tmp_path), ['g'])
    calls(cache, torch.zeros(1, 4), torch.zeros(1, dtype=torch.int64))
    assert calls(cache, torch.zeros(1, 2, dtype=torch.int64), torch.zeros(1, dtype=torch.int64))[1] == [[0]]


def test_what_float16_cannot_hold_is_said(tmp_path):
    with pytest.raises(InputError, match='dtype="float32"'):
        FeatureCache(str(tmp_path), ['g'], dtype='float16').features(
            torch.zeros(1, 4), torch.zeros(1, dtype=torch.int64), lambda rows: [torch.full((1, 2, 4, 4), 1e6)]
        )


def test_unknown_dtype(tmp_path):
    with pytest.raises(InputError, match='float32, float16'):
        FeatureCache(str(tmp_path), ['g'], dtype='int8')


def test_training_on_cached_features(tmp_path):
    generator = build_tiny(TINY_GENERATOR)
    write_safetensors(tmp_path / 'g.safetensors', generator.state_dict())
    config = dict(TINY_GENERATOR, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'g.safetensors')))
    plain = InterpreterTraining(config, TINY_INTERPRETER)
    cached = InterpreterTraining(config, TINY_INTERPRETER, feature_cache=dict(folder=str(tmp_path / 'cache')))
    z, y = torch.randn(3, 12), torch.tensor([0, 1, 2])
    for _ in range(2):
        expected, embedding = plain._features(z, y)
        found, same_embedding = cached._features(z, y)
        assert torch.equal(embedding, same_embedding)
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=0)
    assert len(list((tmp_path / 'cache').iterdir())) == 3
    identities = [
        InterpreterTraining(changed, TINY_INTERPRETER, feature_cache=dict(folder=str(tmp_path / 'cache')), **more)._cache.identity
        for changed, more in (
            (config, {}),
            (dict(config, output_eps=1e-3), {}),
            (config, dict(truncation=0.5)),
            (config, dict(precision='bfloat16')),
        )
    ]
    assert len(set(identities)) == 4
    other = {key: value + 1e-3 for key, value in generator.state_dict().items() if value.is_floating_point()}
    assert fingerprint(other) != fingerprint(generator.state_dict())
