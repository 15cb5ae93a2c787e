"""Real images labelled by a segmentor: masks and uncertainty against the network itself, the dataset, and refusals."""

import json

import numpy as np
import pytest
import torch
from real_labeller import write_images
from scipy.special import softmax
from scipy.stats import entropy
from tiny_segmentor import logits_of, write_segmentor

from mmbdg.errors import InputError
from mmbdg.files import write_safetensors
from mmbdg.images import open_image
from mmbdg.sources import PseudoLabelSource
from mmbdg.sources.image_fit import fitted
from mmbdg.storage import StoredDataset
from mmbdg.synthesis import Synthesis, synthesize

NAMES = ('background', 'disc', 'square')


@pytest.fixture
def images(tmp_path):
    return write_images(tmp_path / 'images', dict(disc=5, square=3))


def keys(folder, **changes) -> dict:
    """Arguments of a source whose images and segmentor are in a folder."""
    paths = dict(images=str(folder / 'images'), config=str(folder / 'seg.py'), checkpoint=str(folder / 'seg.pth'))
    return paths | dict(classes=['disc', 'square'], size=16) | changes


def pictures(images, names: list[str], squash: bool = False) -> np.ndarray:
    return np.stack([fitted(open_image(images / f'{name}.png'), 16, squash) for name in names])


@pytest.mark.parametrize('sigmoid', [False, True])
@pytest.mark.parametrize('known_class', [True, False])
def test_masks_and_uncertainty_are_those_of_the_network(tmp_path, images, known_class, sigmoid):
    names = NAMES[:2] if sigmoid else NAMES
    _, _, model = write_segmentor(tmp_path, len(names), sigmoid, labels=names)
    source = PseudoLabelSource(**keys(tmp_path, known_class=known_class, squash=True))
    assert source.catalogue.labels == (('background', 'foreground') if known_class else names)
    assert [source.available(c) for c in (0, 1)] == [5, 3] and source.catalogue.folders == ('disc', 'square')
    shown = pictures(images, ['disc/4', 'disc/0', 'disc/1'], squash=True)
    batch = source.label(0, [4, 0, 1])
    assert np.array_equal(batch.images.permute(0, 2, 3, 1).numpy(), shown)
    assert batch.records == [dict(image=f'disc/{i}.png') for i in (4, 0, 1)]

    logits = logits_of(model, shown).double().numpy()
    if sigmoid:
        logits = np.concatenate([np.zeros_like(logits), logits], 1)  # the same probabilities
    p = softmax(logits, axis=1)
    if known_class:
        p = np.stack([p[:, 0], p[:, 1:].sum(1)], 1)
    nats = entropy(p, axis=1)
    second, first = np.sort(p, axis=1)[:, -2:].swapaxes(0, 1)
    clear = first - second > 1e-4
    assert clear.mean() > 0.9 and np.array_equal(batch.masks.numpy()[clear], p.argmax(1)[clear])
    assert batch.masks.dtype == torch.int64 and len(batch.masks.unique()) == p.shape[1]
    assert np.allclose(batch.disagreement.numpy(), nats, atol=1e-4)
    assert np.allclose(batch.uncertainty.numpy(), nats.mean((1, 2)), atol=1e-4)
    assert source.most_disagreement == pytest.approx(np.log(p.shape[1])) and batch.disagreement.max() <= source.most_disagreement

    above = float(np.median(nats))
    ignored = PseudoLabelSource(**keys(tmp_path, known_class=known_class, squash=True, ignore_above=above)).label(0, [4, 0, 1])
    apart = np.abs(nats - above) > 1e-4
    assert apart.mean() > 0.9
    assert np.array_equal(ignored.masks.numpy()[apart], np.where(nats > above, 255, batch.masks.numpy())[apart])
    assert torch.equal(ignored.uncertainty, batch.uncertainty)


def test_all_foreground_labels_count_together(tmp_path, images):
    """A pixel whose most probable label is the background is foreground if the other labels together are more probable."""
    _, _, model = write_segmentor(tmp_path, 5)
    p = softmax(logits_of(model, pictures(images, ['disc/0'])).numpy(), axis=1)
    differs = (p.argmax(1) == 0) & (p[:, 0] < 0.49)
    assert differs.any()
    assert (PseudoLabelSource(**keys(tmp_path)).label(0, [0]).masks.numpy()[differs] == 1).all()


def test_a_dataset_keeps_the_most_certain_images(tmp_path, images):
    """Also from a dataset of the layout without masks, and with the masks of all labels."""
    write_segmentor(tmp_path, labels=NAMES)
    plan = dict(filters=[dict(type='mmbdg.UncertaintyFilter', rate=0.4)], num_per_class=5, candidates=5)
    source = dict(type='mmbdg.PseudoLabelSource', **keys(tmp_path, licence='own'))
    stored = StoredDataset(synthesize(Synthesis.from_config(dict(source=source, **plan)), tmp_path / 'out', log=str))
    uncertainty = PseudoLabelSource(**keys(tmp_path)).label(0, range(5)).uncertainty
    kept = sorted(uncertainty.argsort()[:3].tolist())
    assert [line['image'] for line in stored.lines if line['class'] == 0] == [f'disc/{i}.png' for i in kept]
    assert stored.info['counts'] == dict(disc=3, square=2) and stored.info['licence'] == 'own'
    again = PseudoLabelSource(**keys(tmp_path, images=str(tmp_path / 'out'), known_class=False))
    assert [again.available(c) for c in (0, 1)] == [3, 2]
    assert np.array_equal(again.draw(1, [1]).images[0].permute(1, 2, 0).numpy(), stored.image(stored.lines[4]))


def test_identity(tmp_path, images):
    """It holds all that decides the masks, and no path."""
    config, _, model = write_segmentor(tmp_path, labels=NAMES)
    source = PseudoLabelSource(**keys(tmp_path, ignore_above=0.5))
    identity = source.identity()
    assert str(tmp_path) not in json.dumps(identity)
    own = identity['config']
    assert own['segmentor']['model']['decode_head']['num_classes'] == 3 and own['segmentor']['model']['test_cfg'] == dict(mode='whole')
    assert (own['size'], own['known_class'], own['ignore_above'], own['labels']) == (16, True, 0.5, ['background', 'foreground'])
    text = config.read_text()
    config.write_text(text.replace("type='mmseg.UNet'", f"type='mmseg.UNet', init_cfg=dict(type='Pretrained', checkpoint='{tmp_path}/x')"))
    assert PseudoLabelSource(**keys(tmp_path, ignore_above=0.5)).identity() == identity
    config.write_text(text.replace('std=[50', 'std=[51'))
    assert PseudoLabelSource(**keys(tmp_path, ignore_above=0.5)).identity() != identity
    config.write_text(text)
    write_safetensors(tmp_path / 'seg.safetensors', model.state_dict())
    assert PseudoLabelSource(**keys(tmp_path, ignore_above=0.5, checkpoint=str(tmp_path / 'seg.safetensors'))).identity() != identity


def test_labels_of_weights_that_name_none(tmp_path, images):
    write_segmentor(tmp_path)
    with pytest.raises(InputError, match=r'seg.pth does not name its 3 labels; name them, background first'):
        PseudoLabelSource(**keys(tmp_path, known_class=False))
    with pytest.raises(InputError, match=r'the segmentor has 3 labels, but synthesis.source.labels names 2: background, disc; name all'):
        PseudoLabelSource(**keys(tmp_path, labels=list(NAMES[:2])))
    assert PseudoLabelSource(**keys(tmp_path, known_class=False, labels=list(NAMES))).catalogue.labels == NAMES


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            dict(labels=['background', 'disc']),
            r'labels does not match .*seg.pth, .* the labels background, disc, square, got background, disc;',
        ),
        (
            dict(labels=['disc', 'background', 'square']),
            'labels must be "background" and at least one other label, in this order, got disc',
        ),
        (dict(labels=['background', 'disc', 'disc']), 'labels must be unique'),
        (dict(classes=['disc', 'ring']), 'has no images of the class "ring"'),
        (dict(classes=[]), 'the list of classes is empty'),
        (dict(size=0), 'size must be 1 to 4096 pixels, got 0'),
        (dict(size=2**20), 'size must be 1 to 4096'),
        (dict(size=15), r'the segmentor cannot label images of 15 x 15 pixels: .*; set synthesis.source.size to the size'),
        (dict(ignore_above=-1.0), 'ignore_above must be None or a finite number'),
        (dict(checkpoint='missing.pth'), 'there is no checkpoint at .*missing.pth'),
        (dict(config='missing.py'), 'missing.py'),
        (dict(images='missing'), 'there is no folder .*missing of images'),
        (dict(selection='certain'), 'only a dataset has selections'),
    ],
)
def test_refusals(tmp_path, images, changes, message):
    write_segmentor(tmp_path, labels=NAMES)
    with pytest.raises(InputError, match=message):
        PseudoLabelSource(**keys(tmp_path, **changes))


@pytest.mark.parametrize(
    ('labels', 'message'),
    [
        (
            ('background', 'disc'),
            r'seg.py has 3 labels, but .*seg.pth was trained with 2: background, disc; give the config that its training wrote',
        ),
        (('road', 'disc', 'square'), 'the labels of .*seg.pth must be "background" and at least one other label, in this order, got road'),
        ((1, 2, 3), r'seg.pth: meta.dataset_meta.classes is not as it should be'),
        ('background', r'seg.pth: meta.dataset_meta.classes is not as it should be'),
    ],
)
def test_labels_in_the_checkpoint_are_checked(tmp_path, images, labels, message):
    write_segmentor(tmp_path, labels=labels)
    with pytest.raises(InputError, match=message):
        PseudoLabelSource(**keys(tmp_path))
