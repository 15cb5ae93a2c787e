import shutil

import numpy as np
import pytest
import torch
from conftest import TINY_CLASSES, TINY_GENERATOR, build_tiny, with_tables
from PIL import Image

from mmbdg.annotation import class_folders, read_annotated_latents, write_samples
from mmbdg.errors import InputError
from mmbdg.generators import to_pixels
from mmbdg.sources import latent


def rule(image):
    return image.mean(2) > 128


@pytest.fixture
def annotated(tmp_path):
    write_samples(tmp_path, 'tiny', build_tiny(TINY_GENERATOR), TINY_CLASSES, per_class=2, seed=1, rule=rule)
    return tmp_path


def test_truncation_brings_its_statistics(tmp_path):
    generator = with_tables()
    truncation = dict(threshold=0.4, definition='scaled_truncnorm')
    write_samples(tmp_path, 'tiny', generator, TINY_CLASSES, per_class=1, seed=1, truncation=truncation, rule=rule)
    pair = read_annotated_latents(tmp_path, 'tiny', 3)[0]
    z = torch.from_numpy(pair.read_latent(12))[None]
    assert np.array_equal(z[0], latent(1, 0, 0, 12, truncation))
    shown = np.asarray(Image.open(next((tmp_path / 'images').rglob('*_0_0.png'))))
    for chosen, same in ((0.4, True), (None, False)):
        generator.use_statistics(chosen)
        with torch.no_grad():
            pixels = to_pixels(generator(z, torch.tensor([0])))[0].permute(1, 2, 0).numpy()
        assert (np.abs(pixels.astype(int) - shown).max() <= 1) == same


def test_tokens_stay_whole_numbers(annotated):
    pair = read_annotated_latents(annotated, 'tiny', num_classes=3)[0]
    np.save(pair.latent_path, np.arange(12)[None])
    assert pair.read_latent(12).dtype == np.int64


def test_round_trip(annotated):
    pairs = read_annotated_latents(annotated, 'tiny', num_classes=3)
    assert [(pair.class_id, pair.stem) for pair in pairs] == [(c, f'{name}_{c}_{i}') for c, name in enumerate(TINY_CLASSES) for i in (0, 1)]
    for pair in pairs:
        assert np.array_equal(pair.read_latent(12), latent(1, pair.class_id, int(pair.stem[-1]), 12))
        image = np.asarray(Image.open(annotated / 'images' / 'tiny' / TINY_CLASSES[pair.class_id] / f'{pair.stem}.png'))
        assert np.array_equal(pair.read_mask(16), rule(image) * np.uint8(255))


def test_class_id_is_the_second_to_last_token_and_order_does_not_pair(annotated):
    """Files are paired by their full stem, and the class id is its second to last part.

    The released names are any prefix, then _<class id>_<number>. _10 sorts before _2.
    """
    for kind, suffix in (('annotations', 'png'), ('latents', 'npy')):
        folder = annotated / kind / 'tiny' / 'disc'
        for old, new in (('disc_0_0', 'biggan_seed7_0_10'), ('disc_0_1', 'biggan_seed7_0_2')):
            (folder / f'{old}.{suffix}').rename(folder / f'{new}.{suffix}')
    pairs = {pair.stem: pair for pair in read_annotated_latents(annotated, 'tiny', 3)}
    assert np.array_equal(pairs['biggan_seed7_0_10'].read_latent(12), latent(1, 0, 0, 12))
    assert pairs['biggan_seed7_0_2'].class_id == 0


def test_files_without_a_partner_are_all_listed(annotated):
    (annotated / 'latents/tiny/disc/disc_0_0.npy').unlink()
    (annotated / 'annotations/tiny/ring/ring_2_1.png').unlink()
    with pytest.raises(InputError) as error:
        read_annotated_latents(annotated, 'tiny', 3)
    assert 'disc_0_0.png has no latent' in str(error.value) and 'ring_2_1.npy has no mask' in str(error.value)


def test_empty_class(annotated):
    for path in annotated.glob('*/tiny/square/*'):
        path.unlink()
    with pytest.raises(InputError, match='square holds no masks'):
        read_annotated_latents(annotated, 'tiny', 3)
    for folder in annotated.glob('*/tiny/square'):
        shutil.rmtree(folder)
    with pytest.raises(InputError, match='1 of 3 classes have no pairs: 1 '):
        read_annotated_latents(annotated, 'tiny', 3)
    assert len(read_annotated_latents(annotated, 'tiny', 3, allow_missing_classes=True)) == 4


def test_missing_folder(tmp_path):
    with pytest.raises(InputError, match='there is no folder .*annotations'):
        read_annotated_latents(tmp_path, 'tiny')


def test_mask_of_the_wrong_size(annotated):
    pair = read_annotated_latents(annotated, 'tiny', 3)[0]
    Image.fromarray(np.zeros((20, 16), np.uint8)).save(pair.mask_path)
    with pytest.raises(InputError, match='16x20 px, the generator makes 16x16'):
        pair.read_mask(16)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (16, 16), dtype=np.uint8)).save(pair.mask_path)
    pair.mask_path.write_bytes(pair.mask_path.read_bytes()[:200])
    with pytest.raises(InputError, match='is cut off'):
        pair.read_mask(16)


def test_latent_of_another_generator_or_a_pickle(annotated):
    pair = read_annotated_latents(annotated, 'tiny', 3)[0]
    with pytest.raises(InputError, match='another generator'):
        pair.read_latent(128)
    np.save(pair.latent_path, np.array([dict(a=1)], dtype=object), allow_pickle=True)  # a pickled object: it must not be loaded
    with pytest.raises(InputError, match='disc_0_0.npy holds values of the type object'):
        pair.read_latent(12)


def test_class_out_of_range(annotated):
    with pytest.raises(InputError, match='class 2 is not among the 2 classes'):
        read_annotated_latents(annotated, 'tiny', 2)


def test_annotations_are_never_overwritten(annotated):
    with pytest.raises(InputError, match='already holds a set "tiny"'):
        write_samples(annotated, 'tiny', build_tiny(TINY_GENERATOR), TINY_CLASSES, per_class=2, seed=1)


def test_slugs():
    assert class_folders(['Ankle boot', 'T-shirt']) == ['ankle-boot', 't-shirt']
    for names in (['C++', 'C#'], ['???', 'a']):
        with pytest.raises(InputError, match='each class needs a unique name'):
            class_folders(names)
