"""Class maps from a generator to a classifier, and the confidence they give."""

from types import SimpleNamespace

import pytest
import torch

from mmbdg.assets.class_lists import class_names, folder_names
from mmbdg.classifiers import class_map, confidence
from mmbdg.errors import InputError

CLASSES, FOLDERS = ('Dog', 'Cat', 'Tench'), ('dog', 'n02123045', 'n01440764')


def classifier(num_classes: int = 4, classes=('tench', 'Cat', 'poodle', 'beagle')) -> SimpleNamespace:
    return SimpleNamespace(num_classes=num_classes, classes=classes)


def of(spec, judge=None, **kwargs):
    return class_map(spec, CLASSES, FOLDERS, judge or classifier(), **kwargs)


def test_same_classes():
    assert of(None, classifier(3, None)) == [[0], [1], [2]]
    with pytest.raises(InputError, match='the generator has 3 classes, the classifier 4: map them by class_map'):
        of(None)


@pytest.mark.parametrize(
    'spec',
    [
        [[2, 3], 1, 0],
        [['poodle', 'beagle'], 'Cat', 'tench'],
        {'Dog': ['poodle', 3], 'n02123045': 1, 'Tench': 'tench'},
        dict(dog=(2, 3), Cat='Cat', n01440764=0),
    ],
)
def test_lists_and_names(spec):
    assert of(spec) == [[2, 3], [1], [0]]


def test_by_wnid_and_by_name():
    """The 1,000 ImageNet classes are mapped by wnid or by name if the generator has them in another order."""
    judge = classifier(1000, 'in1k')
    wnids, names = folder_names('in1k'), class_names('in1k')
    order = [999, 0, 281]
    assert class_map('wnid', ['a', 'b', 'c'], [wnids[i] for i in order], judge) == [[i] for i in order]
    assert class_map('names', [names[i] for i in order], ['a', 'b', 'c'], judge) == [[i] for i in order]
    assert class_map({'a': 'n01440764'}, ['a'], ['a'], judge) == [[0]]
    with pytest.raises(InputError, match='no class of the classifier for Dog, Tench$'):
        of('names')
    with pytest.raises(InputError, match=r"needs the classifier's classes: classes=\[names"):
        of('names', classifier(4, None))


def test_only_some_are_needed():
    assert of({'Cat': 1}, needed=[1]) == [[], [1], []]
    with pytest.raises(InputError, match='no class of the classifier for Dog, Tench$'):
        of({'Cat': 1})
    with pytest.raises(InputError, match='for Dog'):
        of([[], 1, 2])


@pytest.mark.parametrize(
    ('spec', 'message'),
    [
        ([0, 1], 'class_map names 2 classes, the generator has 3'),
        ([0, 4, -1], 'class_map names 4, -1, which the classifier does not have; it has 0 to 3'),
        ([0, True, 1], 'names True'),
        (['lion', 'Cat', 'tiger'], "names 'lion', 'tiger', which"),
        ([[1, 'Cat'], 0, 0], 'twice'),
        ({'Dog': 0, 'Cow': 1, 'Hen': 2}, "names 'Cow', 'Hen', not among the classes of the generator: Dog, Cat, Tench"),
        ({'Cat': 0, 'n02123045': 0}, 'twice, as name and as folder'),
        ('wordnet', "class_map is 'wnid', 'names', a list or a dict, got 'wordnet'"),
    ],
)
def test_what_is_wrong_is_said(spec, message):
    with pytest.raises(InputError, match=message):
        of(spec)


def test_names_that_two_classes_have_name_none():
    twice = classifier(3, ('crane', 'crane', 'tench'))
    with pytest.raises(InputError, match="names 'crane', which"):
        class_map(['crane'], ['Crane'], ['crane'], twice)
    with pytest.raises(InputError, match='for crane$'):
        class_map('names', ['crane', 'tench'], ['a', 'b'], twice)


def test_confidence():
    probabilities = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1]])
    torch.testing.assert_close(confidence(probabilities, [2, 3]), torch.tensor([0.7, 0.2]))
    assert torch.equal(confidence(probabilities, [1]), probabilities[:, 1])
