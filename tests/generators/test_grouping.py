import pytest
import torch

from mmbdg.generators import BigGAN, BigGANDeep
from mmbdg.generators.grouping import group_bounds, group_taps

# Channels of the coarse / middle / fine group, by each rule: sums over all inner blocks, attention included.
TABLE = {
    ('BigGAN', 512): ('3072@32 960@128 192@512', '3072@32 960@128 192@512'),
    ('BigGAN', 256): ('2304@16 1152@64 480@256', '3072@32 768@128 96@256'),
    ('BigGAN', 128): ('1536@8 1152@32 480@128', '2688@32 480@128'),
    ('BigGANDeep', 512): ('10240@32 2048@128 384@512', '10240@32 2048@128 384@512'),
    ('BigGANDeep', 256): ('8192@16 3584@64 640@256', '10240@32 2048@128 128@256'),
    ('BigGANDeep', 128): ('6144@8 3072@32 896@128', '9216@32 896@128'),
}


@pytest.mark.parametrize(('name', 'resolution'), TABLE)
def test_groups_of_the_published_generators(name, resolution):
    with torch.device('meta'):
        generator = dict(BigGAN=BigGAN, BigGANDeep=BigGANDeep)[name](resolution, spectral_norm=False)
    info = generator.feature_info
    for rule, expected in zip(('relative', 'absolute'), TABLE[name, resolution], strict=True):
        groups = group_taps([i.resolution for i in info], rule, resolution)
        assert ' '.join(f'{sum(info[i].channels for i in taps)}@{size}' for size, taps in groups) == expected


def test_images_larger_than_the_finest_feature():
    """The rules use the image's resolution. DCGAN's finest feature has half of it."""
    assert group_taps([4, 8, 16, 32], 'relative', 64) == [(4, [0]), (16, [1, 2]), (64, [3])]


def test_small_images():
    assert group_bounds('absolute', 32) == (32,)
    assert group_bounds('absolute', 64) == (32, 64)
    assert group_bounds('relative', 64) == (4, 16, 64)
    with pytest.raises(ValueError, match="'relative', 'absolute'"):
        group_bounds('other', 64)
