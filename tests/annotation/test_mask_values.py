import cv2
import numpy as np
import pytest
from annotated import png_bytes
from PIL import Image

from mmbdg.annotation.mask_values import FOREGROUND, IGNORE, read_mask
from mmbdg.errors import InputError

DRAWN = np.random.default_rng(0).random((9, 7)) < 0.5


def palette_picture(index_of_background=0):
    picture = Image.fromarray(np.where(DRAWN, 1 - index_of_background, index_of_background).astype(np.uint8), 'P')
    picture.putpalette([0, 0, 0, 200, 10, 10] if index_of_background == 0 else [200, 10, 10, 0, 0, 0])
    return picture


@pytest.mark.parametrize(
    'picture',
    [
        DRAWN.astype(np.uint8),
        DRAWN.astype(np.uint8) * 255,
        DRAWN,
        DRAWN.astype(np.uint16),
        DRAWN.astype(np.uint16) * 65535,
        DRAWN[..., None] * np.array([0, 0, 1], np.uint8),
        np.concatenate([np.repeat(DRAWN[..., None] * np.uint8(9), 3, 2), np.full((9, 7, 1), 255, np.uint8)], 2),
        np.stack([DRAWN.astype(np.uint8), np.full((9, 7), 255, np.uint8)], 2),
        palette_picture(),
    ],
    ids=['1 of 255', '255', '1 bit', '1 of 65535', '65535', 'RGB, faint', 'RGBA', 'LA', 'palette'],
)
def test_any_non_zero_pixel_is_foreground(picture):
    mask = read_mask(png_bytes(picture))
    assert mask.dtype == np.uint8 and np.array_equal(mask, DRAWN * np.uint8(FOREGROUND))


def test_value_to_ignore():
    values = np.array([[0, 1, 255, 7]], np.uint8)
    assert read_mask(png_bytes(values), ignore_value=255).tolist() == [[0, FOREGROUND, IGNORE, FOREGROUND]]
    assert read_mask(png_bytes(values), ignore_value=0).tolist() == [[IGNORE, FOREGROUND, FOREGROUND, FOREGROUND]]
    with pytest.raises(InputError, match='has colours'):
        read_mask(png_bytes(np.eye(3, dtype=np.uint8)[None]), ignore_value=3)
    greys = np.repeat(values[..., None], 3, axis=2)
    assert read_mask(png_bytes(greys), ignore_value=7).tolist() == [[0, FOREGROUND, FOREGROUND, IGNORE]]


def sixteen_bit_colours():
    return cv2.imencode('.png', np.full((2, 2, 3), 300, np.uint16))[1].tobytes()


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        (png_bytes(np.zeros((4, 4, 4), np.uint8)), 'transparent pixels'),
        (png_bytes(palette_picture(1)), '0 is not black'),
        (sixteen_bit_colours(), '16 bit'),
        (png_bytes(np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8))[:900], 'cut off'),
        (b'\xff\xd8\xff\xe0 not really', 'is no image'),
        (b'', 'is empty'),
    ],
    ids=['RGBA', 'palette', '16 bit RGB', 'cut off', 'JPEG', 'empty file'],
)
def test_refused(data, message):
    with pytest.raises(InputError, match=message):
        read_mask(data)
