"""Lists of classes and files of prompts."""

import json

import pytest

from mmbdg.errors import InputError
from mmbdg.sources.class_list import ClassList, write_class_list
from mmbdg.sources.prompt_file import read_prompts, template_prompts, write_prompts

CRANES = [dict(id='n02012849', name='crane', sense='bird', query='crane bird'), dict(id='n03126707', name='crane', sense='machine')]


def test_classes_of_the_same_name_are_told_apart_by_id(tmp_path):
    classes = ClassList(CRANES)
    assert classes.names == ('crane', 'crane') and classes.ids == ('n02012849', 'n03126707')
    assert [one.text for one in classes] == ['crane (bird)', 'crane (machine)']
    assert [one.index for one in classes.select([1, 'n02012849'])] == [1, 0]
    with pytest.raises(InputError, match="2 classes are called 'crane': name one by its id, n02012849 or n03126707"):
        classes.select(['crane'])
    write_class_list(tmp_path / 'classes.json', classes)
    assert list(ClassList(tmp_path / 'classes.json')) == list(classes)
    assert classes[0].query == 'crane bird'


def test_named_lists_and_names():
    assert len(ClassList('in1k')) == 1000
    assert ClassList('fashion32').ids[9] == 'ankle-boot'
    assert ClassList(['Ankle boot', 'bag']).ids == ('ankle-boot', 'bag')


@pytest.mark.parametrize(
    ('classes', 'message'),
    [
        ([], 'the list of classes is empty'),
        (['bag', 'Bag'], 'the classes 0 and 1 have the same id "bag"'),
        ([dict(id='x', name=' ')], r'class 0 \(x\) has no name'),
        ([dict(id='../x', name='x')], r'classes is not as it should be: classes.0.id'),
        ([dict(name='x')], 'classes.0.id: Field required'),
        ('nothing', 'classes are a list of names'),
    ],
)
def test_bad_lists(classes, message):
    with pytest.raises(InputError, match=message):
        ClassList(classes)


def test_prompts_contain_their_class_and_its_sense(tmp_path):
    classes = ClassList(CRANES)
    prompts = template_prompts(['a photo of a {}', 'a drawing of a {}'], classes)
    assert prompts['n03126707'] == ['a photo of a crane (machine)', 'a drawing of a crane (machine)']
    path = tmp_path / 'prompts.json'
    write_prompts(path, prompts, {})
    assert read_prompts(path, classes) == prompts
    for change, message in (
        ({'n02012849': ['a crane at a building site']}, 'prompt 0 of the class "n02012849" does not contain "bird"'),
        ({'n02012849': ['a bird', 'a bird (crane)']}, 'prompt 0 of the class "n02012849" does not contain "crane"'),
        ({'n02012849': []}, r'has no prompt of the class "n02012849" \(crane \(bird\)\)'),
        ({'n02012848': ['crane']}, 'has prompts of the class "n02012848".*did you mean "n02012849"'),
    ):
        path.write_text(json.dumps(dict(made_by={}, prompts=prompts | change)))
        with pytest.raises(InputError, match=message):
            read_prompts(path, classes)
    with pytest.raises(InputError, match='exactly one {} for the class, got "a photo"'):
        template_prompts(['a photo'], classes)
