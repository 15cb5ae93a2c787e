import logging
from types import SimpleNamespace

import pytest
import torch
from conftest import TINY_CLASSES, TINY_GENERATOR, TINY_INTERPRETER, build_tiny, with_tables
from mmengine.optim import OptimWrapper

from mmbdg.datasets.annotated_latents import pack
from mmbdg.engine import ExportLabelledGeneratorHook
from mmbdg.errors import InputError
from mmbdg.files import write_safetensors
from mmbdg.interpreter import vote
from mmbdg.models import InterpreterTraining
from mmbdg.sources import LabelledGenerator, latent


@pytest.fixture
def model(tmp_path):
    write_safetensors(tmp_path / 'g.safetensors', build_tiny(TINY_GENERATOR).state_dict())
    generator = dict(TINY_GENERATOR, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'g.safetensors')))
    return InterpreterTraining(generator, TINY_INTERPRETER)


def test_features_are_those_of_the_truncation(tmp_path):
    """Training features use the statistics of the truncation, which must equal that of the annotated images and of the export."""
    generator = with_tables()
    write_safetensors(tmp_path / 'g.safetensors', generator.state_dict())
    config = dict(TINY_GENERATOR, truncation_rows=50, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'g.safetensors')))
    truncation = dict(threshold=0.4, definition='scaled_truncnorm')
    model = InterpreterTraining(config, TINY_INTERPRETER, truncation=truncation)
    z, y = torch.randn(2, 12), torch.tensor([0, 1])
    features, _ = model._features(z, y)
    for chosen, same in ((0.4, True), (None, False)):
        generator.use_statistics(chosen)
        _, expected = generator.forward_features(z, y)
        assert torch.allclose(features[-1], expected[-1], atol=1e-4) == same
    hook = ExportLabelledGeneratorHook(TINY_CLASSES, truncation=0.9)
    with pytest.raises(InputError, match='same definition'):
        hook.before_train(SimpleNamespace(model=model))
    ExportLabelledGeneratorHook(TINY_CLASSES, truncation=truncation).before_train(SimpleNamespace(model=model))
    model.latent_distribution = 'uniform'
    with pytest.raises(InputError, match='truncation=None'):
        hook.before_train(SimpleNamespace(model=model))


def data(model, n):
    items = []
    for i in range(n):
        z = latent(5, i % 3, i, 12)
        brightness = model._generator.on('cpu')(torch.from_numpy(z)[None], torch.tensor([i % 3]))[0].mean(0)
        items.append(pack(z, i % 3, (brightness > brightness.median()).long().numpy()))
    return dict(inputs=[item['inputs'] for item in items], data_samples=[item['data_samples'] for item in items])


def test_generator_is_neither_trained_nor_saved(model):
    assert all(key.startswith('interpreter.') for key in model.state_dict())
    assert all(name.startswith('interpreter.') for name, _ in model.named_parameters())


def test_learns_bright_pixels(model):
    batch = data(model, 12)
    wrapper = OptimWrapper(torch.optim.Adam(model.parameters(), 1e-2))
    losses = [model.train_step(batch, wrapper)['member_mean'].item() for _ in range(150)]
    assert losses[-1] < 0.5 * losses[0]
    model.eval()
    labels = torch.cat([sample.gt_sem_seg.data for sample in batch['data_samples']])
    predicted = torch.cat([sample.pred_sem_seg.data for sample in model(**batch, mode='predict')])
    assert (predicted == labels).float().mean() > 0.8  # on all twelve images, each member trained on four; chance level is 0.5


def test_predict_is_the_vote(model):
    batch = data(model, 3)
    model.eval()
    logits = model(**batch, mode='tensor')
    assert logits.shape == (3, 3, 1, 16, 16)
    predicted = torch.cat([sample.pred_sem_seg.data for sample in model(**batch, mode='predict')])
    assert torch.equal(predicted, vote(logits))


def test_written_artefact_gives_the_same_labels(model, tmp_path):
    model.eval()
    LabelledGenerator.write(
        tmp_path / 'lg',
        (model.generator_config, model.generator_state),
        (model.interpreter_config, model.interpreter.state_dict()),
        classes=TINY_CLASSES,
        folders=TINY_CLASSES,
        truncation=None,
        seed=5,
    )
    batch = data(model, 3)
    predicted = torch.cat([sample.pred_sem_seg.data for sample in model(**batch, mode='predict')])
    assert torch.equal(LabelledGenerator.load(tmp_path / 'lg').label([0, 1, 2], [0, 1, 2]).masks, predicted)


def as_runner(model, folder, classes):
    """What the export hook reads from a runner after training."""
    checkpoint = folder / 'iter_1.pth'
    torch.save(dict(state_dict=model.state_dict()), checkpoint)
    return SimpleNamespace(
        rank=0,
        model=model,
        work_dir=folder,
        logger=logging.getLogger(),
        message_hub=SimpleNamespace(runtime_info=dict(last_ckpt=str(checkpoint))),
        train_dataloader=SimpleNamespace(dataset=SimpleNamespace(metainfo=dict(classes=classes))),
    )


@pytest.mark.parametrize(('num_outputs', 'classes', 'labels'), [
    (1, ('background', 'angular', 'round'), ('background', 'foreground')),
    (3, ('background', 'angular', 'round'), ('background', 'angular', 'round')),
])  # fmt: skip
def test_export_names_the_labels_of_the_head(tmp_path, num_outputs, classes, labels):
    write_safetensors(tmp_path / 'g.safetensors', build_tiny(TINY_GENERATOR).state_dict())
    generator = dict(TINY_GENERATOR, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'g.safetensors')))
    model = InterpreterTraining(generator, dict(TINY_INTERPRETER, member=dict(TINY_INTERPRETER['member'], num_outputs=num_outputs)))
    ExportLabelledGeneratorHook(TINY_CLASSES).after_train(as_runner(model, tmp_path, classes))
    exported = LabelledGenerator.load(tmp_path / 'labelled_generator')
    assert exported.labels == labels and exported.classes == exported.folders == TINY_CLASSES
    predicted = model.eval()(**data(model, 1), mode='predict')[0]
    assert predicted.num_outputs == num_outputs  # LabellerIoU reads it


def test_export_of_imagenet_classes():
    card = ExportLabelledGeneratorHook('in1k').card
    assert len(card['classes']) == len(card['folders']) == 1000
    assert (card['classes'][0], card['folders'][0], card['folders'][999]) == ('tench', 'n01440764', 'n15075141')
    card = ExportLabelledGeneratorHook(['A b', 'c'], folders=['x', 'y']).card
    assert card['classes'] == ['A b', 'c'] and card['folders'] == ['x', 'y']
    assert ExportLabelledGeneratorHook(['A b', 'c']).card['folders'] == ['a-b', 'c']
    with pytest.raises(InputError, match='"in1k", or .*; got "in22k"'):
        ExportLabelledGeneratorHook('in22k')


def test_features_do_not_take_part_in_mixed_precision(model):
    z, y = torch.randn(2, 12), torch.tensor([0, 1])
    expected, _ = model._features(z, y)
    with torch.autocast('cpu', torch.bfloat16):
        found, _ = model._features(z, y)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_the_loss_is_the_sum_over_the_members(model):
    """The loss is the sum over the members, so a member's gradient does not depend on their number."""
    losses = model.eval()(**data(model, 6), mode='loss')
    torch.testing.assert_close(losses['loss'], 3 * losses['member_mean'])


def test_ignore_goes_with_the_labels(model):
    many = InterpreterTraining(model.generator_config, dict(TINY_INTERPRETER, member=dict(TINY_INTERPRETER['member'], num_outputs=300)))
    assert (model.ignore, many.ignore) == (255, 65535)


def test_random_pixels_are_for_pixel_networks(model):
    with pytest.raises(InputError, match='PixelMLP'):
        InterpreterTraining(model.generator_config, TINY_INTERPRETER, pixels_per_image=5)


def test_pixel_networks_learn_on_random_pixels(model):
    interpreter = dict(TINY_INTERPRETER, member=dict(type='mmbdg.PixelMLP', num_outputs=1))
    model = InterpreterTraining(model.generator_config, interpreter, pixels_per_image=40)
    batch = data(model, 12)
    wrapper = OptimWrapper(torch.optim.Adam(model.parameters(), 1e-2))
    losses = [model.train_step(batch, wrapper)['member_mean'].item() for _ in range(60)]
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])
