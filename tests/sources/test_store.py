"""Given images that are stored as copies of their files or as links to them, instead of encoded again."""

import errno
import io
import os

import numpy as np
import pytest
from PIL import Image
from real_labeller import write_labeller
from tiny_pools import picture

from mmbdg.errors import InputError
from mmbdg.files import write_json, write_png
from mmbdg.images import open_image
from mmbdg.pools import build_index
from mmbdg.sources import RealImageSource
from mmbdg.sources.build import build_source, source_class
from mmbdg.storage import StoredDataset
from mmbdg.storage.checksums import checksum
from mmbdg.storage.originals import given_image
from mmbdg.storage.unpacked import unpack_shards
from mmbdg.storage.verify import verify
from mmbdg.synthesis import Synthesis, synthesize
from mmbdg.synthesis.repair import repair

SIZE = 24
IMAGE = picture(0)[:SIZE, :SIZE]


def file_of(image, form='PNG', **options):
    """Bytes of an image file that no encoder of ours writes."""
    buffer = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(buffer, form, **(dict(compress_level=1) if form == 'PNG' else dict(quality=60)) | options)
    return buffer.getvalue()


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


FILES = dict(
    plain=('.png', file_of(IMAGE)),
    grey=('.png', file_of(IMAGE[..., 0])),
    wide=('.png', file_of(picture(1)[:SIZE, :30])),
    jpeg=('.jpg', file_of(IMAGE, 'JPEG')),
    turned=('.jpg', file_of(IMAGE, 'JPEG', exif=turned())),
    clear=('.png', file_of(Image.fromarray(IMAGE).convert('RGBA'))),
    palette=('.png', file_of(Image.fromarray(IMAGE).convert('P'))),
    misnamed=('.jpg', file_of(IMAGE)),
    deep=('.png', file_of(IMAGE[..., 0].astype(np.uint16) * 100)),
    several=('.png', file_of(IMAGE, save_all=True, append_images=[Image.fromarray(IMAGE[::-1].copy())])),
)
UNCHANGED = dict(png=['plain', 'grey', 'misnamed'], jpeg=['jpeg'])


@pytest.fixture(scope='module')
def pool(tmp_path_factory):
    """A pool of differing files of one class, and its index: keys of the source's config."""
    root = tmp_path_factory.mktemp('store')
    lines = ['file,caption']
    for name, (suffix, data) in FILES.items():
        (root / 'pool').mkdir(exist_ok=True)
        (root / f'pool/{name}{suffix}').write_bytes(data)
        lines.append(f'{name}{suffix},a boot')
    (root / 'pool/captions.csv').write_text('\n'.join(lines))
    build_index(str(root / 'pool'), root / 'index', log=lambda line: None)
    return dict(type='mmbdg.RetrievalSource', pool=str(root / 'pool'), index=str(root / 'index'), mode='match', classes=['boot'])


def plan_of(source, store='copy', **keys):
    source = source | dict(store=store) | ({} if 'init' in source else dict(resolution=SIZE))
    return Synthesis.from_config(dict(source=source, num_per_class=10, candidates=4) | keys)


def pool_file(pool, name):
    return f'{pool["pool"]}/{name}{FILES[name][0]}'


def content(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob('*')) if p.is_file() and 'logs' not in p.parts}


@pytest.mark.parametrize('image', ['png', 'jpeg'])
@pytest.mark.parametrize('store', ['copy', 'link'])
def test_unchanged_files_are_stored_as_they_are(pool, tmp_path, store, image):
    said = []
    root = synthesize(plan_of(pool, store, image=image, jpeg_quality=100), tmp_path / 'out', log=said.append)
    stored, encoded = StoredDataset(root), StoredDataset(synthesize(plan_of(pool, 'encode', image=image), tmp_path / 'encoded'))
    assert len(stored.lines) == len(FILES) and not verify(root).problems
    for line, other, (name, (_, data)) in zip(stored.lines, encoded.lines, FILES.items(), strict=True):
        unchanged = name in UNCHANGED[image]
        height, width = open_image(data).shape[:2]
        assert line['unchanged'] is unchanged, name
        assert line['original'] == dict(bytes=len(data), blake2b=checksum(data), width=width, height=height)
        assert (stored.stored_bytes(line, 'image') == data) is unchanged
        file = stored.paths(line)[0]
        assert os.path.samefile(file, pool_file(pool, name)) is (unchanged and store == 'link')
        if image == 'png':
            np.testing.assert_array_equal(stored.image(line), encoded.image(other))
        if unchanged:
            np.testing.assert_array_equal(stored.image(line), open_image(data))
        assert 'original' not in other and 'unchanged' not in other
    number = len(UNCHANGED[image])
    kind = dict(copy='copies of', link='links to')[store]
    assert f'{number} images are {kind} the given files; {len(FILES) - number} were encoded again, because their size or format' in said[-2]
    assert os.stat(pool_file(pool, 'plain')).st_mode == os.stat(pool_file(pool, 'wide')).st_mode


def test_copies_links_and_shards_are_the_same_dataset(pool, tmp_path):
    """A dataset of links continues one of copies; shards hold copies; killed runs and repairs change nothing."""
    copies = content(synthesize(plan_of(pool), tmp_path / 'copies', log=str))
    root = synthesize(plan_of(pool, num_per_class=3), tmp_path / 'grown', log=str)
    assert content(synthesize(plan_of(pool, 'link'), root, log=str)) == copies
    shards = synthesize(plan_of(pool, format='shards'), tmp_path / 'shards', log=str)
    unpacked = content(unpack_shards(StoredDataset(shards), tmp_path / 'unpacked'))
    assert {k: v for k, v in unpacked.items() if k.startswith('images')} == {k: v for k, v in copies.items() if k.startswith('images')}
    (root / 'images/boot/00000000.png').write_bytes(b'x')
    (root / 'images/boot/00000007.png').unlink()
    assert not repair(root, plan_of(pool, 'link'), log=str).problems and content(root) == copies
    assert (root / 'images/boot/00000007.png').samefile(pool_file(pool, 'misnamed'))
    with pytest.raises(InputError, match=r'source.store: copy in the dataset, encode now'):
        synthesize(plan_of(pool, 'encode'), root, log=str)


def test_a_linked_file_that_changes_is_found(pool, tmp_path):
    """A repair does not write into the pool."""
    write_png(path := tmp_path / 'pool/plain.png', IMAGE)
    (tmp_path / 'pool/captions.csv').write_text('file,caption\nplain.png,a boot')
    build_index(str(tmp_path / 'pool'), tmp_path / 'index', log=str)
    plan = plan_of(pool | dict(pool=str(tmp_path / 'pool'), index=str(tmp_path / 'index')), 'link')
    root = synthesize(plan, tmp_path / 'out', log=str)
    with open(path, 'r+b') as file:
        file.seek(60)
        file.write(b'\0\0\0')
    changed = path.read_bytes()
    assert 'does not match its checksum' in verify(root).problems[0].what
    with pytest.raises(InputError, match='plain.png'):
        repair(root, plan, log=str)
    assert path.read_bytes() == changed


@pytest.mark.parametrize(
    ('keys', 'message'),
    [
        (dict(format='shards'), 'a shard holds copies, not links; use store="copy" or format="folder"'),
        (dict(resolution=12), 'store="link" is for images that are not changed, but synthesis.resolution=12 resizes all images of 24 px'),
    ],
)
def test_what_cannot_be_linked(pool, tmp_path, keys, message):
    with pytest.raises(InputError, match=message):
        synthesize(plan_of(pool, 'link', **keys), tmp_path / 'out', log=str)
    assert not (tmp_path / 'out').exists()


def test_a_file_system_without_links(pool, tmp_path, monkeypatch):
    """It is tried before any work."""

    def refuses(*args, **keys):
        raise OSError(errno.EXDEV, 'Invalid cross-device link')

    def full(*args, **keys):
        raise OSError(errno.ENOSPC, 'No space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(os, 'link', full)
        with pytest.raises(InputError, match=r'out cannot be written: the disk is full'):
            synthesize(plan_of(pool, 'link'), tmp_path / 'out', log=str)
        patch.setattr(os, 'link', refuses)
        with pytest.raises(InputError, match=r'cannot be linked as .*Invalid cross-device link.* use store="copy"'):
            synthesize(plan_of(pool, 'link'), tmp_path / 'out', log=str)
    assert not list(tmp_path.rglob('*.png')) and not (tmp_path / 'out/logs/identity.json').exists()
    assert len(StoredDataset(synthesize(plan_of(pool), tmp_path / 'out', log=str)).lines) == len(FILES)


def test_values_that_make_no_sense(pool, tmp_path):
    with pytest.raises(InputError, match="store: Input should be 'encode', 'copy' or 'link'"):
        source_class(pool | dict(store='move'))
    for strength in (dict(), dict(init='x', strength=0.5)):
        with pytest.raises(InputError, match='source.store="copy" is for images that are not changed: it needs init and strength=0'):
            source_class(dict(type='mmbdg.DiffusionSource', model='m', classes=['bag'], store='copy') | strength)
    write_json(tmp_path / 'x.json', {})
    with pytest.raises(InputError, match='x.json'):
        given_image(tmp_path / 'x.json', SIZE, 'copy', 'x.json')


def test_real_images_with_masks(tmp_path):
    """The labeller's source keeps a file of the labeller's size; the masks are those of the pixels."""
    labeller = write_labeller(tmp_path / 'labeller')
    for i, size in enumerate((16, 20)):
        for name in ('disc', 'square'):
            write_png(tmp_path / f'images/{name}/{i}.png', picture(i)[:size, :size])
    source = dict(type='mmbdg.RealImageSource', images=str(tmp_path / 'images'), labeller=str(labeller), store='link')
    stored = StoredDataset(synthesize(Synthesis.from_config(dict(source=source, num_per_class=2, candidates=2)), tmp_path / 'out', log=str))
    assert [line['unchanged'] for line in stored.lines] == [True, False] * 2 and stored.catalogue.has_masks
    assert os.path.samefile(stored.paths(stored.lines[0])[0], tmp_path / 'images/disc/0.png')
    # A dataset as images: copied from shards, which cannot be linked.
    again = build_source(dict(source, images=str(tmp_path / 'out'), store='copy'), 0, 'cpu')
    drawn = again.draw(0, [0, 1])
    assert [one.suffix for one in drawn.originals] == ['.png', '.png'] and drawn.originals[
        0
    ].path == tmp_path / 'out/images/disc/00000000.png'
    plan = Synthesis.from_config(dict(source=source | dict(store='copy'), num_per_class=2, candidates=2, format='shards'))
    synthesize(plan, tmp_path / 'shards', log=str)
    with pytest.raises(InputError, match='the images lie in shards, so there are no files to link to'):
        RealImageSource(str(tmp_path / 'shards'), str(labeller), store='link')
    copied = RealImageSource(str(tmp_path / 'shards'), str(labeller), store='copy').draw(0, [0]).originals[0]
    assert copied.path is None and copied.data == (tmp_path / 'images/disc/0.png').read_bytes()
