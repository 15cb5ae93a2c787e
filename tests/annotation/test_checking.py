import shutil

import numpy as np
import pytest
from annotated import DIM, HEIGHT, STEMS, WIDTH, make_out, noisy_masks, write_masks

from mmbdg.annotation import check_annotated_latents
from mmbdg.errors import InputError
from mmbdg.files import write_png


@pytest.fixture
def root(tmp_path):
    write_masks(make_out(tmp_path), noisy_masks(), 'annotations')
    return tmp_path


def test_a_good_set(root):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[:5] = 255
    write_png(root / 'annotations/tiny/disc/disc_0_0.png', mask)
    found = check_annotated_latents(root, latent_dim=DIM, num_classes=3)
    assert not found.problems and not found.warnings and len(found.shares[0, 'disc']) == 2 and 0.25 in found.shares[0, 'disc']
    lines = found.lines()
    assert lines[0] == 'set "tiny": 6 pairs of 3 classes' and lines[2].split()[:4] == ['0', 'disc', '2', '25.0%'] and len(lines) == 5


def test_every_problem_is_named(root):
    masks, latents = root / 'annotations/tiny', root / 'latents/tiny'
    write_png(masks / 'disc/disc_0_0.png', np.zeros((HEIGHT, WIDTH), np.uint8))
    write_png(masks / 'disc/disc_0_1.png', noisy_masks()['disc_0_1'].astype(np.uint16))
    write_png(masks / 'square/square_1_0.png', noisy_masks()['square_1_0'].T)
    shutil.copy(latents / 'square/square_1_0.npy', latents / 'square/square_1_1.npy')
    (masks / 'ring/ring_2_0.png').unlink()
    (latents / 'ring/ring_2_1.npy').unlink()
    np.save(latents / 'ring/ring_2_2.npy', np.full((1, DIM), np.nan))
    shutil.copy(masks / 'square/square_1_1.png', masks / 'disc/square_1_1.png')
    found = check_annotated_latents(root, num_classes=4)
    for message in (
        'disc_0_0.png: has no foreground',
        'square_1_0.png: is 20x26 px, most masks are 26x20',
        'square_1_1.npy: the same latent as square_1_0',
        'ring_2_0: has a latent and no mask',
        'ring_2_1.png: has no latent ring_2_1.npy',
        'ring_2_2.npy: holds nan or inf',
        'disc/square_1_1.png: lies in another class folder than its latent, square',
        'square/square_1_1.png: the same name as',
        'ring: class 2 has no pairs',
        'classes without pairs: 2, 3 of 4',
    ):
        assert any(message in problem for problem in found.problems), (message, found.problems)
    assert len(found.problems) == 11  # the mask of ring_2_2 is missing too


def test_sizes_of_the_generator(root):
    found = check_annotated_latents(root, resolution=16, latent_dim=9, num_classes=2, allow_missing_classes=True)
    assert sum('is 26x20 px, the generator makes 16x16' in problem for problem in found.problems) == 6
    assert sum('holds 12 numbers, the generator takes 9' in problem for problem in found.problems) == 6
    assert sum('class 2 is not among the 2 classes' in problem for problem in found.problems) == 1 and len(found.problems) == 13


def test_warnings(root):
    values = dict(zip(STEMS, ([0, 255], [0, 128, 255], [0, 77, 255]), strict=False))
    for stem, choice in values.items():
        write_png(root / 'annotations/tiny' / stem.split('_')[0] / f'{stem}.png', np.resize(np.array(choice, np.uint8), (HEIGHT, WIDTH)))
    nearly = np.zeros((HEIGHT, WIDTH), np.uint8)
    nearly[0, 0] = 255
    write_png(root / 'annotations/tiny/ring/ring_2_0.png', nearly)
    write_png(root / 'annotations/tiny/ring/ring_2_1.png', 255 - nearly)
    found = check_annotated_latents(root)
    assert not found.problems and len(found.warnings) == 4
    text = '\n'.join(found.lines())
    assert 'warning: disc_0_1: the value 128 is foreground unless' in text and 'warning: square_1_0: other grey values' in text
    assert 'ring_2_0.png: 0.2% foreground' in text and 'ring_2_1.png: 99.8% foreground' in text


def test_no_set(tmp_path, root):
    with pytest.raises(InputError, match='holds no annotated latents'):
        check_annotated_latents(tmp_path / 'latents')
    with pytest.raises(InputError, match='of the set "other"'):
        check_annotated_latents(root, 'other')
