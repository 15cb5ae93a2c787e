"""mmbdg.CorruptImage: the library's images, by address."""

import sys

import numpy as np
import pytest
from torch.utils.data import DataLoader

from mmbdg.addressed import generator_at
from mmbdg.datasets import CorruptImage, FashionMNIST32
from mmbdg.datasets.corrupt_image import OWN_SEED, corrupted
from mmbdg.errors import InputError

library = pytest.importorskip('imagecorruptions', reason='pip install imagecorruptions-imaug')
ALL = library.get_corruption_names('all')
RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (36, 40, 3), np.uint8)


@pytest.mark.parametrize('name', ALL)
def test_same_address_same_image(name):
    """Whatever was drawn before; and numpy's global generator goes on as if nothing had been drawn from it."""
    np.random.seed(3)
    expected = np.random.random(4)
    np.random.seed(3)
    first = corrupted(IMAGE, name, 3, 0, 17)
    assert np.array_equal(np.random.random(4), expected)
    assert np.array_equal(corrupted(IMAGE, name, 3, 0, 17), first)
    assert first.dtype == np.uint8 and first.shape == IMAGE.shape and not np.array_equal(first, IMAGE)


@pytest.mark.parametrize('name', ['gaussian_noise', 'impulse_noise', 'glass_blur', 'frost', 'elastic_transform'])
def test_other_addresses_other_images(name):
    images = [corrupted(IMAGE, name, severity, seed, index) for severity, seed, index in ((2, 0, 1), (2, 1, 1), (2, 0, 2), (3, 0, 1))]
    assert len({image.tobytes() for image in images}) == 4


def test_what_the_library_computes():
    """Without random numbers: the library's own result. With: the published formula on the address's generator."""
    for name in ('brightness', 'contrast', 'pixelate', 'jpeg_compression', 'defocus_blur'):
        assert np.array_equal(corrupted(IMAGE, name, 4, 0, 0), library.corrupt(IMAGE, severity=4, corruption_name=name))
    legacy = np.random.RandomState()
    words = generator_at(5, 9, 'gaussian_noise', 1).integers(0, 2**32, 624, dtype=np.uint32)
    legacy.set_state(('MT19937', words, 624, 0, 0.0))
    by_hand = np.uint8(np.clip(IMAGE / 255.0 + legacy.normal(size=IMAGE.shape, scale=0.08), 0, 1) * 255)
    assert np.array_equal(corrupted(IMAGE, 'gaussian_noise', 1, 5, 9), by_hand)


def test_only_these_take_a_seed():
    """Of all others, numpy's global generator decides: a new version of the library with generators of its own would fail here."""
    for name in set(ALL) - set(OWN_SEED):
        np.random.seed(1)
        first = library.corrupt(IMAGE, severity=2, corruption_name=name)
        np.random.seed(1)
        assert np.array_equal(library.corrupt(IMAGE, severity=2, corruption_name=name), first), name


def test_items():
    step = CorruptImage('frost', 3, seed=4)
    item = step.transform(dict(img=IMAGE, img_id=9, sample_idx=2, gt_label=1))
    assert item['gt_label'] == 1
    assert np.array_equal(item['img'], corrupted(IMAGE[:, :, ::-1], 'frost', 3, 4, 9)[:, :, ::-1])  # BGR
    assert np.array_equal(CorruptImage('frost', 3, seed=4, bgr=False).transform(dict(img=IMAGE, sample_idx=9))['img'][..., ::-1],
                          CorruptImage('frost', 3, seed=4).transform(dict(img=IMAGE[..., ::-1], sample_idx=9))['img'])  # fmt: skip
    step.choose(None, 3)
    assert step.transform(dict(img=IMAGE))['img'] is IMAGE


def test_the_same_in_any_worker():
    def images(workers: int, fraction: float) -> dict[int, bytes]:
        pipeline = [dict(type='mmbdg.CorruptImage', corruption='shot_noise', severity=2)]
        dataset = FashionMNIST32('test', label_fraction=fraction, pipeline=pipeline)
        loader = DataLoader(dataset, batch_size=3, num_workers=workers, collate_fn=list)
        return {item['img_id']: item['img'].tobytes() for batch in loader for item in batch}

    alone, some = images(0, 0.02), images(2, 0.01)
    assert len(alone) == 20 and len(some) == 10 and all(alone[index] == image for index, image in some.items())


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(corruption='frosst'), 'no corruption \'frosst\'; did you mean "frost"?'),
        (dict(corruption='fog', severity=0), 'a whole number from 1 to 5; got 0'),
        (dict(corruption='fog', severity=2.0), 'got 2.0'),
        (dict(corruption='fog', severity=True), 'got True'),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(InputError, match=message.replace('?', r'\?')):
        CorruptImage(**arguments)


def test_wrong_items():
    step = CorruptImage('fog')
    with pytest.raises(InputError, match='needs img_id or sample_idx'):
        step.transform(dict(img=IMAGE))
    with pytest.raises(InputError, match='28x28 px; corruptions need at least 32'):
        step.transform(dict(img=IMAGE[:28, :28], sample_idx=0))
    with pytest.raises(InputError, match='takes images uint8'):
        step.transform(dict(img=IMAGE.astype(np.float32), sample_idx=0))


def test_without_the_library(monkeypatch):
    monkeypatch.setitem(sys.modules, 'imagecorruptions', None)
    with pytest.raises(InputError, match=r'not installed: pip install "mmbdg\[corruptions\]"'):
        CorruptImage('fog')
