import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from mmbdg.compat.config import read_config
from mmbdg.errors import InputError
from mmbdg.image_files import BYTES_VARIABLE, PIXELS_VARIABLE, DamagedImageError, image_limits, opened
from mmbdg.images import image_size as size_of
from mmbdg.images import open_grey, open_image, read_mask, read_stored

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)
GREYS = RNG.integers(0, 256, (6, 9), dtype=np.uint8)
EXIF_ORIENTATION = 0x0112


def file_of(picture, format='PNG', **options):
    buffer = io.BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(buffer, format, **options)
    return buffer.getvalue()


def exif(orientation):
    tags = Image.Exif()
    tags[EXIF_ORIENTATION] = orientation
    return tags.tobytes()


SEEN = {  # how viewers show the stored pixels, by EXIF orientation
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: np.swapaxes(a, 0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.swapaxes(a[::-1, ::-1], 0, 1),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize('orientation', SEEN)
@pytest.mark.parametrize('format', ['PNG', 'WEBP', 'TIFF'])
def test_turned_as_viewers_show_it(orientation, format):
    options = dict(lossless=True) if format == 'WEBP' else {}
    data = file_of(COLOURS, format, exif=exif(orientation), **options)
    expected = SEEN[orientation](COLOURS)
    assert np.array_equal(open_image(data), expected)
    assert size_of(data) == expected.shape[:2]
    if format != 'WEBP':
        grey = file_of(GREYS, format, exif=exif(orientation))
        assert np.array_equal(read_mask(grey), SEEN[orientation](GREYS))
        assert np.array_equal(open_grey(grey), SEEN[orientation](GREYS))


@pytest.mark.parametrize('orientation', SEEN)
def test_photographs_are_turned_as_opencv_turns_them(orientation, tmp_path):
    (tmp_path / 'a.jpg').write_bytes(file_of(cv2.resize(COLOURS, (64, 48)), 'JPEG', exif=exif(orientation), quality=95))
    other = cv2.imread(str(tmp_path / 'a.jpg'))[..., ::-1]
    found = open_image(tmp_path / 'a.jpg')
    assert found.shape == other.shape and np.abs(found.astype(int) - other).max() <= 3 and size_of(tmp_path / 'a.jpg') == other.shape[:2]


def test_orientation_behind_the_pixels():
    """The orientation is applied when a PNG has its EXIF data after the pixels, where Pillow finds it only after decoding."""
    plain = file_of(COLOURS)
    body = exif(6)[6:]  # without the prefix "Exif\0\0"
    chunk = struct.pack('>I', len(body)) + b'eXIf' + body + struct.pack('>I', zlib.crc32(b'eXIf' + body))
    data = plain[:-12] + chunk + plain[-12:]
    assert np.array_equal(open_image(data), np.rot90(COLOURS, -1)) and size_of(data) == (9, 6)


def test_damaged_exif_leaves_the_image_as_it_is_stored():
    data = file_of(COLOURS, 'JPEG', exif=b'Exif\0\0MM\0*\xff\xff\xff\xff', quality=95)
    assert open_image(data).shape == COLOURS.shape and size_of(data) == (6, 9)


def with_alpha(array, mode):
    return Image.merge(mode, [*Image.fromarray(array).split(), Image.fromarray(GREYS)])


@pytest.mark.parametrize(
    ('picture', 'expected'),
    [
        (GREYS, np.repeat(GREYS[..., None], 3, 2)),
        (GREYS > 99, np.repeat((GREYS > 99)[..., None] * np.uint8(255), 3, 2)),
        (with_alpha(GREYS, 'LA'), np.repeat(GREYS[..., None], 3, 2)),
        (with_alpha(COLOURS, 'RGBA'), COLOURS),
        (Image.fromarray(COLOURS).quantize(256, dither=0), COLOURS),
        (np.minimum(GREYS, 200).astype(np.uint16), np.repeat(np.minimum(GREYS, 200)[..., None], 3, 2)),
        (np.uint16([[0, 4095, 2048]]), np.uint8([[[0] * 3, [255] * 3, [128] * 3]])),
        (np.uint16([[0, 65535, 32896]]), np.uint8([[[0] * 3, [255] * 3, [128] * 3]])),
        (np.int32([[0, 65535]]), np.uint8([[[0] * 3, [255] * 3]])),
    ],
    ids=['grey', '1 bit', 'LA', 'RGBA', 'palette', '8 bits in 16', '12 bits in 16', '16 bits', '32 bits'],
)
def test_colours_of_any_mode(picture, expected):
    found = open_image(file_of(picture, 'TIFF' if isinstance(picture, np.ndarray) and picture.dtype == np.int32 else 'PNG'))
    assert found.dtype == np.uint8 and found.flags.writeable and np.array_equal(found, expected)


def test_cmyk_and_greys_of_16_bits():
    colour = open_image(file_of(Image.new('CMYK', (8, 8), (0, 255, 255, 0)), 'JPEG', quality=95))
    assert colour.shape == (8, 8, 3) and np.abs(colour.astype(int) - [255, 0, 0]).max() < 8
    assert open_grey(file_of(np.uint16([[7, 60000]]))).tolist() == [[7, 60000]]
    assert open_grey(file_of(COLOURS)).shape == (6, 9)


def palette_picture():
    picture = Image.fromarray(np.uint8([[0, 1, 2]]), 'P')
    picture.putpalette([0, 0, 0, 9, 8, 7, 200, 0, 0])
    return picture


def test_masks_keep_what_is_stored():
    assert read_mask(file_of(np.uint16([[300, 65535, 0]]))).dtype == np.uint16
    assert read_mask(file_of(np.uint16([[300, 65535, 0]]))).tolist() == [[300, 65535, 0]]
    assert read_mask(file_of(palette_picture())).tolist() == [[0, 1, 2]]
    assert read_stored(file_of(palette_picture()))[1][:3].tolist() == [[0, 0, 0], [9, 8, 7], [200, 0, 0]]
    assert read_mask(file_of(GREYS > 99)).max() == 1
    assert np.array_equal(read_mask(file_of(np.repeat(GREYS[..., None], 3, 2), 'BMP')), GREYS)


def transparent_index():
    return file_of(palette_picture(), transparency=0)


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        (file_of(COLOURS, 'JPEG'), 'a JPEG, which blurs the edges'),
        (file_of(COLOURS, 'WEBP', lossless=True), 'a WEBP, which blurs'),
        (file_of(COLOURS), 'has colours'),
        (cv2.imencode('.png', np.full((2, 2, 3), 300, np.uint16))[1].tobytes(), 'colours of 16 bits'),
        (file_of(with_alpha(GREYS, 'LA')), 'transparent pixels'),
        (file_of(with_alpha(COLOURS, 'RGBA')), 'transparent pixels'),
        (file_of(GREYS, transparency=int(GREYS[0, 0])), 'transparent pixels'),
        (file_of(Image.fromarray(np.float32([[0.5]])), 'TIFF'), 'floating-point values'),
        (file_of(np.int32([[70000]]), 'TIFF'), 'values from 70000 to 70000'),
    ],
    ids=['JPEG', 'WebP', 'colours', '16 bit colours', 'LA', 'RGBA', 'a transparent grey', 'float', '32 bits'],
)
def test_masks_whose_labels_are_not_certain(data, message):
    with pytest.raises(InputError, match=message):
        read_mask(data)


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        (b'', 'is empty'),
        (b'<html>', r'is no image, or is cut off \(its format is not known\)'),
        (b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n', r'is no image, or is cut off \(its format is not known\)'),
        (b'\x89PNG\r\n\x1a\n', 'is no image, or is cut off'),
        (file_of(COLOURS)[:60], 'is cut off or damaged'),
        (file_of(cv2.resize(COLOURS, (64, 64)), 'JPEG')[:-400], 'is cut off or damaged'),
    ],
    ids=['empty', 'HTML', 'EPS', 'PNG without a header', 'PNG', 'JPEG'],
)
def test_damaged_files_are_named(tmp_path, data, message):
    path = tmp_path / 'x.png'
    path.write_bytes(data)
    readers = [open_image, open_grey, read_mask]
    if 'damaged' in message:  # the size is in the header, so size_of() decodes no pixels
        assert size_of(path) == (Image.open(path).height, Image.open(path).width)
    else:
        readers.append(size_of)
    for read in readers:
        with pytest.raises(DamagedImageError, match=f'{path} {message}'):
            read(path)


def test_what_is_no_file(tmp_path):
    with pytest.raises(InputError, match='there is no file') as error:
        open_image(tmp_path / 'none.png')
    assert not isinstance(error.value, DamagedImageError)
    with pytest.raises(InputError):
        open_image(tmp_path)


def huge(width, height):
    header = struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0)
    parts = ((b'IHDR', header), (b'IDAT', zlib.compress(bytes(9))), (b'IEND', b''))
    return b'\x89PNG\r\n\x1a\n' + b''.join(
        struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body)) for kind, body in parts
    )


@pytest.mark.parametrize('read', [open_image, open_grey, read_mask, size_of])
def test_bounds(read, monkeypatch):
    with pytest.raises(
        InputError, match='50000x50000 px; images of more than 134,217,728 pixels are not opened .image_limits.pixels'
    ) as error:
        read(huge(50000, 50000))
    assert not isinstance(error.value, DamagedImageError)  # images that are too large are never skipped
    monkeypatch.setenv(BYTES_VARIABLE, '50')
    with pytest.raises(InputError, match='images of more than 50 are not opened .image_limits.bytes'):
        read(file_of(GREYS))


def test_bounds_from_a_config(tmp_path, monkeypatch):
    for variable in (PIXELS_VARIABLE, BYTES_VARIABLE):
        monkeypatch.setenv(variable, '')
    (tmp_path / 'c.py').write_text('image_limits = dict(pixels=50)\n')
    read_config(str(tmp_path / 'c.py'))
    assert image_limits() == (50, 2**29)
    with pytest.raises(InputError, match='9x6 px; images of more than 50 pixels'):
        open_image(file_of(COLOURS))
    for text in ('dict(pixels=0)', 'dict(width=9)', 'dict(pixels=True)', '7'):
        (tmp_path / 'c.py').write_text(f'image_limits = {text}\n')
        with pytest.raises(InputError, match='image_limits'):
            read_config(str(tmp_path / 'c.py'))
    monkeypatch.setenv(PIXELS_VARIABLE, 'many')
    with pytest.raises(InputError, match='is .many.; it takes a whole number'):
        open_image(file_of(COLOURS))


def test_an_animation_gives_its_first_frame():
    first, second = Image.fromarray(GREYS), Image.fromarray(255 - GREYS)
    assert np.array_equal(open_image(file_of(first, 'GIF', save_all=True, append_images=[second]))[..., 0], GREYS)


def test_errors_of_the_disk_stay_such(tmp_path, monkeypatch):
    (tmp_path / 'x.png').write_bytes(file_of(GREYS))

    def fails(self):
        raise OSError(5, 'Input/output error')

    monkeypatch.setattr('PIL.ImageFile.ImageFile.load', fails)
    with pytest.raises(OSError, match='Input/output'), opened(tmp_path / 'x.png', 'x'):
        pass
