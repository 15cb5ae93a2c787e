import json
import shutil

import numpy as np
import pytest
import torch
from hostile_files import write_hostile_cards

from mmbdg import LabelledGenerator
from mmbdg.errors import InputError


def test_one_call(tiny_labelled_generator):
    generator = LabelledGenerator.load(tiny_labelled_generator)
    image, mask = generator.sample('square', 5)
    assert image.shape == (16, 16, 3) and image.dtype == np.uint8
    assert mask.shape == (16, 16) and mask.dtype == np.uint8 and set(np.unique(mask)) <= {0, 1}
    again, _ = LabelledGenerator.load(tiny_labelled_generator).sample(1, 5)
    assert np.array_equal(image, again)


@pytest.mark.parametrize('name', ['tiny', 'fashion32'])
def test_random_access(name, tiny_labelled_generator):
    """The same address gives the same latent and an image within one grey level in any batch."""
    generator = LabelledGenerator.load(tiny_labelled_generator if name == 'tiny' else name)
    classes, indices = [i % generator.num_classes for i in range(64)], list(range(100, 164))
    whole = generator.label(classes, indices)
    for size in (1, 7):
        parts = [generator.label(classes[i : i + size], indices[i : i + size]) for i in range(0, 64, size)]
        images = torch.cat([part.images for part in parts])
        assert (images.int() - whole.images.int()).abs().max() <= 1
        disagreement = (torch.cat([part.masks for part in parts]) != whole.masks).float().mean()
        assert disagreement < 1e-3
    assert torch.equal(generator.label(classes, indices).images, whole.images)  # a second run is bit-equal
    assert torch.equal(generator.images(classes, indices), whole.images)


def test_seed_and_truncation_matter(tiny_labelled_generator):
    generator = LabelledGenerator.load(tiny_labelled_generator)
    image, _ = generator.sample(0, 0)
    generator.seed = 1
    assert not np.array_equal(image, generator.sample(0, 0)[0])
    generator.seed, generator.truncation = 0, None
    assert not np.array_equal(image, generator.sample(0, 0)[0])


def test_unknown_names(tiny_labelled_generator):
    with pytest.raises(InputError, match="no class 'dog'.*disc, square, ring"):
        LabelledGenerator.load(tiny_labelled_generator).sample('dog', 0)
    with pytest.raises(InputError, match='no class 3'):
        LabelledGenerator.load(tiny_labelled_generator).sample(3, 0)
    with pytest.raises(InputError, match='embedded ones: fashion32'):
        LabelledGenerator.load('no/such/folder')


@pytest.mark.parametrize(
    'key, value, message',
    [
        ('folders', ['a', 'b', 'a'], 'must be unique and not empty'),
        ('labels', ['background', 'x', 'y'], 'has 2 labels, but labels has 3 names'),
        ('classes', ['a', 'b'], '3 classes, but classes has 2 names'),
        (None, None, 'cut off'),
    ],
)
def test_card_that_does_not_fit(tiny_labelled_generator, tmp_path, key, value, message):
    folder = tmp_path / 'other'
    shutil.copytree(tiny_labelled_generator, folder)
    path = folder / 'labelled_generator.json'
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}) if key else path.read_text()[:50])
    with pytest.raises(InputError, match=message):
        LabelledGenerator.load(folder)


def test_checkpoint_of_another_architecture(tiny_labelled_generator, tmp_path):
    folder = tmp_path / 'other'
    shutil.copytree(tiny_labelled_generator, folder)
    card = json.loads((folder / 'labelled_generator.json').read_text())
    card['generator']['base_channels'] = 16
    (folder / 'labelled_generator.json').write_text(json.dumps(card))
    with pytest.raises(InputError, match='another architecture.*\n.*of another shape'):
        LabelledGenerator.load(folder)


def test_uncertain_pixels_are_ignored(tiny_labelled_generator):
    plain = LabelledGenerator.load(tiny_labelled_generator).label([0, 1], [3, 4])
    bound = float(plain.disagreement.median())
    marked = LabelledGenerator.load(tiny_labelled_generator, ignore_above=bound).label([0, 1], [3, 4])
    uncertain = plain.disagreement > bound
    assert 0.3 < uncertain.float().mean() < 0.7
    assert (marked.masks[uncertain] == 255).all() and torch.equal(marked.masks[~uncertain], plain.masks[~uncertain])
    top = plain.disagreement.flatten(1).sort(descending=True).values[:, : int(0.1 * 256)].mean(1)
    torch.testing.assert_close(plain.uncertainty, top)


def test_a_card_builds_from_a_closed_list(tiny_labelled_generator, tmp_path):
    """A card's types are built from a closed list of own types.

    mmengine's registries would import any dotted name.
    """
    marker = tmp_path / 'executed'
    folders = write_hostile_cards(tiny_labelled_generator, tmp_path / 'cards', marker)
    for folder in folders:
        with pytest.raises(InputError, match='labelled_generator.json|num_members'):
            LabelledGenerator.load(folder)
    assert not marker.exists() and len(folders) > 12
