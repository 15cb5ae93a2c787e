import numpy as np
import pytest
import torch
from conftest import TINY_CLASSES, TINY_INTERPRETER, TINY_VQGAN, build_tiny, plan_of

from mmbdg.errors import InputError
from mmbdg.generators import VQGAN, to_pixels
from mmbdg.registry import MODELS
from mmbdg.sources import LabelledGenerator
from mmbdg.storage import StoredDataset
from mmbdg.synthesis import synthesize


@pytest.fixture(scope='module')
def labelled_vqgan(tmp_path_factory):
    torch.manual_seed(0)
    generator = build_tiny(TINY_VQGAN)
    for parameter in generator.transformer.parameters():
        parameter.data *= 4  # so tokens depend on the class and on each other
    member = dict(type='mmbdg.FeatureInterpreter', num_outputs=1, groups=(8, 32), widths=(6, 4))
    interpreter_config = dict(TINY_INTERPRETER, member=member)
    interpreter = MODELS.build({**generator.interpreter_sizes(), **interpreter_config})
    folder = tmp_path_factory.mktemp('vqgan')
    LabelledGenerator.write(
        folder,
        (TINY_VQGAN, generator.state_dict()),
        (interpreter_config, interpreter.state_dict()),
        classes=TINY_CLASSES,
        folders=TINY_CLASSES,
        truncation=None,
    )
    return folder


@pytest.fixture
def plan(labelled_vqgan, tiny_classifier):
    return plan_of(
        str(labelled_vqgan), num_per_class=3, candidates=8, batch_size=4, classifier=tiny_classifier, rejection_rate=0.5, tokens=True
    )


def test_tokens_are_drawn_once(plan, tmp_path, monkeypatch):
    """Samples that survive the rejection are decoded from the tokens that the classifier judged, without drawing again."""
    drawn = []
    sample = VQGAN.sample
    monkeypatch.setattr(VQGAN, 'sample', lambda self, y, *args, **kwargs: drawn.append(len(y)) or sample(self, y, *args, **kwargs))
    synthesize(plan.changed(classes=[1]), tmp_path / 'out', log=lambda line: None)
    assert sum(drawn) == 8 + 4  # the candidates, and the samples from which the disk space is estimated


def test_stored_tokens_make_the_sample_again(plan, labelled_vqgan, tmp_path):
    stored = StoredDataset(synthesize(plan, tmp_path / 'out', log=lambda line: None))
    generator = LabelledGenerator.load(labelled_vqgan)
    vqgan = generator._generator.on('cpu')
    for line in stored.lines[::4]:
        tokens = torch.from_numpy(stored.tokens(line)).long()[None]
        assert tokens.shape == (1, 64) and len(tokens.unique()) > 8
        again = to_pixels(vqgan.decode(tokens))[0].permute(1, 2, 0).numpy().astype(int)
        assert np.abs(again - stored.image(line)).max() <= 1
        batch = generator.label([line['class']], [int(line['id'])])  # from the address alone
        assert (batch.masks[0].numpy() != stored.mask(line)).mean() < 0.01
        assert np.abs(batch.images[0].permute(1, 2, 0).numpy().astype(int) - stored.image(line)).max() <= 1


def test_shards_hold_tokens_too(plan, tmp_path):
    folder, shards = (
        StoredDataset(synthesize(plan.changed(format=form), tmp_path / form, log=lambda line: None)) for form in ('folder', 'shards')
    )
    for one, other in zip(folder.lines, shards.lines, strict=True):
        np.testing.assert_array_equal(folder.tokens(one), shards.tokens(other))


def test_tokens_of_a_generator_without(tiny_labelled_generator, plan, tmp_path):
    with pytest.raises(InputError, match='draw tokens'):
        synthesize(plan.changed(labelled_generator=str(tiny_labelled_generator)), tmp_path / 'out')
    assert not (tmp_path / 'out').exists()
