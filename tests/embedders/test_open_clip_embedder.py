"""mmbdg.OpenCLIP and the zero-shot classifier against direct calls of open_clip; errors of unsuitable folders."""

import json
import shutil

import numpy as np
import pytest
import torch
from cut_clip import write_cut_clip
from PIL import Image

from mmbdg.embedders import OpenCLIP, ZeroShotClassifier, build_embedder
from mmbdg.embedders.vocabulary import merges_of_words, vocabulary_size
from mmbdg.errors import InputError

open_clip = pytest.importorskip('open_clip')

TEMPLATES = ('a photo of a {}', 'a bag, not a {}', '{}')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return write_cut_clip(tmp_path_factory.mktemp('clip') / 'tiny')


@pytest.fixture(scope='module')
def by_hand(folder):
    """Model, preprocessing and tokenizer by open_clip's public functions."""
    model, preprocess = open_clip.create_model_from_pretrained(f'local-dir:{folder}')
    tokenizer = open_clip.get_tokenizer(f'local-dir:{folder}', bpe_path=str(folder / 'bpe_merges.txt.gz'))
    return model.eval(), preprocess, tokenizer


@pytest.fixture(scope='module')
def embedder(folder):
    return build_embedder(dict(type='mmbdg.OpenCLIP', folder=str(folder)))


def pictures():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for height, width in ((32, 32), (50, 40), (31, 90))]


def test_images_as_open_clip_embeds_them(embedder, by_hand):
    model, preprocess, _ = by_hand
    with torch.no_grad():
        expected = model.encode_image(torch.stack([preprocess(Image.fromarray(image)) for image in pictures()]), normalize=True)
    assert torch.allclose(embedder.images(pictures()), expected, atol=1e-6)
    assert torch.allclose(embedder.images(pictures()[1:2])[0], expected[1], atol=1e-6)


def test_texts_as_open_clip_embeds_them(embedder, by_hand):
    model, _, tokenizer = by_hand
    texts = ['a photo of a boot', 'Ünknown words, and very many more of them than the context can hold at all']
    with torch.no_grad():
        expected = model.encode_text(tokenizer(texts), normalize=True)
    assert torch.allclose(embedder.texts(texts), expected, atol=1e-6)
    assert embedder.texts([]).shape == (0, 16) and embedder.images([]).shape == (0, 16)
    with pytest.raises(InputError, match='text 1 of 2 is empty'):
        embedder.texts(['a', ' '])


def test_truncated_texts_are_counted(folder, monkeypatch):
    """Texts of just the context length are whole. The first truncated text is logged, then every tenfold number."""
    said, own = [], build_embedder(dict(type='mmbdg.OpenCLIP', folder=str(folder)))
    monkeypatch.setattr('mmengine.logging.print_log', lambda message, *rest: said.append(message))
    most, encode = own.tokenizer.context_length, own.tokenizer.encode
    texts = ['a ' * number for number in range(1, most + 3)]
    lengths = [len(encode(text)) + 2 for text in texts]
    assert {most - 1, most, most + 1} <= set(lengths)
    assert own._cut(texts) == [text for text, length in zip(texts, lengths, strict=True) if length > most]
    own.texts(texts[:1])
    assert not said and (own.cut_texts, own.read_texts) == (0, 1)
    for _ in range(11):
        own.texts(['b', texts[-1]])
    assert (own.cut_texts, own.read_texts) == (11, 23) and len(said) == 2
    assert said[0].startswith('1 of 3 texts so far are longer than the text encoder reads') and said[1].startswith('10 of 21 texts')


def test_zero_shot_classifier_is_that_of_open_clip(embedder, by_hand):
    model, _, tokenizer = by_hand
    names = ['boot', 'bag', 'crane (bird)']
    expected = open_clip.build_zero_shot_classifier(model, tokenizer, names, TEMPLATES).T
    ours = ZeroShotClassifier(embedder, names, TEMPLATES)
    assert (ours.weights - expected).abs().max() < 1e-6
    assert torch.equal(ours.classify(pictures()), (embedder.images(pictures()) @ expected.T).argmax(1))
    assert ours.classify([]).shape == (0,)


@pytest.mark.parametrize(
    ('classes', 'templates', 'message'),
    [
        ([], ['{}'], 'needs classes and templates, got 0 and 1'),
        (['boot'], [], 'needs classes and templates, got 1 and 0'),
        (['boot'], ['a photo'], 'exactly one {} for the class, got "a photo"'),
        (['boot'], ['{} and {}'], 'exactly one {}'),
    ],
)
def test_bad_classifiers(embedder, classes, templates, message):
    with pytest.raises(InputError, match=message):
        ZeroShotClassifier(embedder, classes, templates)


def test_identity_follows_the_weights(folder, embedder, tmp_path):
    from safetensors.torch import load_file, save_file

    other = shutil.copytree(folder, tmp_path / 'other')
    assert OpenCLIP(str(other)).identity() == embedder.identity()
    weights = load_file(other / 'open_clip_model.safetensors')
    save_file(weights | dict(logit_scale=weights['logit_scale'] + 1), other / 'open_clip_model.safetensors')
    assert OpenCLIP(str(other)).identity() != embedder.identity()


def test_a_cut_vocabulary_splits_its_words_as_the_whole_one(by_hand):
    _, _, cut = by_hand
    whole = open_clip.SimpleTokenizer()
    for word in ('photo', 'boot', 'bag'):
        assert (
            [cut.decoder[token] for token in cut.encode(word)] == [whole.decoder[token] for token in whole.encode(word)] == [f'{word}</w>']
        )
    assert len(cut.encode('pullover')) > len(whole.encode('pullover'))
    assert cut.vocab_size == vocabulary_size(merges_of_words(['bag', 'boot', 'photo']))


def changed(folder, tmp_path, change):
    """A copy of the folder with another config."""
    copy = shutil.copytree(folder, tmp_path / 'changed')
    path = copy / 'open_clip_config.json'
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return str(copy)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda c: c.pop('preprocess_cfg'), 'preprocess_cfg: Field required'),
        (lambda c: c['preprocess_cfg'].pop('std'), 'preprocess_cfg.std: Field required'),
        (lambda c: c['preprocess_cfg'].update(size=64), 'takes images of 32 px, its preprocess_cfg gives 64 px'),
        (lambda c: c['model_cfg'].pop('text_cfg'), 'model_cfg lacks "text_cfg"'),
        (lambda c: c['model_cfg']['vision_cfg'].update(timm_model_name='resnet50'), 'another library by "timm_model_name"'),
        (lambda c: c['model_cfg']['text_cfg'].update(hf_model_name='roberta-base'), 'another library by "hf_model_name"'),
    ],
)
def test_bad_configs(folder, tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        OpenCLIP(changed(folder, tmp_path, change))


def test_bad_files(folder, tmp_path):
    with pytest.raises(InputError, match='there is no folder .*missing with a CLIP model'):
        OpenCLIP(str(tmp_path / 'missing'))
    copy = shutil.copytree(folder, tmp_path / 'copy')
    (copy / 'bpe_merges.txt.gz').unlink()
    with pytest.raises(InputError, match='the tokenizer has 49408 tokens, the model 5.*bpe_merges.txt.gz is missing'):
        OpenCLIP(str(copy))
    (copy / 'open_clip_model.safetensors').rename(copy / 'open_clip_pytorch_model.bin')
    with pytest.raises(InputError, match='has no weights: .*open_clip_pytorch_model.bin is a pickle, which is not read'):
        OpenCLIP(str(copy))
    (copy / 'open_clip_pytorch_model.bin').unlink()
    with pytest.raises(InputError, match='has no weights: one of open_clip_model.safetensors'):
        OpenCLIP(str(copy))
