"""Local language models, and lists in their answers."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file
from tiny_language_model import write_tiny_language_model

from mmbdg.errors import InputError
from mmbdg.sources.answer_list import continued, listed_answers
from mmbdg.sources.language_model import LanguageModel

pytest.importorskip('transformers')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return write_tiny_language_model(tmp_path_factory.mktemp('language_model') / 'tiny')


def test_an_answer_depends_on_request_and_address_only(folder):
    model = LanguageModel.load(str(folder), max_new_tokens=8)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = model.answer('List birds', 'a', 0)
    assert torch.equal(torch.get_rng_state(), before)  # the caller's random numbers are not used
    model.answer('List birds', 'a', 1)
    torch.rand(3)
    assert model.answer('List birds', 'a', 0) == first != model.answer('List birds', 'a', 1)
    assert first and not first.startswith('List')


def test_a_model_with_a_chat_template_is_asked_in_it(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / 'chat')
    (copy / 'chat_template.jinja').write_text('{% for message in messages %}<{{ message.role }}>{{ message.content }}{% endfor %}')
    chat, plain = (LanguageModel.load(str(path), max_new_tokens=8, temperature=1e-3) for path in (copy, folder))
    assert chat.answer('List birds', 0) == plain.answer('<user>List birds', 0) != plain.answer('List birds', 0)


def test_identity(folder):
    identity = LanguageModel.load(str(folder)).identity
    assert set(identity['checksums']) == {'config.json', 'tokenizer.json', 'model.safetensors'} and identity['temperature'] == 0.8
    assert str(folder) not in json.dumps(identity)


def test_folders_that_do_not_fit(folder, tmp_path):
    with pytest.raises(InputError, match='there is no folder .*a model is not downloaded'):
        LanguageModel.load('org/name')
    copy = shutil.copytree(folder, tmp_path / 'copy')
    torch.save(load_file(copy / 'model.safetensors'), copy / 'pytorch_model.bin')
    (copy / 'model.safetensors').unlink()
    with pytest.raises(InputError, match=r'has no weights in \*.safetensors; pytorch_model.bin is a pickle, which is not read'):
        LanguageModel.load(str(copy))
    shutil.copy(folder / 'model.safetensors', copy)
    config = json.loads((copy / 'config.json').read_text())
    (copy / 'config.json').write_text(json.dumps(config | dict(auto_map=dict(AutoModelForCausalLM='own.Model'))))
    with pytest.raises(InputError, match='names code of its own'):
        LanguageModel.load(str(copy))
    (copy / 'config.json').write_text('{}')
    with pytest.raises(InputError, match='has no model_type'):
        LanguageModel.load(str(copy))
    (copy / 'config.json').write_text(json.dumps(config))
    (copy / 'model.safetensors').write_bytes((folder / 'model.safetensors').read_bytes()[:-100])
    with pytest.raises(InputError, match='is not a language model that transformers can load'):
        LanguageModel.load(str(copy))
    shutil.copy(folder / 'model.safetensors', copy)
    (copy / 'tokenizer.json').unlink()
    with pytest.raises(InputError, match='is not a language model that transformers can load'):
        LanguageModel.load(str(copy))


@pytest.mark.parametrize(
    'answer',
    [
        'Here you are:\n1. a bird\n2) "a machine"\n\n3. a bird',
        '- a bird\n* a machine',
        '1. a bird\n2. a machine\nMeanings of "jaguar":\n1. a cat\n2. a car',  # the model continues with another word
        '```json\n["a bird", "a  machine", "a bird"]\n```',
    ],
)
def test_lists_in_answers(answer):
    assert listed_answers(answer, 'meanings') == ['a bird', 'a machine']


def test_an_answer_may_go_on_with_the_list_of_the_request():
    assert continued('Meanings:\n1.', ' a bird\n2. a machine') == '1. a bird\n2. a machine'
    for own in ('Sure:\n1. a bird\n2. a machine', 'a bird'):
        assert continued('Meanings:\n1.', own) == own
    assert continued('Meanings?', 'a bird\n2. a machine') == 'a bird\n2. a machine'


@pytest.mark.parametrize(
    ('answer', 'message'),
    [
        ('A crane is a bird. ' * 20, 'asked for meanings, and its answer has no list: "A crane is a bird.*\\.\\.\\."'),
        ('', 'its answer has no list: nothing'),
        ('[1, 2]', r'its answer has no list: "\[1, 2\]"'),
        ('[]', 'has no list'),
    ],
)
def test_answers_that_are_no_list(answer, message):
    with pytest.raises(InputError, match=message) as raised:
        listed_answers(answer, 'meanings')
    assert len(str(raised.value)) < 300
