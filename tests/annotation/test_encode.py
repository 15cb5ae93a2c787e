from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TINY_CLASSES, TINY_GENERATOR, TINY_INTERPRETER, TINY_VQGAN, build_tiny
from mmengine.optim import OptimWrapper
from PIL import Image
from tiny_denoisers import TINY_DIT

from mmbdg.annotation import read_annotated_latents
from mmbdg.annotation.encode import AnnotatedImage, encode_annotated_images, middle_square, read_annotated_images
from mmbdg.datasets.annotated_latents import AnnotatedLatents
from mmbdg.errors import InputError
from mmbdg.files import write_npy, write_png, write_safetensors
from mmbdg.generators import to_pixels
from mmbdg.models import InterpreterTraining
from mmbdg.sources.latents import latent as latent_at

R = TINY_VQGAN['resolution']


def photo(height=40, width=56, seed=0):
    """A smooth image with a bright disc in its middle, and the disc as its mask."""
    y, x = np.mgrid[:height, :width]
    disc = (y - height / 2) ** 2 + (x - width / 2) ** 2 < (height / 4) ** 2
    shades = np.random.default_rng(seed).integers(60, 120, 3)
    return np.where(disc[..., None], 230, shades + x[..., None] // 2).astype(np.uint8), disc.astype(np.uint8) * 255


@pytest.fixture
def photos(tmp_path) -> Path:
    """images/<class>/ and masks/<class>/: one class folder has the class's name, one its wnid. Two file suffixes."""
    for i, (folder, stem) in enumerate((('Disc', 'b'), ('Disc', 'a.small'), ('n01', 'photo'))):
        image, mask = photo(seed=i)
        write_png(tmp_path / f'src/masks/{folder}/{stem}.png', mask)
        write_png(tmp_path / f'src/images/{folder}/{stem}.png', image)
    Image.fromarray(photo(seed=2)[0]).save(tmp_path / 'src/images/n01/photo.JPG', quality=95)
    (tmp_path / 'src/images/n01/photo.png').unlink()
    return tmp_path / 'src'


def read(folder, **options):
    return read_annotated_images(folder, TINY_CLASSES, R, **{'folders': ['n00', 'n01', 'n02'], **options})


def test_classes_by_name_and_by_wnid(photos):
    found = [(pair.stem, pair.class_id, pair.image_path.name, pair.mask_path.name) for pair in read(photos)]
    assert found == [
        ('a.small_0_0', 0, 'a.small.png', 'a.small.png'),
        ('b_0_1', 0, 'b.png', 'b.png'),
        ('photo_1_0', 1, 'photo.JPG', 'photo.png'),
    ]


def test_what_is_written(photos, tmp_path):
    generator = build_tiny(TINY_VQGAN)
    pairs = read(photos)
    done = encode_annotated_images(pairs, tmp_path / 'dst', 'tiny', generator, TINY_CLASSES, batch_size=2)
    written = read_annotated_latents(tmp_path / 'dst', 'tiny', 3, allow_missing_classes=True)
    assert [one.stem for one in done] == [one.stem for one in pairs] == [one.stem for one in written]
    assert {path.parent.name for path in (tmp_path / 'dst').rglob('*.npy')} == {'disc', 'square'}
    for pair, latent, one in zip(pairs, written, done, strict=True):
        image, mask = pair.read(R)
        stored = np.load(latent.latent_path, allow_pickle=False)
        assert stored.dtype == np.int64 and stored.shape == (1, generator.latent_dim)
        tokens = generator.encode(torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1)
        assert np.array_equal(stored, tokens.numpy())
        shown = np.asarray(Image.open(tmp_path / f'dst/images/tiny/{TINY_CLASSES[pair.class_id]}/{pair.stem}.png')).astype(int)
        assert np.abs(shown - to_pixels(generator.decode(tokens))[0].permute(1, 2, 0).numpy()).max() <= 1
        assert np.array_equal(np.asarray(Image.open(latent.mask_path)), mask)
        difference = np.abs(shown - image).mean(2)
        assert np.isclose(one.error, difference.mean(), atol=0.5) and np.isclose(one.object_error, difference[mask > 0].mean(), atol=1)


def pair_of(folder, image, mask):
    write_png(folder / 'image.png', image)
    write_png(folder / 'mask.png', mask)
    return AnnotatedImage('x_0_0', 0, folder / 'image.png', folder / 'mask.png')


def test_image_and_mask_keep_together(tmp_path):
    image, mask = photo(64, 96)
    pixels, small = pair_of(tmp_path, image, mask).read(R)
    light = pixels.mean(2) > 170
    assert (light & (small > 0)).sum() / (light | (small > 0)).sum() > 0.9
    assert np.array_equal(small, mask[1::2, 17:80:2])  # the centre square, every second pixel
    assert middle_square(96, 64) == (16, 0, 80, 64) and middle_square(5, 8) == (0, 1, 5, 6)


def test_values_of_masks_stay(tmp_path):
    mask = np.zeros((R, R), np.uint16)
    mask[:8], mask[8:16] = 1, 128
    for dtype in (np.uint8, np.uint16):
        _, small = pair_of(tmp_path, np.zeros((R, R, 3), np.uint8), mask.astype(dtype)).read(R)
        assert small.dtype == np.uint8 and np.array_equal(small, mask)


def test_turned_photos_are_seen_upright(tmp_path):
    image, mask = photo(32, 64)
    pair = pair_of(tmp_path, image, mask)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise for display
    Image.fromarray(np.rot90(image)).save(pair.image_path, exif=exif)
    assert np.array_equal(pair.read(32)[0], image[:, 16:48])


def test_an_object_beside_the_square(tmp_path):
    mask = np.zeros((32, 96), np.uint8)
    mask[:, :10] = 255
    with pytest.raises(InputError, match='no part of its object'):
        pair_of(tmp_path, np.zeros((32, 96, 3), np.uint8), mask).read(R)
    pair_of(tmp_path, np.zeros((32, 96, 3), np.uint8), np.zeros_like(mask)).read(R)  # an image without an object is valid


@pytest.fixture
def samples(tmp_path) -> Path:
    """Annotated samples of another generator at twice the size."""
    for class_id, name in enumerate(TINY_CLASSES):
        for index in (3, 12):
            image, mask = photo(2 * R, 2 * R, seed=10 * class_id + index)
            for kind, array in (('images', image), ('annotations', mask)):
                write_png(tmp_path / f'src/{kind}/big/{name}/seed7_{class_id}_{index}.png', array)
            write_npy(tmp_path / f'src/latents/big/{name}/seed7_{class_id}_{index}.npy', np.zeros((1, 12), np.float32))
    return tmp_path / 'src'


def test_annotated_samples_train_interpreters_on_tokens(samples, tmp_path):
    generator = build_tiny(TINY_VQGAN)
    encode_annotated_images(read(samples), tmp_path / 'dst', 'tiny', generator, TINY_CLASSES)
    write_safetensors(tmp_path / 'g.safetensors', generator.state_dict())
    config = dict(TINY_VQGAN, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'g.safetensors')))
    interpreter = dict(TINY_INTERPRETER, member=dict(TINY_INTERPRETER['member'], groups=(8, 32)))
    model = InterpreterTraining(config, interpreter)
    dataset = AnnotatedLatents(str(tmp_path / 'dst'), 'tiny', generator.latent_dim, R, class_names=TINY_CLASSES)
    items = [dataset[i] for i in range(len(dataset))]
    assert [item['data_samples'].stem for item in items] == [f'seed7_{c}_{i}' for c in range(3) for i in (3, 12)]

    tokens, y = torch.stack([item['inputs'] for item in items]), torch.tensor([0, 0, 1, 1, 2, 2])
    assert tokens.dtype == torch.int64
    with torch.no_grad():
        _, expected = generator.features(tokens, y)
    for own, other in zip(model._features(tokens, y)[0], expected, strict=True):
        assert torch.allclose(own, other, atol=1e-4)

    batch = dict(inputs=[item['inputs'] for item in items], data_samples=[item['data_samples'] for item in items])
    wrapper = OptimWrapper(torch.optim.Adam(model.parameters(), 1e-2))
    losses = [model.train_step(batch, wrapper)['member_mean'].item() for _ in range(30)]
    assert losses[-1] < 0.7 * losses[0]


def test_all_problems_of_photos_in_one_report(photos):
    disc = photos / 'images/Disc'
    write_png(disc / 'lonely.png', photo()[0])
    write_png(photos / 'masks/Disc/empty-handed.png', photo()[1])
    write_png(photos / 'masks/n01/photo.png', photo(20, 20)[1])
    (disc / 'b.png').write_bytes((disc / 'b.png').read_bytes()[:100])
    for kind, array in zip(('images', 'masks'), photo(), strict=True):
        write_png(photos / kind / 'zebra/z.png', array)
    write_png(disc / 'a.small.jpg', photo()[0])
    with pytest.raises(InputError, match='nothing was written') as error:
        read(photos)
    for part in (
        'lonely.png has no mask',
        'empty-handed.png has no image',
        'photo.png is 20x20 px, its image 56x40',
        'b.png is cut off or damaged',
        'z.png: its folder is none of disc, square, ring, n00, n01, n02',
        'have the same name',
    ):
        assert part in str(error.value), part
    assert len(str(error.value).splitlines()) == 7


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('disc/seed7_0.png', 'does not end in'),
        ('disc/seed7_5_0.png', 'class 5 is not among the 3'),
        ('disc/seed7_2_0.png', 'class 2 by its name, 0 by its folder'),
    ],
)
def test_samples_of_other_classes(samples, name, message):
    for kind, array in zip(('images', 'annotations'), photo(), strict=True):
        write_png(samples / kind / 'big' / name, array)
    with pytest.raises(InputError, match=message):
        read(samples)


def test_several_sets(samples):
    for kind in ('images', 'annotations'):
        (samples / kind / 'other').mkdir()
    with pytest.raises(InputError, match='holds 2 sets .big, other.'):
        read(samples)
    assert len(read(samples, name='big')) == 6


def test_neither_layout_and_no_images(tmp_path):
    with pytest.raises(InputError, match='must hold images/ and either'):
        read(tmp_path)
    for kind in ('images', 'masks'):
        (tmp_path / kind).mkdir()
    with pytest.raises(InputError, match='there are no images'):
        read(tmp_path)


def test_nothing_half_written(photos, tmp_path):
    pairs, generator = read(photos), build_tiny(TINY_VQGAN)
    pairs[-1].image_path.unlink()
    with pytest.raises(InputError, match='there is no file .*photo.JPG'):
        encode_annotated_images(pairs, tmp_path / 'dst', 'tiny', generator, TINY_CLASSES, batch_size=1)
    assert [path.name for path in tmp_path.iterdir()] == ['src']
    (tmp_path / 'dst').mkdir()
    with pytest.raises(InputError, match='dst is there already'):
        encode_annotated_images(pairs[:1], tmp_path / 'dst', 'tiny', generator, TINY_CLASSES)
    assert not any((tmp_path / 'dst').iterdir())


def test_latents_of_a_diffusion_model(photos, tmp_path):
    """A clean latent and, beside it, noise that depends on the image and the seed, whatever the batch and the other images."""
    generator = build_tiny(TINY_DIT)
    pairs = read_annotated_images(photos, TINY_CLASSES, generator.resolution, ['n00', 'n01', 'n02'])
    encode_annotated_images(pairs, tmp_path / 'dst', 'tiny', generator, TINY_CLASSES, batch_size=2, seed=5)
    written = read_annotated_latents(tmp_path / 'dst', 'tiny', 3, allow_missing_classes=True)
    assert [latent.stem for latent in written] == [pair.stem for pair in pairs]
    for pair, file in zip(pairs, written, strict=True):
        stored = file.read_latent(2 * generator.latent_dim)
        assert stored.dtype == np.float32
        image, _ = pair.read(generator.resolution)
        clean = generator.encode(torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1)
        np.testing.assert_allclose(stored[: generator.latent_dim], clean[0].numpy(), atol=1e-5)
        number = int.from_bytes(blake2b(image.tobytes(), digest_size=8).digest(), 'little')
        noise = latent_at(5, pair.class_id, number, generator.latent_dim)
        np.testing.assert_array_equal(stored[generator.latent_dim :], noise)
        shown = np.asarray(Image.open(tmp_path / f'dst/images/tiny/{TINY_CLASSES[pair.class_id]}/{pair.stem}.png')).astype(int)
        assert np.abs(shown - to_pixels(generator.decode(clean))[0].permute(1, 2, 0).numpy()).max() <= 1
    encode_annotated_images(pairs[2:], tmp_path / 'fewer', 'tiny', generator, TINY_CLASSES, batch_size=2, seed=5)
    of_fewer = read_annotated_latents(tmp_path / 'fewer', 'tiny', 3, allow_missing_classes=True)
    for few, file in zip(of_fewer, written[2:], strict=True):
        assert few.stem == file.stem
        a, b = (one.read_latent(2 * generator.latent_dim)[generator.latent_dim :] for one in (few, file))
        np.testing.assert_array_equal(a, b)


def test_a_gan_has_no_encoder(photos, tmp_path):
    with pytest.raises(InputError, match='BigGAN has no encoder'):
        encode_annotated_images(read(photos), tmp_path / 'dst', 'tiny', build_tiny(TINY_GENERATOR), TINY_CLASSES)


def test_empty_batches(photos, tmp_path):
    with pytest.raises(InputError, match='must be at least 1'):
        encode_annotated_images(read(photos), tmp_path / 'dst', 'tiny', build_tiny(TINY_VQGAN), TINY_CLASSES, batch_size=0)
