"""Training of a VQGAN: losses of both stages by hand, what is trained, addressed samples, weights between the stages."""

import numpy as np
import pytest
import torch
from conftest import TINY_DCGAN, TINY_VQGAN
from mmengine.structures import BaseDataElement
from tiny_diffusion import labelled_samples
from torch.nn import functional as F

from mmbdg.addressed import generator_at
from mmbdg.errors import InputError
from mmbdg.files import write_safetensors
from mmbdg.generators import to_pixels
from mmbdg.models import VQGANAutoencoderTraining, VQGANTransformerTraining

SMALL = TINY_VQGAN | dict(ch=8, norm_groups=4, attn_resolutions=(), n_layer=2, code_dim=4, z_channels=8, n_embed=16)
PREPROCESSOR = dict(type='mmengine.ImgDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3)
NAMES = ('disc', 'square', 'ring')


def pictures(count: int) -> torch.Tensor:
    torch.manual_seed(3)
    return torch.rand(count, 3, 32, 32) * 2 - 1


@pytest.fixture
def first():
    torch.manual_seed(0)
    return VQGANAutoencoderTraining(SMALL, commitment=0.5, codebook=dict(decay=0.8), data_preprocessor=PREPROCESSOR).train()


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    torch.manual_seed(1)
    model = VQGANAutoencoderTraining(SMALL).train()
    model.loss(pictures(4))  # codes that are vectors of images
    path = tmp_path_factory.mktemp('vqgan') / 'autoencoder.safetensors'
    write_safetensors(path, model.autoencoder.state_dict())
    return path


@pytest.fixture(scope='module')
def second(weights):
    torch.manual_seed(0)
    model = VQGANTransformerTraining(SMALL, str(weights), NAMES, data_preprocessor=PREPROCESSOR)
    model.init_weights()
    return model


def test_loss_of_the_autoencoder(first):
    images, net = pictures(3), first.autoencoder
    first.loss(images)  # the first batch sets the codes
    before = net.quantize.embedding.weight.clone()
    losses = first.loss(images)
    with torch.no_grad():
        vectors = net.quant_conv(net.encoder(images))
        flat = vectors.permute(0, 2, 3, 1).reshape(-1, 4)
        tokens = torch.cdist(flat, before).argmin(1)
        codes = before[tokens].view(3, 8, 8, 4).permute(0, 3, 1, 2)
        decoded = net.decoder(net.post_quant_conv(codes))
    torch.testing.assert_close(losses['loss_reconstruction'], (decoded - images).square().mean(), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(losses['loss_commitment'], 0.5 * (vectors - codes).square().mean(), rtol=1e-4, atol=1e-6)
    assert losses['codes_used'] == len(set(tokens.tolist())) > 1
    most = tokens.bincount().argmax()
    share = first.codebook.sums[most] / first.codebook.counts[most]
    torch.testing.assert_close(net.quantize.embedding.weight[most], share)
    assert not torch.equal(net.quantize.embedding.weight[most], before[most])


def test_what_the_first_stage_trains(first):
    losses = first.loss(pictures(2))
    (losses['loss_reconstruction'] + losses['loss_commitment']).backward()
    own = dict(first.autoencoder.named_parameters())
    assert [name for name, p in own.items() if p.grad is None] == ['quantize.embedding.weight']
    assert all(own[f'{part}.conv_in.weight'].grad.abs().sum() > 0 for part in ('encoder', 'decoder'))
    # Outside of a training step no code moves.
    codes = first.autoencoder.quantize.embedding.weight.clone()
    first.eval().loss(pictures(4))
    assert torch.equal(first.autoencoder.quantize.embedding.weight, codes)


def test_reconstructions(first):
    first.loss(pictures(4))
    first.eval()
    raw = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    data = dict(inputs=list(raw), data_samples=[BaseDataElement(), BaseDataElement()])
    answers = first(**first.data_preprocessor(data, False), mode='predict')
    assert torch.equal(torch.stack([answer.real for answer in answers]), raw)
    tokens = torch.stack([answer.tokens for answer in answers])
    assert tokens.shape == (2, 64) and tokens.dtype == torch.int64
    expected = to_pixels(first.autoencoder.decode(tokens))
    assert torch.equal(torch.stack([answer.generated for answer in answers]), expected)


def test_grey_stays_grey():
    torch.manual_seed(0)
    model = VQGANAutoencoderTraining(SMALL, grey=True).train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.005)
    images = pictures(2)[:, :1].expand(-1, 3, -1, -1)
    for _ in range(3):
        optimizer.zero_grad()
        sum(value for name, value in model.loss(images).items() if 'loss' in name).backward()
        optimizer.step()
    made = model(images)
    torch.testing.assert_close(made, made[:, :1].expand_as(made), rtol=0, atol=1e-6)


def test_loss_of_the_transformer(second):
    """Cross-entropy of each token given the class and the tokens before it, against one sequence at a time."""
    images, y = pictures(2), torch.tensor([2, 0])
    losses = second.loss(images, y)
    tokens = second.generator.encode(images)
    terms, right = [], []
    for n in range(2):
        for position in (0, 1, 40, 63):
            sequence = torch.cat([y[n, None], tokens[n, :position]])[None]
            with torch.no_grad():
                logits = second.generator.transformer(sequence)[0, -1].double()
            terms.append((torch.logsumexp(logits, 0) - logits[tokens[n, position]]).item())
            right.append(logits.argmax().item() == tokens[n, position].item())
    with torch.no_grad():
        whole = second.generator.transformer(torch.cat([y[:, None], tokens[:, :-1]], 1))
        each = F.cross_entropy(whole.flatten(0, 1), tokens.flatten(), reduction='none').view(2, 64)
    np.testing.assert_allclose(each[:, [0, 1, 40, 63]].flatten().tolist(), terms, rtol=1e-4)
    torch.testing.assert_close(losses['loss_tokens'], each.mean(), rtol=1e-5, atol=1e-6)
    assert losses['right_tokens'].item() == pytest.approx((whole.argmax(2) == tokens).float().mean().item())
    assert not losses['right_tokens'].requires_grad


def test_corrupted_tokens(second, monkeypatch):
    """Half of the tokens before are replaced; the predicted ones are those of the image."""
    monkeypatch.setattr(second, 'corrupted', 0.5)
    images, y = pictures(2), torch.tensor([2, 0])
    torch.manual_seed(4)
    loss = second.loss(images, y)['loss_tokens']
    torch.manual_seed(4)
    tokens = second.generator.encode(images)
    random = torch.randint(16, (2, 63))
    before = torch.where(torch.rand(2, 63) < 0.5, random, tokens[:, :-1])
    assert 20 < (before != tokens[:, :-1]).sum() < 100
    logits = second.generator.transformer(torch.cat([y[:, None], before], 1))
    torch.testing.assert_close(loss, F.cross_entropy(logits.flatten(0, 1), tokens.flatten()), rtol=1e-5, atol=1e-6)


def test_what_the_second_stage_trains(second):
    second.train()
    second.zero_grad()
    second.loss(pictures(2), torch.tensor([0, 1]))['loss_tokens'].backward()
    assert all(p.grad is None for p in second.generator.first_stage_model.parameters())
    assert all(p.grad is not None for p in second.generator.transformer.parameters())


def test_samples(second):
    """The image of an address is that of its uniform numbers."""
    second.eval()
    data = dict(inputs=list(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)), data_samples=labelled_samples((1, 2), (4, 7)))
    answers = second(**second.data_preprocessor(data, False), mode='predict')
    z = torch.from_numpy(generator_at(0, 2, 7).random(64, dtype=np.float32))[None]
    expected = to_pixels(second.generator(z, torch.tensor([2])))
    assert (answers[1].generated.int() - expected[0].int()).abs().max() <= 1
    assert not answers[1].real.any()


def test_weights_of_either_stage(second, weights, tmp_path):
    """The second stage takes the file of the first, or of a whole VQGAN."""
    write_safetensors(tmp_path / 'generator.safetensors', second.generator.state_dict())
    again = VQGANTransformerTraining(SMALL, str(tmp_path / 'generator.safetensors'), NAMES)
    again.init_weights()
    own, other = (model.generator.first_stage_model.state_dict() for model in (second, again))
    assert all(torch.equal(own[name], other[name]) for name in own)
    with pytest.raises(InputError, match=r'quantize.embedding.weight'):
        VQGANTransformerTraining(SMALL | dict(n_embed=8), str(weights), NAMES).init_weights()
    with pytest.raises(InputError, match='nowhere.safetensors'):
        VQGANTransformerTraining(SMALL, 'nowhere.safetensors', NAMES).init_weights()


@pytest.mark.parametrize(
    ('build', 'message'),
    [
        (lambda path: VQGANAutoencoderTraining(TINY_DCGAN), 'model.generator must be a mmbdg.VQGAN, got DCGAN'),
        (lambda path: VQGANAutoencoderTraining(SMALL, commitment=-1), 'model.commitment is a number of at least 0, got -1'),
        (lambda path: VQGANTransformerTraining(SMALL, path, ('a', 'b')), 'num_classes is 3, but there are 2 classes'),
        (lambda path: VQGANTransformerTraining(SMALL, path, NAMES, corrupted=1), r'model.corrupted lies in \[0,1\), got 1'),
    ],
)
def test_what_does_not_fit(build, message, weights):
    with pytest.raises(InputError, match=message):
        build(str(weights))
