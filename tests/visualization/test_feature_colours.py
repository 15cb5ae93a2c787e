import numpy as np

from mmbdg.visualization.feature_colours import principal_colours


def test_directions_of_greatest_spread_become_colours():
    """Directions of greatest variance become colours: channel 2 varies most, then 0, then 1, for red, green and blue."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2, 3, 16, 16)) * np.array([3, 1, 9])[None, :, None, None] + 5
    colours = principal_colours(features)
    assert colours.shape == (2, 16, 16, 3) and colours.dtype == np.uint8
    for channel, colour in ((2, 0), (0, 1), (1, 2)):
        assert np.corrcoef(features[:, channel].ravel(), colours[..., colour].ravel())[0, 1] > 0.97
    red, x = colours[..., 0].astype(float).ravel(), features[:, 2].ravel()
    low, high = np.percentile(x, [1, 99])
    np.testing.assert_allclose(red, ((x - low) / (high - low)).clip(0, 1) * 255, atol=8)


def test_what_does_not_vary_is_grey():
    assert (principal_colours(np.ones((1, 2, 4, 4))) == 128).all()
