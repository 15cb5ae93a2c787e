from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import TINY_CLASSES, TINY_GENERATOR, TINY_VQGAN, build_tiny, run_tool, with_tables
from PIL import Image

from mmbdg.annotation import read_annotated_latents, write_samples
from mmbdg.annotation.pick import (
    check_same_generator,
    describe,
    diverse,
    farthest_points,
    standardised,
    uncertain,
)
from mmbdg.errors import InputError
from mmbdg.generators import to_pixels
from mmbdg.registry import MODELS
from mmbdg.sources import LabelledGenerator, generator_inputs, latent


def radius(points, chosen):
    return np.linalg.norm(points[:, None] - points[chosen][None], axis=2).min(1).max()


def test_farthest_points_take_one_of_each_group():
    rng = np.random.default_rng(0)
    groups = rng.permutation(np.repeat([0, 1, 2, 3], [20, 5, 2, 1]))
    points = np.array([[0, 0], [10, 0], [0, 10], [9, 9]])[groups] + rng.uniform(-1, 1, (28, 2))
    assert sorted(groups[farthest_points(points, 4)]) == [0, 1, 2, 3]


def test_farthest_points_step_by_step():
    points = np.array([[0.0], [4.0], [5.0], [11.0], [11.0]])  # mean 6.2
    assert farthest_points(points, 3) == [2, 3, 0]  # 3 and 4 are at distance 6 from the first, 0 at 5; the lower index is first
    assert sorted(farthest_points(points, 5)) == [0, 1, 2, 3, 4]  # duplicates come last, once each


def test_standardised_taps_weigh_the_same():
    rng = np.random.default_rng(0)
    wide, narrow = 100 * rng.standard_normal((12, 50)) + 7, rng.standard_normal((12, 2))
    wide[:, 3] = 5  # constant, so it has no information
    points = standardised([[wide[:8], narrow[:8]], [wide[8:], narrow[8:]]])
    assert points.shape == (12, 52) and np.allclose(points.mean(0), 0) and (points[:, 3] == 0).all()
    assert np.isclose((points[:, :50] ** 2).sum() / 12, 49 / 50) and np.isclose((points[:, 50:] ** 2).sum() / 12, 1)


def test_descriptions_are_quarters_of_coarse_features():
    generator = build_tiny(TINY_GENERATOR | dict(resolution=32, channel_multipliers=(2, 2, 2, 1)))
    with torch.no_grad():
        _, features = generator.forward_features(*generator_inputs(generator, 1, [2, 2], [4, 0]))
    described = describe(generator, 1, 2, [4, 0])
    coarse = [f.double().numpy() for f in features if f.shape[2] <= 16]
    assert len(described) == len(coarse) < len(features)
    for rows, f in zip(described, coarse, strict=True):
        half = f.shape[2] // 2
        quarters = [f[:, :, i : i + half, j : j + half].mean((2, 3)) for i in (0, half) for j in (0, half)]
        assert np.allclose(rows, np.stack(quarters, 2).reshape(2, -1), atol=1e-5)


def test_diverse_covers_better_than_the_first():
    generator = build_tiny(TINY_GENERATOR)
    picks = diverse(generator, per_class=8, seed=1, candidates=40)
    assert picks != diverse(generator, per_class=8, seed=2, candidates=40)
    assert diverse(generator, per_class=2, seed=1) == [chosen[:2] for chosen in diverse(generator, 4, 1, candidates=20)]
    for class_id, chosen in enumerate(picks):
        assert len(set(chosen)) == 8 and set(chosen) <= set(range(40))
        points = standardised([describe(generator, 1, class_id, range(40))])
        assert radius(points, chosen) < 0.9 * radius(points, range(8))


def test_diverse_of_a_vqgan():
    assert [len(set(chosen)) for chosen in diverse(build_tiny(TINY_VQGAN), per_class=2, seed=0, candidates=4)] == [2, 2, 2]


def test_diverse_looks_through_the_statistics_of_the_truncation():
    generator, truncation = with_tables(), dict(threshold=0.4, definition='scaled_truncnorm')
    picks = diverse(generator, 3, 1, truncation, candidates=12)
    generator.use_statistics(0.4)
    points = standardised([describe(generator, 1, 0, range(12), truncation)])
    assert picks[0] == farthest_points(points, 3)


def test_uncertain_takes_the_largest_doubts():
    doubts = torch.rand(3, 100)
    labelled = SimpleNamespace(
        num_classes=3,
        resolution=128,  # batches of 32, so several batches
        label=lambda class_ids, indices: SimpleNamespace(uncertainty=doubts[class_ids, list(indices)]),
    )
    expected = [sorted(range(70), key=lambda i, c=c: -doubts[c, i])[:7] for c in range(3)]
    assert uncertain(labelled, 7, candidates=70) == expected
    assert uncertain(labelled, 7) == expected  # the default is ten times as many


def test_uncertain_of_a_labelled_generator(tiny_labelled_generator):
    labelled = LabelledGenerator.load(tiny_labelled_generator, seed=1, truncation=None)
    picks = uncertain(labelled, 2, candidates=6)
    for class_id, chosen in enumerate(picks):
        doubts = labelled.label([class_id] * 6, range(6)).uncertainty
        assert chosen == doubts.argsort(descending=True)[:2].tolist()


def test_another_generator_is_found_out(tiny_labelled_generator):
    labelled = LabelledGenerator.load(tiny_labelled_generator, seed=1, truncation=None)
    torch.manual_seed(0)
    same = build_tiny(TINY_GENERATOR)
    check_same_generator(labelled, same, TINY_CLASSES)
    with pytest.raises(InputError, match="classes are .*'disc'.*'c'"):
        check_same_generator(labelled, same, 'abc')
    with pytest.raises(InputError, match='latent_dim is 12, this generator.s is 15'):
        check_same_generator(labelled, MODELS.build(TINY_GENERATOR | dict(latent_dim=15)), TINY_CLASSES)
    with torch.no_grad():
        for weights in same.parameters():
            weights.copy_(weights.flatten().flip(0).view_as(weights))
    with pytest.raises(InputError, match='another picture at the same address'):
        check_same_generator(labelled, same, TINY_CLASSES)


@pytest.mark.parametrize(('per_class', 'candidates'), [(0, None), (-1, None), (5, 4)])
def test_too_few_candidates(per_class, candidates):
    with pytest.raises(InputError, match=f'got {per_class} from'):
        diverse(build_tiny(TINY_GENERATOR), per_class, 1, candidates=candidates)


def test_indices_stay_in_the_names(tmp_path):
    generator, indices = build_tiny(TINY_GENERATOR), [[7, 3], [0, 11], [5]]
    assert write_samples(tmp_path, 'tiny', generator, TINY_CLASSES, 2, 1, rule=lambda image: image[..., 0] > 0, indices=indices) == 5
    pairs = read_annotated_latents(tmp_path, 'tiny', 3)
    assert {pair.stem for pair in pairs} == {'disc_0_3', 'disc_0_7', 'square_1_0', 'square_1_11', 'ring_2_5'}
    for pair in pairs:
        z = latent(1, pair.class_id, int(pair.stem.split('_')[2]), 12)
        assert np.array_equal(pair.read_latent(12), z)
        with torch.no_grad():
            pixels = to_pixels(generator(torch.from_numpy(z)[None], torch.tensor([pair.class_id])))[0].permute(1, 2, 0).numpy()
        shown = np.asarray(Image.open(next((tmp_path / 'images').rglob(f'{pair.stem}.png'))))
        assert np.abs(pixels.astype(int) - shown).max() <= 1
    with pytest.raises(InputError, match='indices are given for 1 classes, there are 3'):
        write_samples(tmp_path, 'other', generator, TINY_CLASSES, 2, 1, indices=[[0]])


CONFIG = 'configs/interpreter/biggan32_fashion.py'


def test_tool_prints_what_it_picked(tmp_path):
    options = ['--per-class', '2', '--candidates', '4', '--pick', 'uncertain', '--labelled-generator', 'fashion32']
    printed = run_tool('tools/annotate.py', 'sample', CONFIG, tmp_path, *options).stdout
    labelled = LabelledGenerator.load('fashion32', seed=1, truncation=None)
    doubts = labelled.label([9] * 4, range(4)).uncertainty
    chosen = doubts.argsort(descending=True)[:2].tolist()
    assert f'ankle boot: {chosen[0]} {chosen[1]}\n' in printed and '20 samples' in printed
    assert {path.stem for path in tmp_path.glob('images/*/ankle-boot/*')} == {f'ankle-boot_9_{i}' for i in chosen}


def test_uncertain_needs_an_ensemble(tmp_path):
    result = run_tool('tools/annotate.py', 'sample', CONFIG, tmp_path / 'out', '--pick', 'uncertain', check=False)
    assert result.returncode == 2 and 'go together' in result.stdout and 'Traceback' not in result.stdout
    assert not (tmp_path / 'out').exists()
