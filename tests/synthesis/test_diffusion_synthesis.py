"""A diffusion model as labelled generator: folder, filters, selection of samples to annotate, and training of its interpreter."""

import json

import numpy as np
import pytest
import torch
from conftest import TINY_CLASSES, TINY_INTERPRETER, build_tiny, plan_of
from mmengine.structures import BaseDataElement, PixelData
from tiny_denoisers import TINY_DIFFUSION, TINY_DIT

from mmbdg.annotation.pick import diverse
from mmbdg.errors import InputError
from mmbdg.models import InterpreterTraining
from mmbdg.registry import MODELS
from mmbdg.sources import LabelledGenerator
from mmbdg.storage import StoredDataset
from mmbdg.synthesis import synthesize


@pytest.fixture(scope='module')
def labelled_diffusion(tmp_path_factory):
    torch.manual_seed(0)
    generator = build_tiny(TINY_DIFFUSION)
    interpreter = MODELS.build({**generator.interpreter_sizes(), **TINY_INTERPRETER})
    folder = tmp_path_factory.mktemp('diffusion')
    LabelledGenerator.write(
        folder,
        (TINY_DIFFUSION, generator.state_dict()),
        (TINY_INTERPRETER, interpreter.state_dict()),
        classes=TINY_CLASSES,
        folders=TINY_CLASSES,
        truncation=None,
    )
    return folder


def test_a_folder_is_complete(labelled_diffusion):
    """The folder gives labelled samples without a text encoder; a sample is its address in every batch."""
    labelled = LabelledGenerator.load(labelled_diffusion, seed=4)
    image, mask = labelled.sample('square', 2)
    batch = labelled.label([0, 1, 2], [5, 2, 7])
    assert np.abs(batch.images[1].permute(1, 2, 0).numpy().astype(int) - image).max() <= 1
    assert (batch.masks[1].numpy() != mask).mean() < 0.02
    assert torch.equal(labelled.images([0, 1, 2], [5, 2, 7]), batch.images)
    assert batch.uncertainty.shape == (3,) and batch.uncertainty.isfinite().all()


def test_filters_and_files(labelled_diffusion, tiny_classifier, tmp_path):
    plan = plan_of(str(labelled_diffusion), num_per_class=2, candidates=6, batch_size=3, classifier=tiny_classifier, rejection_rate=0.5)
    stored = StoredDataset(synthesize(plan.changed(classes=[1]), tmp_path / 'out', log=lambda line: None))
    assert len(stored.lines) == 2
    labelled = LabelledGenerator.load(labelled_diffusion)
    for line in stored.lines:
        image, _ = labelled.sample(line['class'], int(line['id']))
        assert np.abs(stored.image(line).astype(int) - image).max() <= 1


def test_truncation_is_refused(labelled_diffusion):
    with pytest.raises(InputError, match='truncation is not defined for DiffusionGenerator'):
        LabelledGenerator.load(labelled_diffusion, truncation=0.9)


def test_parts_in_a_card_are_of_a_closed_list(labelled_diffusion, tmp_path):
    import shutil

    folder = tmp_path / 'hostile'
    shutil.copytree(labelled_diffusion, folder)
    card = json.loads((folder / 'labelled_generator.json').read_text())
    for part, kind in (('denoiser', 'os.system'), ('scheduler', 'StableDiffusionPipeline'), ('denoiser', 'DDIMScheduler')):
        changed = card | dict(generator=card['generator'] | {part: dict(card['generator'][part], type=kind)})
        (folder / 'labelled_generator.json').write_text(json.dumps(changed))
        with pytest.raises(InputError, match=rf'names the type .{kind}|there is no type .{kind}'):
            LabelledGenerator.load(folder)
    changed = card | dict(interpreter=card['interpreter'] | dict(member=dict(type='DDIMScheduler')))
    (folder / 'labelled_generator.json').write_text(json.dumps(changed))
    with pytest.raises(InputError, match='names the type .DDIMScheduler'):  # parts are allowed inside their generator only
        LabelledGenerator.load(folder)


def test_samples_to_annotate_are_chosen():
    assert [len(set(chosen)) for chosen in diverse(build_tiny(TINY_DIT), per_class=2, seed=0, candidates=4)] == [2, 2, 2]


@pytest.mark.parametrize('annotated', [False, True])
def test_the_gradient_reaches_the_head_only(annotated):
    model = InterpreterTraining(TINY_DIT, TINY_INTERPRETER)
    generator = model._generator.on('cpu')
    latents = torch.randn(3, (1 + annotated) * generator.latent_dim)
    samples = []
    for i in range(3):
        sample = BaseDataElement()
        sample.set_field(torch.tensor([i]), 'gt_label')
        sample.set_field(PixelData(data=torch.randint(0, 2, (1, 16, 16))), 'gt_sem_seg')
        samples.append(sample)
    model.train()
    model(list(latents), samples, mode='loss')['loss'].backward()
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in generator.parameters())
    assert any(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in model.interpreter.parameters())
