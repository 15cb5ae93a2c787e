"""Prompts: exact counts, no repetitions, the class with its sense, error messages."""

import json

import pytest
from conftest import ROOT, run_tool
from tiny_language_model import write_tiny_language_model

from mmbdg.errors import InputError
from mmbdg.sources.class_list import ClassList
from mmbdg.sources.class_parts import ClassParts
from mmbdg.sources.contexts import from_language_model, from_slots, put_in
from mmbdg.sources.language_model import LanguageModel
from mmbdg.sources.prompt_file import read_prompts
from mmbdg.sources.prompt_slots import read_slots
from mmbdg.sources.prompts import PromptPlan

CRANES = [dict(id='n02012849', name='crane', sense='bird'), dict(id='n03126707', name='crane', sense='machine'), dict(id='owl', name='owl')]


def made(tmp_path, **config):
    path = tmp_path / 'prompts.json'
    PromptPlan.from_config(dict(classes=CRANES, per_class=40) | config).run(str(path), force=True)
    return read_prompts(path, ClassList(CRANES))


def test_exact_counts_without_repetitions_in_the_classes_sense(tmp_path):
    prompts = made(tmp_path)
    for name, part in (('n02012849', 'crane (bird)'), ('n03126707', 'crane (machine)'), ('owl', 'an owl')):
        assert len(prompts[name]) == len({text.lower() for text in prompts[name]}) == 40
        assert all(part in text for text in prompts[name])
    slots = read_slots().slots
    for values in slots.values():  # each slot is used
        assert any(value in text for value in values for text in prompts['owl'])
    assert not list(tmp_path.glob('*.parts'))


def test_prompts_are_addressed(tmp_path):
    everything = made(tmp_path)
    assert made(tmp_path, classes=CRANES, per_class=10) == {name: texts[:10] for name, texts in everything.items()}
    path = tmp_path / 'alone.json'
    alone = PromptPlan.from_config(dict(classes=CRANES[2:], per_class=40)).run(str(path))
    assert alone == {'owl': everything['owl']}  # whatever the other classes are
    assert made(tmp_path, seed=1) != everything


def test_styles(tmp_path):
    plain, styled = made(tmp_path), made(tmp_path, style_prob=1.0, styles=['as a sketch', 'as a mosaic'])
    assert all(text.endswith((', as a sketch', ', as a mosaic')) for texts in styled.values() for text in texts)
    assert {text.removesuffix(', as a sketch').removesuffix(', as a mosaic') for text in styled['owl'][:20]} <= {
        *from_first(from_slots(read_slots(), ClassList(CRANES)[2], 0), 60)
    }
    some = made(tmp_path, style_prob=0.3)
    counted = sum(text not in set(plain[name]) for name, texts in some.items() for text in texts)
    assert 15 <= counted <= 60  # of 120; 36 are expected


def from_first(texts, number):
    return [text for text, _ in zip(texts, range(number), strict=False)]


def test_templates_from_a_file(tmp_path):
    path = tmp_path / 'templates.txt'
    path.write_text('a photo of a {}\na {} in a zoo\n\na drawing of one {}\na photo of a {}\n')
    prompts = made(tmp_path, file=str(path), per_class=3)
    assert set(prompts['owl']) == {'a photo of an owl', 'an owl in a zoo', 'a drawing of one owl'}
    with pytest.raises(InputError, match=r'templates.txt gives only 3 different prompts of the class "n02012849" .* and 4 are needed'):
        made(tmp_path, file=str(path), per_class=4)


def test_articles():
    owl = ClassList(['owl'])[0]
    assert put_in('a {}', '{}', owl) == 'an owl' and put_in('one {} and a {class}', '{class}', owl) == 'one {} and an owl'
    assert put_in('the {}', '{}', owl) == 'the owl' and put_in('a {}', '{}', ClassList(['bag'])[0]) == 'a bag'


class FakeModel(LanguageModel):
    """Returns given answers in turn and records the requests."""

    def __init__(self, *answers):
        self.asked = []
        super().__init__(lambda request: answers[len(self.asked) - 1], dict(model='fake'))

    def answer(self, request, *address):
        self.asked.append((request, address))
        return super().answer(request, *address)


def captions(model, one, **changes):
    settings = dict(seed=0, kinds={'class': 1.0, 'relation': 1.0}, each=3, tries=2, most_requests=2) | changes
    return list(from_language_model(model, read_slots(), one, **settings))


def test_captions_of_a_language_model():
    bird = ClassList(CRANES)[0]
    model = FakeModel('a crane by a lake\n2. a bird, a crane\n3. a heron', 'Cranes in the sky\n2. a cranefly')
    assert captions(model, bird) == [
        'a crane (bird) by a lake',  # the sense is inserted
        'a bird, a crane',
        'Cranes (bird) in the sky',
    ]  # captions without the class's name are left out
    assert all('"crane"' in request and '{' not in request for request, _ in model.asked)
    assert len({address for _, address in model.asked}) == 2


def test_an_answer_that_is_no_list_is_asked_again_and_then_an_error():
    bird = ClassList(CRANES)[0]
    assert captions(FakeModel('', 'a crane\n2. the crane', ''), bird, most_requests=1) == ['a crane (bird)', 'the crane (bird)']
    with pytest.raises(InputError, match='asked for captions of "crane", and its answer has no list: nothing'):
        captions(FakeModel('', ''), bird)


def test_a_real_language_model_writes_no_list(tmp_path):
    """The answers of a model with random weights raise an error, and nothing is written."""
    pytest.importorskip('transformers')
    folder = write_tiny_language_model(tmp_path / 'model')
    config = dict(classes=['bag'], per_class=2, language_model=dict(folder=str(folder), max_new_tokens=12), tries=1, most_requests=1)
    config['request'] = 'Write {count} captions of {class}, {kind}: '
    with pytest.raises(InputError, match='captions of "bag", and its answer has no list: "'):
        PromptPlan.from_config(config).run(str(tmp_path / 'prompts.json'))
    assert not (tmp_path / 'prompts.json').exists()


def test_an_interrupted_run_goes_on(tmp_path, monkeypatch):
    whole = made(tmp_path)
    path, plan, drawn = tmp_path / 'resumed.json', PromptPlan.from_config(dict(classes=CRANES, per_class=40)), []
    usual = PromptPlan._prompts

    def stopped(self, one, *arguments):
        drawn.append(one.id)
        if one.id == 'owl' and drawn.count('owl') == 1:
            raise KeyboardInterrupt
        return usual(self, one, *arguments)

    monkeypatch.setattr(PromptPlan, '_prompts', stopped)
    with pytest.raises(KeyboardInterrupt):
        plan.run(str(path))
    assert not path.exists()
    assert plan.run(str(path)) == whole and drawn == ['n02012849', 'n03126707', 'owl', 'owl']


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (dict(per_class=0), 'per_class: Input should be greater than or equal to 1'),
        (dict(per_class=2, style_prob=1.5), 'style_prob: Input should be less than or equal to 1'),
        (dict(per_class=2, number=3), 'number: Extra inputs are not permitted'),
        (dict(per_class=2, styles=3), 'asks a language model for styles'),
        (dict(per_class=2, styles=[], style_prob=0.5), 'prompts.styles is empty'),
        (dict(per_class=2, kinds=dict(relations=1.0)), 'did you mean "relation"'),
        (dict(per_class=2, request='captions'), r'does not contain \{class\}'),
        (dict(per_class=2, file='a', language_model=dict(folder='b')), 'contexts come from one of them'),
        (dict(per_class=2, language_model=dict(folder='b', top_k=3)), 'language_model.top_k: Extra inputs are not permitted'),
        (dict(per_class=2, language_model=dict(folder='missing')), 'there is no folder missing with a language model'),
    ],
)
def test_settings_that_do_not_fit(config, message):
    with pytest.raises(InputError, match=message):
        PromptPlan.from_config(dict(classes=['bag']) | config).run('never.json')


def test_bad_files_and_classes(tmp_path):
    out, file = tmp_path / 'prompts.json', tmp_path / 'file.txt'
    for text, message in (('', 'has no prompts'), ('a bag\n', 'exactly one {} for the class, got "a bag"')):
        file.write_text(text)
        with pytest.raises(InputError, match=message):
            PromptPlan.from_config(dict(classes=['bag'], per_class=1, file=str(file))).run(str(out))
    with pytest.raises(InputError, match=r'classes 0 \(a\) and 1 \(b\) are both called "Crane": give each a sense'):
        same = [dict(id='a', name='crane'), dict(id='b', name='Crane')]
        PromptPlan.from_config(dict(classes=same, per_class=1)).run(str(out))
    slots = dict(forms=['a {class} {place}'], slots=dict(places=['here']), styles=[])
    for change, message in (
        ({}, r'names the slot "place", which has no values; did you mean "places"'),
        (dict(forms=['a photo']), r'exactly one \{class\}, got "a photo"'),
        (dict(slots=dict(place=[' '])), 'place has the value " "'),
        (dict(slots=dict(place=['{x}'])), 'is a text without braces'),
    ):
        file.write_text(json.dumps(slots | change))
        with pytest.raises(InputError, match=message):
            PromptPlan.from_config(dict(classes=['bag'], per_class=1, slots=str(file))).run(str(out))
    file.write_text(json.dumps(slots | dict(slots=dict(place=['here', 'there']))))
    with pytest.raises(InputError, match='gives only 2 different prompts of the class "bag" .* and 3 are needed: lower per_class'):
        PromptPlan.from_config(dict(classes=['bag'], per_class=3, slots=str(file))).run(str(out))
    assert not out.exists()


def test_results_of_other_settings_are_not_used(tmp_path):
    parts = ClassParts(tmp_path / 'out.json', dict(seed=0))
    parts.put('owl', ['an owl'])
    assert ClassParts(tmp_path / 'out.json', dict(seed=0)).get('owl') == ['an owl']
    assert ClassParts(tmp_path / 'out.json', dict(seed=1)).get('owl') is None


def test_a_file_that_may_have_been_edited_is_kept(tmp_path):
    out = tmp_path / 'prompts.json'
    out.write_text('mine')
    with pytest.raises(InputError, match='exists and may have been edited'):
        PromptPlan.from_config(dict(classes=['bag'], per_class=1)).run(str(out))
    assert out.read_text() == 'mine'


def test_the_tool(tmp_path):
    out = tmp_path / 'prompts.json'
    result = run_tool(
        'tools/prompts.py', ROOT / 'configs/prompts/in1k.py', out, '--cfg-options', 'prompts.per_class=2', 'prompts.classes=[bag,owl]'
    )
    assert '2 prompts of each of 2 classes' in result.stdout
    assert len(read_prompts(out, ClassList(['bag', 'owl']))['owl']) == 2
