import logging
from types import SimpleNamespace

import pytest
import torch
from conftest import TINY_GENERATOR
from mmengine.optim import OptimWrapperDict
from mmengine.structures import BaseDataElement

from mmbdg.engine import GANOptimWrapperConstructor, GeneratedSamplesHook
from mmbdg.generators import largest_singular_values
from mmbdg.models import ConditionalGAN
from mmbdg.models.projection_discriminator import hinge_discriminator, hinge_generator

DISCRIMINATOR = dict(
    type='mmbdg.ProjectionDiscriminator',
    resolution=16,
    num_classes=3,
    base_channels=8,
    channel_multipliers=(1, 2),
    downsample=(True, False),
)
ADAM = dict(optimizer=dict(type='Adam', lr=1e-2, betas=(0.0, 0.999)))


def batch(n=8):
    samples = []
    for i in range(n):
        sample = BaseDataElement(metainfo=dict(sample_idx=i))
        sample.set_field(torch.tensor([i % 3]), 'gt_label')
        samples.append(sample)
    return dict(inputs=list(torch.randint(0, 256, (n, 3, 16, 16), dtype=torch.uint8)), data_samples=samples)


@pytest.fixture
def gan():
    model = ConditionalGAN(
        TINY_GENERATOR,
        DISCRIMINATOR,
        discriminator_steps=2,
        ema_momentum=0.1,
        augment=('translation', 'cutout'),
        data_preprocessor=dict(type='ImgDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3),
    )
    model.init_weights()
    return model


@pytest.fixture
def wrappers(gan) -> OptimWrapperDict:
    return GANOptimWrapperConstructor(dict(generator=ADAM, discriminator=ADAM))(gan)


def test_hinge_by_hand():
    real, fake = torch.tensor([2.0, 0.5]), torch.tensor([-2.0, 0.5])
    assert hinge_discriminator(real, fake) == pytest.approx(0.25 + 0.75)
    assert hinge_generator(fake) == pytest.approx(0.75)


def test_who_is_trained_when(gan, wrappers):
    def state(module):
        return torch.cat([p.detach().flatten() for p in module.parameters()]).clone()

    g, d = state(gan.generator), state(gan.discriminator)
    first = gan.train_step(batch(), wrappers)
    assert set(first) == {'loss_discriminator'}
    assert torch.equal(state(gan.generator), g) and not torch.equal(state(gan.discriminator), d)
    d = state(gan.discriminator)
    second = gan.train_step(batch(), wrappers)
    assert set(second) == {'loss_discriminator', 'loss_generator'}
    assert not torch.equal(state(gan.generator), g)
    assert torch.equal(state(gan.generator_ema.module), state(gan.generator))  # the average starts with the first step
    average = state(gan.generator)
    gan.train_step(batch(), wrappers), gan.train_step(batch(), wrappers)
    torch.testing.assert_close(state(gan.generator_ema.module), average.lerp(state(gan.generator), 0.1))


def test_sigma_and_statistics_of_the_average(gan, wrappers):
    """After refresh_average() the averaged generator has sigma 1 and the batch statistics of its own layers' inputs."""
    for _ in range(40):
        gan.train_step(batch(), wrappers)
    generator = gan.generator_ema.module
    assert (largest_singular_values(generator) - 1).abs().max() > 0.02  # averaging changes sigma
    gan.refresh_average([i % 3 for i in range(256)], batch_size=64)
    assert (largest_singular_values(generator) - 1).abs().max() < 5e-3
    norm = generator.output_layer[0]
    seen = []
    norm.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    generator.train()
    from mmbdg.sources import latents

    with torch.no_grad():
        momentum, norm.momentum = norm.momentum, 0.0
        for start in range(0, 256, 64):
            ids = [i % 3 for i in range(start, start + 64)]
            generator(latents(0, ids, range(start, start + 64), 12), torch.tensor(ids))
        norm.momentum = momentum
    means = torch.stack([x.mean((0, 2, 3)) for x in seen])
    torch.testing.assert_close(norm.running_mean, means.mean(0), atol=2e-3, rtol=1e-2)


def test_predict_answers_each_real_image(gan):
    gan.eval()
    data = gan.data_preprocessor(batch(4), False)
    samples = gan(**data, mode='predict')
    for sample, image in zip(samples, batch(4)['inputs'], strict=True):
        assert sample.real.shape == sample.generated.shape == image.shape and sample.generated.dtype == torch.uint8
    again = gan(**gan.data_preprocessor(batch(4), False), mode='predict')
    assert torch.equal(samples[2].generated, again[2].generated)  # the image depends on its address only


def test_real_images_survive_the_preprocessor(gan):
    data = batch(4)
    raw = torch.stack(data['inputs'])
    samples = gan(**gan.data_preprocessor(data, False), mode='predict')
    assert torch.equal(torch.stack([sample.real for sample in samples]), raw)


def test_optimisers_are_named():
    with pytest.raises(ValueError, match='generator'):
        GANOptimWrapperConstructor(dict(generator=ADAM))


def test_a_look_at_samples_does_not_change_the_training(gan, wrappers, tmp_path, monkeypatch):
    """Sample images are written after two minutes and then at doubling times, until validations show the progress.

    Writing them does not change the training.
    """
    for _ in range(4):
        gan.train_step(batch(), wrappers)
    now, hook = [0.0], GeneratedSamplesHook(per_class=2, num_samples=6)
    # Only the hook's clock: with the process's clock standing still, a wait with a timeout elsewhere would never end.
    monkeypatch.setattr('mmbdg.engine.hooks.gan_hooks.time', SimpleNamespace(monotonic=lambda: now[0]))
    runner = SimpleNamespace(rank=0, iter=0, model=gan, work_dir=tmp_path, logger=logging.getLogger())
    hook.before_train(runner)
    before, random = {key: value.clone() for key, value in gan.state_dict().items()}, torch.get_rng_state()
    for runner.iter, now[0] in enumerate([60, 119, 121, 200, 241, 300, 485]):
        hook.after_train_iter(runner, runner.iter)
    assert [path.name for path in sorted((tmp_path / 'samples').iterdir())] == [f'iter_{i:06d}.png' for i in (2, 4, 6)]
    assert gan.generator_ema.module.training == gan.training and torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, before[key]) for key, value in gan.state_dict().items())
    hook.after_val_epoch(runner)
    runner.iter, now[0] = 7, 10_000.0
    hook.after_train_iter(runner, 7)
    assert len(list((tmp_path / 'samples').iterdir())) == 3
