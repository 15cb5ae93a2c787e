import numpy as np
import pytest
import torch
from image_sets import Drawn, drawn

from mmbdg.analysis.distances.feature_networks import FeatureNetwork
from mmbdg.analysis.distances.picture_features import KINDS, picture_features, pictures
from mmbdg.analysis.distances.picture_features import drawn as drawn_indices
from mmbdg.analysis.images.image_part import ImagePart
from mmbdg.errors import InputError

MEANS = FeatureNetwork('means', 'FD-means', 'KD-means', 'mean of each channel', lambda images: images.float().mean((2, 3)))


def test_three_pictures():
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    made = pictures(image, np.array([[True, False], [False, True]]))
    assert made['masked'].tolist() == [[[0, 1, 2], [0, 0, 0]], [[0, 0, 0], [9, 10, 11]]]
    assert made['labels'].tolist() == [[[255] * 3, [0] * 3], [[0] * 3, [255] * 3]]
    assert made['images'] is image
    assert tuple(made) == KINDS and all(picture.dtype == np.uint8 for picture in made.values())


def test_features_of_samples_in_order():
    samples = drawn()
    samples[3][1][:10] = 255  # ignored
    calls = []
    found = picture_features(Drawn(samples), [3, 17, 0], MEANS, batch_size=2, after_batch=calls.append)
    assert calls == [2, 1]
    for row, i in enumerate([3, 17, 0]):
        image, mask, _ = samples[i]
        inside = (mask == 1)[:, :, None]
        assert found['images'][row] == pytest.approx(image.mean((0, 1)), rel=1e-5)
        assert found['masked'][row] == pytest.approx((image * inside).mean((0, 1)), rel=1e-5)
        assert found['labels'][row] == pytest.approx(255 * inside.mean((0, 1)).repeat(3), rel=1e-5)


def test_a_mask_of_another_size():
    samples = drawn()
    samples[4] = (samples[4][0], samples[4][1][:-1], 0)
    with pytest.raises(InputError, match='drawn, sample 4: the image has 64x48 px, its mask 64x47'):
        picture_features(Drawn(samples), range(6), MEANS)


def test_drawn_indices():
    some = drawn_indices(100, 30, 'a', 1)
    assert len(set(some.tolist())) == 30 and some.tolist() == sorted(some) and some.min() >= 0 and some.max() < 100
    assert some.tolist() == drawn_indices(100, 30, 'a', 1).tolist() != drawn_indices(100, 30, 'a', 2).tolist()
    assert drawn_indices(5, 9, 'a').tolist() == [0, 1, 2, 3, 4]


def test_part_of_a_set():
    whole = Drawn(drawn())
    part = ImagePart(whole, np.array([7, 2]))
    assert len(part) == 2
    assert np.array_equal(part.image(0), whole.image(7)) and np.array_equal(part.mask(1), whole.mask(2))
    assert (part.class_of(0), part.title(1), part.uncertainty_of(0)) == (1, '2', 0.07)
    assert (part.labels, part.classes, part.palette, part.ignore) == (whole.labels, whole.classes, whole.palette, whole.ignore)
    assert torch.equal(*(torch.from_numpy(picture_features(*of, MEANS)['images']) for of in ((part, [0, 1]), (whole, [7, 2]))))
