"""Training of a diffusion transformer: its loss, empty labels, addressed samples, and the exported pipeline."""

import numpy as np
import pytest
import torch
from diffusers import DiTPipeline
from test_diffusion_training import alphas_by_hand
from tiny_diffusion import TINY_TRANSFORMER, labelled_samples, tiny_autoencoder, tiny_class_diffusion

from mmbdg.addressed import torch_generator_at
from mmbdg.errors import InputError
from mmbdg.models.class_diffusion_training import NULL_CLASS
from mmbdg.sources import DiffusionSource


@pytest.fixture(scope='module')
def autoencoder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('diffusion') / 'vae'
    tiny_autoencoder(folder)
    return folder


@pytest.fixture(scope='module')
def model(autoencoder):
    return tiny_class_diffusion(autoencoder)


@pytest.fixture(scope='module')
def trained(autoencoder):
    """Random modulations, so that the output depends on class, step and latents."""
    model = tiny_class_diffusion(autoencoder)
    for parameter in model.transformer.parameters():
        parameter.data.add_(0.2 * torch.randn_like(parameter))
    return model


def test_loss_by_hand(trained, monkeypatch):
    """The same random numbers in the same order: empty label, noise, noise level."""
    monkeypatch.setattr(trained, 'empty_label', 0.5)
    images, y = torch.rand(6, 3, 16, 16) * 2 - 1, torch.tensor([0, 1, 2, 2, 1, 0])
    trained.train()
    torch.manual_seed(5)
    loss = trained.loss(images, y)['loss_diffusion']
    torch.manual_seed(5)
    empty, noise = torch.rand(6) < 0.5, torch.randn(6, 2, 8, 8)
    t = torch.randint(1000, (6,))
    assert empty.any() and not empty.all()
    with torch.no_grad():
        x = trained.autoencoder.encoder(images) * 2  # the scale of a variance of 0.25
        alpha = torch.from_numpy(alphas_by_hand()).float()[t][:, None, None, None]
        predicted = trained.transformer.eval()(alpha.sqrt() * x + (1 - alpha).sqrt() * noise, t, torch.where(empty, 1000, y)).sample
    target = alpha.sqrt() * noise - (1 - alpha).sqrt() * x
    torch.testing.assert_close(loss, (predicted - target).square().mean(), rtol=1e-4, atol=1e-5)


def test_start(model):
    """At the start a block changes nothing and the output is zero (adaLN-Zero), whatever the label."""
    x, t, y = torch.randn(2, 2, 8, 8), torch.tensor([5, 900]), torch.tensor([0, NULL_CLASS])
    assert not model.transformer(x, t, y).sample.any()
    tokens = torch.randn(2, 16, 8)
    assert torch.equal(model.transformer.transformer_blocks[0](tokens, timestep=t, class_labels=y), tokens)


def test_what_is_trained(trained):
    """Rows of the labels that occur and of the empty one; no label is dropped by diffusers in one block but not in another."""
    trained.train()
    trained.zero_grad()
    assert trained.transformer.training and not trained.autoencoder.training
    x, t, y = torch.randn(64, 2, 8, 8), torch.full((64,), 10), torch.zeros(64, dtype=torch.int64)
    outputs = trained.transformer(x[:1].expand(64, -1, -1, -1), t, y).sample
    torch.testing.assert_close(outputs, outputs[:1].expand_as(outputs))
    torch.manual_seed(0)
    trained.loss(torch.rand(32, 3, 16, 16), torch.tensor([0, 2] * 16))['loss_diffusion'].backward()
    assert all(p.grad is None for p in trained.autoencoder.parameters())
    for block in trained.transformer.transformer_blocks:
        rows = block.norm1.emb.class_embedder.embedding_table.weight.grad.abs().sum(1).nonzero().flatten()
        assert rows.tolist() == [0, 2, NULL_CLASS]


def test_predict(trained):
    """The image of an address does not depend on the batch; the real image is returned unchanged."""
    trained.eval()
    raw = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8)
    data = dict(inputs=list(raw), data_samples=labelled_samples([0, 2, 1], [4, 5, 6]))
    answers = trained(**trained.data_preprocessor(data, False), mode='predict')
    assert torch.equal(torch.stack([answer.real for answer in answers]), raw)
    alone = trained.images([2], [5])
    assert alone.shape == (1, 3, 16, 16) and (answers[1].generated.int() - alone[0].int()).abs().max() <= 1
    assert not torch.equal(answers[0].generated, answers[1].generated)


def test_the_exported_pipeline(trained, tmp_path):
    """Diffusers loads the export without mmbdg; its image of an address is ours and that of ``mmbdg.DiffusionSource``."""
    trained.eval().save_pretrained(tmp_path / 'made')
    files = {path.name for path in (tmp_path / 'made').rglob('*') if path.is_file()}
    assert {path.rpartition('.')[2] for path in files} == {'json', 'safetensors'}, files
    pipeline = DiTPipeline.from_pretrained(tmp_path / 'made', local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    assert pipeline.labels == dict(disc=0, ring=2, square=1)
    call = dict(num_inference_steps=2, guidance_scale=2.0, output_type='np')
    image = pipeline(pipeline.get_label_ids(['ring']), generator=torch_generator_at(0, 2, 3), **call).images[0]
    ours = trained.images([2], [3])[0]
    assert np.array_equal((image * 255).round().astype(np.uint8), ours.permute(1, 2, 0).numpy())
    classes = [dict(id=name, name=name) for name in ('ring', 'disc')]
    source = DiffusionSource(str(tmp_path / 'made'), classes, steps=2, guidance=2.0, label_ids=dict(disc=0, ring=2), seed=0)
    by_source = pipeline([2], generator=torch_generator_at(0, 0, 3), **call).images[0]  # the address has the id of the source's class
    drawn = source.draw(0, [3])
    assert np.array_equal((by_source * 255).round().astype(np.uint8), drawn.images[0].permute(1, 2, 0).numpy())
    assert drawn.records == [dict(label_id=2, steps=2, guidance=2.0)]


def test_half_the_size(trained, tmp_path, monkeypatch):
    """Rounded numbers in the file; the training keeps its own."""
    monkeypatch.setattr(trained, 'export_precision', 'float16')
    trained.save_pretrained(tmp_path)
    stored = DiTPipeline.from_pretrained(tmp_path, local_files_only=True, torch_dtype=torch.float32).transformer.state_dict()
    own = trained.transformer.state_dict()
    assert all(torch.equal(stored[name], own[name].half().float()) for name in own)
    assert any(not torch.equal(stored[name], own[name]) for name in own)
    file = tmp_path / 'transformer' / 'diffusion_pytorch_model.safetensors'
    assert file.stat().st_size < 2.2 * sum(p.numel() for p in trained.transformer.parameters()) + 10_000


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(transformer=TINY_TRANSFORMER | dict(type='DiT')), "model.transformer: there is no type 'DiT'"),
        (dict(transformer=TINY_TRANSFORMER | dict(layers=3)), 'model.transformer: DiTTransformer2DModel takes no "layers"'),
        (dict(transformer=TINY_TRANSFORMER | dict(in_channels=4)), 'the autoencoder has 2 latent channels'),
        (dict(transformer=TINY_TRANSFORMER | dict(out_channels=4)), 'the autoencoder has 2 latent channels'),
        (dict(transformer=TINY_TRANSFORMER | dict(num_embeds_ada_norm=3)), 'num_embeds_ada_norm must be 1000.* got 3'),
        (dict(classes=[str(i) for i in range(1001)]), 'at most 1000 classes, got 1001'),
        (dict(empty_label=1.0), r'model.empty_label lies in \[0,1\), got 1.0'),
        (dict(export_precision='int8'), "model.export_precision is one of float32, float16, got 'int8'"),
        (dict(timesteps='often'), 'model.timesteps is "uniform" or "logit_normal"'),
    ],
)
def test_what_does_not_fit(change, message, autoencoder):
    with pytest.raises(InputError, match=message):
        tiny_class_diffusion(**dict(autoencoder=autoencoder) | change)


def test_images_of_another_size(model):
    with pytest.raises(InputError, match='model.transformer.sample_size is 8, but the latents of these images have 16 x 16'):
        model.loss(torch.zeros(1, 3, 32, 32), torch.tensor([0]))
    with pytest.raises(InputError, match='the latents of these images have 16 x 16'):
        model.images([0], [0], (32, 32))
