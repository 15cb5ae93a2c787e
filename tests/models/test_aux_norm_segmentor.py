"""AuxNormSegmentor and the auxiliary norms of joint pre-training against models with one kind of norms."""

import copy

import pytest
import torch
from conftest import ROOT
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from tiny_methods import SGD, joint, train
from tiny_methods import batch as joint_batch
from torch import nn

from mmbdg.datasets import MarkSynthetic
from mmbdg.errors import InputError
from mmbdg.registry import MODELS

WIDTHS = [8, 16, 32, 64]


def built(kind: str = 'mmbdg.AuxNormSegmentor', **model) -> nn.Module:
    config = Config.fromfile(ROOT / 'configs/_base_/models/fpn_r18_64px.py').model
    config.backbone.update(base_channels=8, stem_channels=8)
    config.neck.update(in_channels=WIDTHS, out_channels=8)
    config.decode_head.update(in_channels=[8] * 4, channels=8, dropout_ratio=0.0)
    torch.manual_seed(0)
    made = MODELS.build(config | dict(type=kind) | model)
    if getattr(made, 'aux_norm', None) is not None:
        with torch.no_grad():
            for layer in (made.aux_norm.get_submodule(name) for name in made.aux_norm.names):
                layer.weight += 0.1 * torch.randn_like(layer.weight)
    return made.train()


def batch(flags: str) -> dict:
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (len(flags), 3, 64, 64), dtype=torch.uint8, generator=generator)
    samples = []
    for flag in flags:
        sample = SegDataSample(metainfo=dict(img_shape=(64, 64), ori_shape=(64, 64)))
        sample.gt_sem_seg = PixelData(data=torch.randint(0, 11, (1, 64, 64), generator=generator))
        samples.append(MarkSynthetic()(dict(data_samples=sample))['data_samples'] if flag == 's' else sample)
    return dict(inputs=list(images), data_samples=samples)


def chosen(data: dict, flags: str, flag: str) -> dict:
    return {key: [one for one, own in zip(values, flags, strict=True) if own == flag] for key, values in data.items()}


def losses_of(model: nn.Module, data: dict) -> dict[str, torch.Tensor]:
    return model(**model.data_preprocessor(copy.deepcopy(data), True), mode='loss')


def test_losses_and_statistics_of_two_segmentors():
    """Backbone, neck and head have auxiliary norms: each domain has the losses and statistics of a segmentor of its own."""
    flags, model = 'srrsss', built(synthetic_loss_weight=0.5)
    main, aux = (built('mmseg.EncoderDecoder') for _ in range(2))
    weights, plain = model.state_dict(), main.state_dict().keys()
    norms = {f'aux_norm.{key}' for key in plain if '.bn' in key or 'downsample.1' in key}
    assert weights.keys() - plain == norms and any('decode_head' in key for key in norms)
    main.load_state_dict({key: weights[key] for key in plain})
    aux.load_state_dict({key: weights.get(f'aux_norm.{key}', weights[key]) for key in plain})
    found = losses_of(model, batch(flags))
    real, synthetic = (losses_of(alone, chosen(batch(flags), flags, flag)) for alone, flag in ((main, 'r'), (aux, 's')))
    assert found.keys() == {f'{domain}.{key}' for domain in ('real', 'synthetic') for key in ('decode.loss_ce', 'decode.acc_seg')}
    torch.testing.assert_close(found['real.decode.loss_ce'], real['decode.loss_ce'])
    torch.testing.assert_close(found['synthetic.decode.loss_ce'], 0.5 * synthetic['decode.loss_ce'])
    torch.testing.assert_close(found['synthetic.decode.acc_seg'], synthetic['decode.acc_seg'])
    for name, buffer in model.named_buffers():
        if not name.startswith('data_preprocessor'):
            alone = aux if name.startswith('aux_norm.') else main
            torch.testing.assert_close(buffer, alone.get_buffer(name.removeprefix('aux_norm.')))
    model.parse_losses(found)[0].backward()
    assert all(parameter.grad is not None for parameter in model.parameters() if parameter.requires_grad)

    model.eval()
    main.eval()
    ready = model.data_preprocessor(batch('ss'), False)
    predicted = [one(**copy.deepcopy(ready), mode='predict')[1].seg_logits.data for one in (model, main)]
    assert torch.equal(*predicted)


def test_without_auxiliary_norms_it_is_mmsegs():
    plain, model = built('mmseg.EncoderDecoder'), built(aux_norm=None)
    assert plain.state_dict().keys() == model.state_dict().keys()
    found, expected = losses_of(model, batch('rrr')), losses_of(plain, batch('rrr'))  # marks are not needed
    assert found.keys() == expected.keys() and all(torch.equal(found[key], expected[key]) for key in found)
    ready = model.data_preprocessor(batch('rss'), True)
    parts = [{name: ready[key][rows] for name, rows in (('real', slice(1)), ('synthetic', slice(1, 3)))} for key in ready]
    assert torch.equal(model.loss(*parts)['decode.loss_ce'], model.loss(**ready)['decode.loss_ce'])
    with pytest.raises(InputError, match='synthetic_loss_weight=2 has no effect with aux_norm=None'):
        built(aux_norm=None, synthetic_loss_weight=2)


def test_marks_come_after_packing():
    with pytest.raises(InputError, match='MarkSynthetic marks data samples: place it after PackInputs'):
        MarkSynthetic()(dict(img=None))


def test_joint_pretraining_keeps_the_statistics_of_real_images():
    """aux_norm of a joint model: segmentation has its own batch norms, and the losses are those of a backbone with these as its only ones.

    The model without the key has the same keys and losses as before; the golden tests compare the values.
    """
    plain, model = joint(), joint(aux_norm='BN')
    norms = {key for key in plain.backbone.state_dict() if 'bn' in key or 'downsample.1' in key}
    assert model.state_dict().keys() - plain.state_dict().keys() == {f'aux_norm.backbone.{key}' for key in norms}
    wrapper = build_optim_wrapper(model, dict(optimizer=dict(SGD)))
    losses = train(model, wrapper, range(1))[0]
    expected = train(plain, build_optim_wrapper(plain, dict(optimizer=dict(SGD))), range(1))[0]
    assert losses == expected  # the auxiliary norms started as copies
    assert plain.backbone.bn1.num_batches_tracked == 2  # self-supervision and segmentation
    assert model.backbone.bn1.num_batches_tracked == model.aux_norm.get_submodule('backbone.bn1').num_batches_tracked == 1
    assert not torch.equal(model.backbone.bn1.running_mean, model.aux_norm.get_submodule('backbone.bn1').running_mean)

    reference = joint()
    weights = model.state_dict()
    reference.load_state_dict({key: weights.get(f'aux_norm.{key}', weights[key]) for key in reference.state_dict()})
    ready = model.data_preprocessor(joint_batch(5), True)
    seg = dict(inputs=ready['inputs']['seg'], data_samples=ready['data_samples']['seg'])
    assert torch.equal(model.seg_loss(**seg)['seg.loss_ce'], reference.seg_loss(**seg)['seg.loss_ce'])
    assert not torch.equal(model.backbone.bn1.weight, model.aux_norm.get_submodule('backbone.bn1').weight)


def test_joint_pretraining_with_recomputed_activations():
    models = [joint(aux_norm='BN', activation_checkpointing=value) for value in (False, True)]
    losses = [train(model, build_optim_wrapper(model, dict(optimizer=dict(SGD))), range(1)) for model in models]
    assert losses[0] == losses[1]
    assert all(torch.equal(value, models[0].state_dict()[key]) for key, value in models[1].state_dict().items())
