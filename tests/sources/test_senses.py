"""Senses of class names: decided by real images and the embedded CLIP, curated names first; not decided without images."""

import json

import numpy as np
import pytest
from conftest import ROOT, run_tool
from tiny_language_model import write_tiny_language_model

from mmbdg.datasets.fashion_files import load_fashion
from mmbdg.embedders import build_embedder
from mmbdg.errors import InputError
from mmbdg.files import write_json, write_png
from mmbdg.sources.class_list import ClassList
from mmbdg.sources.language_model import LanguageModel
from mmbdg.sources.sense_candidates import asked_candidates, given_candidates
from mmbdg.sources.sense_choice import choose, settled
from mmbdg.sources.sense_plan import SensePlan
from mmbdg.sources.senses import ClassSenses, chosen_classes, read_senses, with_sense, write_senses

pytest.importorskip('open_clip')

CLIP = dict(type='mmbdg.OpenCLIP', folder='mmbdg://fashion32/clip')


@pytest.fixture(scope='module')
def clip():
    return build_embedder(CLIP)


def garments(label, number=16):
    images, labels = load_fashion('test')
    return list(np.repeat(images[labels == label][:number, :, :, None], 3, axis=3))


@pytest.mark.parametrize(
    ('name', 'candidates', 'label', 'right'),
    [
        ('boot', ['luggage space of a car', 'footwear'], 9, 'footwear'),
        ('bag', ['trouser', 'handbag'], 8, 'handbag'),
        ('jumper', ['pullover', 'dress'], 3, 'dress'),
        ('jumper', ['dress', 'pullover'], 2, 'pullover'),
    ],
)
def test_real_images_decide_and_without_them_nothing_does(clip, name, candidates, label, right):
    """The first candidate is the wrong one; the images of a name decide its sense."""
    one = ClassList([name])[0]
    senses = choose(one, candidates, garments(label), clip)
    assert (senses.choice, senses.decided_by, senses.images) == (right, 'images', 16)
    assert senses.margin == pytest.approx(max(senses.scores) - min(senses.scores), abs=2e-6) and senses.margin > 0.01
    without = choose(one, candidates, [], clip)
    assert (without.choice, without.decided_by, without.scores, without.margin) == ('', 'nobody', [], None)
    assert candidates[0] != right


def test_scores_by_hand(clip):
    one, images = ClassList(['boot'])[0], garments(9, 3)
    senses = choose(one, ['footwear', 'ankle boot'], images, clip, ['a {}', '{}'])
    for candidate, score in zip(('boot (footwear)', 'ankle boot'), senses.scores, strict=True):
        texts = clip.texts([f'a {candidate}', candidate]).numpy()
        mean = texts.mean(0) / np.linalg.norm(texts.mean(0))
        assert score == pytest.approx((clip.images(images).numpy() @ mean).mean(), abs=2e-6)


def test_a_candidate_is_a_sense_or_a_whole_name():
    crane = ClassList(['crane'])[0]
    assert with_sense(crane, 'bird').text == 'crane (bird)' and with_sense(crane, 'Crane bird').text == 'Crane bird'
    assert with_sense(crane, '') == crane


def test_a_given_sense_and_curated_names_come_first():
    cranes = ClassList(
        [dict(id='n02012849', name='crane'), dict(id='n03126707', name='crane', sense='machine'), dict(id='x', name='crane')]
    )
    senses = [settled(one) for one in cranes]
    assert [(entry.choice, entry.decided_by) for entry in senses[:2]] == [('crane bird', 'curated'), ('machine', 'given')]
    assert senses[2] is None and settled(cranes[0], curated=False) is None
    open_one = choose(cranes[2], ['bird', 'machine'], [], None)
    chosen = chosen_classes(cranes, [*senses[:2], open_one])
    assert [one.text for one in chosen] == ['crane bird', 'crane (machine)', 'crane'] and chosen.ids == cranes.ids
    edited = [senses[0].model_copy(update=dict(choice='bird')), *senses[1:2], open_one]
    assert chosen_classes(cranes, edited)[0].text == 'crane (bird)'  # a sense, although the curated name was a name
    with pytest.raises(InputError, match=r'both called "crane \(machine\)": give each a sense'):
        chosen_classes(cranes, [*senses[:2], open_one.model_copy(update=dict(choice='machine'))])


def test_find_edit_apply(tmp_path, clip):
    """The steps of the documentation; the images of "jumper" in the example are dresses."""
    senses, classes = tmp_path / 'senses.json', tmp_path / 'classes.json'
    config = ROOT / 'configs/prompts/fashion32.py'
    result = run_tool('tools/class_senses.py', 'find', config, senses)
    assert '7 decided by nobody, 3 decided by images' in result.stdout
    names = ['t-shirt', 'trouser', 'pullover', 'jumper', 'coat', 'sandal', 'shirt', 'sneaker', 'bag', 'boot']
    found = {entry.name: entry for entry in read_senses(senses, ClassList(names))}
    assert [found[name].choice for name in ('jumper', 'bag', 'boot')] == ['dress', 'handbag', 'footwear']
    made_by = json.loads(senses.read_text())['made_by']
    assert made_by['embedder'] == clip.identity() and made_by['num_images'] == 16
    edited = [entry.model_copy(update=dict(choice='boot for rain')) if entry.name == 'boot' else entry for entry in found.values()]
    write_senses(senses, edited, made_by)
    assert '3 changed' in run_tool('tools/class_senses.py', 'apply', config, senses, classes).stdout
    texts = [one.text for one in ClassList(classes)]
    assert [texts[i] for i in (0, 3, 8, 9)] == ['t-shirt', 'jumper (dress)', 'handbag', 'boot for rain']
    again = run_tool('tools/class_senses.py', 'apply', config, senses, classes, check=False)
    assert again.returncode == 2 and 'exists and may have been edited' in again.stdout


def test_images_from_a_folder_and_resuming(tmp_path, monkeypatch, clip):
    for label, name in ((9, 'boot'), (3, 'jumper')):
        for i, image in enumerate(garments(label, 6)):
            write_png(tmp_path / 'real' / name / f'{i}.png', image)
    candidates = dict(boot=['luggage space of a car', 'footwear'], jumper=['pullover', 'dress'], bag=['trouser', 'handbag'])
    config = dict(classes=['boot', 'jumper', 'bag'], candidates=candidates, images=str(tmp_path / 'real'), num_images=4, embedder=CLIP)
    plan, out, asked = SensePlan.from_config(config), tmp_path / 'senses.json', []

    def interrupted(one, *arguments):
        asked.append(one.name)
        if asked == ['boot', 'jumper']:
            raise KeyboardInterrupt
        return choose(one, *arguments)

    monkeypatch.setattr('mmbdg.sources.sense_plan.choose', interrupted)
    monkeypatch.setattr('mmbdg.sources.sense_plan.build_embedder', lambda *arguments: clip)
    with pytest.raises(KeyboardInterrupt):
        plan.run(str(out))
    assert not out.exists()
    found = plan.run(str(out))
    assert asked == ['boot', 'jumper', 'jumper', 'bag']  # what was done is not done again
    assert [(entry.choice, entry.images) for entry in found] == [('footwear', 4), ('dress', 4), ('', 0)]
    assert not list(tmp_path.glob('*.parts'))


class FakeModel(LanguageModel):
    def __init__(self, answer):
        self.asked = []
        super().__init__(lambda request: self.asked.append(request) or answer, {})


def test_candidates_of_a_language_model():
    crane = ClassList(['crane'])[0]
    model = FakeModel(' a bird\n2. a machine\n3. a paper bird\n4. a surname')
    assert asked_candidates(model, crane, 3) == ['a bird', 'a machine', 'a paper bird']
    assert '3 different meanings of "crane"' in model.asked[0]
    with pytest.raises(InputError, match='asked for meanings of "crane", and its answer has no list: "Cranes are birds."'):
        asked_candidates(FakeModel('Cranes are birds.'), crane, 3, 'Meanings of {name}?')


def test_a_real_language_model_answers_no_list(tmp_path):
    pytest.importorskip('transformers')
    model = dict(folder=str(write_tiny_language_model(tmp_path / 'model')), max_new_tokens=12)
    plan = SensePlan.from_config(dict(classes=['crane'], language_model=model, request='What does {name} mean?'))
    with pytest.raises(InputError, match='meanings of "crane", and its answer has no list: "'):
        plan.run(str(tmp_path / 'senses.json'))
    assert not (tmp_path / 'senses.json').exists()


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({}, 'has no candidates'),
        (dict(crane='bird'), 'crane: Input should be a valid list'),
        (dict(cran=['bird']), 'names the class "cran".*did you mean "crane"'),
        (dict(crane=['bird', ' ']), 'a candidate of the class "crane" is empty'),
    ],
)
def test_bad_candidates(tmp_path, content, message):
    write_json(tmp_path / 'candidates.json', content)
    for candidates in (content, str(tmp_path / 'candidates.json')):
        with pytest.raises(InputError, match=message):
            given_candidates(candidates, ClassList(['crane']))


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (dict(images='real'), 'senses.images needs senses.embedder'),
        (dict(images='missing', embedder=CLIP), 'senses.images: there is no folder missing of images; it has a subfolder'),
        (dict(images=dict(type='mmbdg.FashionMNIST32'), embedder=CLIP), 'labels 0 to 9; labels are indices in the list of 1 classes'),
        (dict(images=dict(type='mmbdg.Fashion'), embedder=CLIP), 'the dataset of real images cannot be built'),
        (dict(request='what is it?'), r'does not contain \{name\}'),
        (dict(templates=[]), 'templates: List should have at least 1 item'),
        (dict(number=3), 'number: Extra inputs are not permitted'),
    ],
)
def test_settings_that_do_not_fit(tmp_path, config, message):
    with pytest.raises(InputError, match=message):
        SensePlan.from_config(dict(classes=['crane']) | config).run(str(tmp_path / 'senses.json'))
    assert not (tmp_path / 'senses.json').exists()


def test_senses_of_other_classes(tmp_path):
    entry = ClassSenses(id='a', name='a', candidates=[], scores=[], images=0, margin=None, choice='', decided_by='nobody')
    write_senses(tmp_path / 'senses.json', [entry], {})
    with pytest.raises(InputError, match='has the senses of other classes than the list'):
        read_senses(tmp_path / 'senses.json', ClassList(['b']))
