from hashlib import blake2b

import numpy as np
import pytest

from mmbdg.sources.latents import latent, latents


def test_address_by_hand():
    key = int.from_bytes(blake2b(b'7/3/41', digest_size=16).digest(), 'little')
    expected = np.random.Generator(np.random.Philox(key=key)).standard_normal(5).astype(np.float32)
    assert np.array_equal(latent(7, 3, 41, 5), expected)


def test_golden_values():
    """Latents are the same on every machine and in every version, because datasets refer to samples by these addresses."""
    np.testing.assert_allclose(latent(0, 0, 0, 3), GOLDEN, rtol=0, atol=0)


GOLDEN = np.array([-1.0008656978607178, 0.3057400584220886, -0.8033533096313477], np.float32)


def test_neighbours_share_nothing():
    z = latents(0, [0, 0, 1], [0, 1, 0], 4000).numpy()
    assert np.abs(np.corrcoef(z) - np.eye(3)).max() < 0.06
    assert not np.array_equal(latent(0, 11, 1, 4), latent(0, 1, 11, 4))  # '0/11/1' is not '0/1/11'


def test_truncation_draws_again():
    free, cut = latent(0, 1, 2, 10_000), latent(0, 1, 2, 10_000, truncation=0.9)
    assert np.abs(cut).max() <= 0.9
    inside = np.abs(free) <= 0.9
    assert np.array_equal(free[inside], cut[inside])  # values inside are unchanged
    assert np.abs(cut[~inside]).mean() < 0.6  # the others are drawn again, not clamped
    assert cut.std() == pytest.approx(0.4986, abs=0.01)  # the value of a normal distribution truncated to [-0.9, 0.9]


def test_truncation_must_be_positive():
    with pytest.raises(ValueError, match='truncation'):
        latent(0, 0, 0, 4, truncation=0)
