"""AuxNormClassifier against split batch norms, two separate runs, and itself in other settings."""

import copy
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from mmengine.model import MMDistributedDataParallel, revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.runner.checkpoint import load_state_dict
from mmpretrain.structures import DataSample
from timm.layers import convert_splitbn_model
from torch import Tensor, nn

from mmbdg.errors import InputError
from mmbdg.models import AuxNorm, AuxNormClassifier
from mmbdg.registry import MODELS

CLASSES = 5
RESNET = dict(
    type='mmpretrain.ResNet', depth=18, base_channels=4, stem_channels=4, num_stages=2, strides=(1, 2), dilations=(1, 1), out_indices=(1,)
)
VIT = dict(
    type='mmpretrain.VisionTransformer',
    arch=dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=32),
    img_size=16,
    patch_size=8,
)
PIXELS = dict(type='mmpretrain.ClsDataPreprocessor', num_classes=CLASSES, mean=[127.5] * 3, std=[63.0] * 3)


@pytest.fixture(autouse=True)
def _mmpretrain():
    """Parts without a scope are those of mmpretrain; other tests may have left another scope."""
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        yield


def built(backbone: dict = RESNET, seed: int = 0, kind: str = 'mmbdg.AuxNormClassifier', **model) -> nn.Module:
    vit = 'Vision' in backbone['type']
    head = dict(type='VisionTransformerClsHead' if vit else 'LinearClsHead', in_channels=16 if vit else 8, num_classes=CLASSES)
    neck = None if vit else dict(type='mmpretrain.GlobalAveragePooling')
    torch.manual_seed(seed)
    made = MODELS.build(
        dict(type=kind, backbone=backbone, neck=neck, head=dict(head, type=f'mmpretrain.{head["type"]}'))
        | dict(data_preprocessor=dict(PIXELS))  # mmpretrain adds a key to it
        | model
    )
    if isinstance(made, AuxNormClassifier) and made.aux_norm is not None:
        with torch.no_grad():  # a trained model, in which the two kinds differ
            for layer in (made.aux_norm.get_submodule(name) for name in made.aux_norm.names):
                layer.weight += 0.1 * torch.randn_like(layer.weight)
    return made.train()


def batch(flags: str, seed: int = 0, size: int = 16) -> dict:
    """A batch in the loader's format; "r" and "s" in ``flags`` are a real and a synthetic image."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (len(flags), 3, size, size), dtype=torch.uint8, generator=generator)
    samples = [DataSample().set_gt_label(int(label)) for label in torch.randint(CLASSES, (len(flags),), generator=generator)]
    for sample, flag in zip(samples, flags, strict=True):
        if flag == 's':
            sample.set_metainfo(dict(synthetic=True))
    return dict(inputs=images, data_samples=samples)


def losses_of(model: nn.Module, data: dict) -> dict[str, Tensor]:
    return model(**model.data_preprocessor(copy.deepcopy(data), True), mode='loss')


def step(model: nn.Module, data: dict) -> tuple[dict[str, float], dict[str, Tensor], dict[str, Tensor]]:
    """Losses, gradients and buffers of one step."""
    model.zero_grad()
    losses = losses_of(model, data)
    model.parse_losses(losses)[0].backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    buffers = {name: buffer for name, buffer in model.named_buffers() if not name.startswith('data_preprocessor.')}
    return {key: float(value.detach()) for key, value in losses.items()}, gradients, buffers


def close(found: dict[str, Tensor], expected: dict[str, Tensor], **tolerance: float) -> None:
    assert found.keys() == expected.keys()
    for name, value in found.items():
        torch.testing.assert_close(value, expected[name], msg=lambda text, name=name: f'{name}: {text}', **tolerance)


def separated(model: nn.Module, backbone: dict = RESNET) -> tuple[nn.Module, nn.Module]:
    """Two plain classifiers, with the main and with the auxiliary norms."""
    main, aux = (built(backbone, kind='mmpretrain.ImageClassifier') for _ in range(2))
    weights = model.state_dict()
    main.load_state_dict({key: weights[key] for key in main.state_dict()})
    aux.load_state_dict({key: weights.get(f'aux_norm.{key}', weights[key]) for key in aux.state_dict()})
    return main, aux


def chosen(data: dict, flags: str, flag: str) -> dict:
    places = [place for place, one in enumerate(flags) if one == flag]
    return dict(inputs=data['inputs'][places], data_samples=[data['data_samples'][place] for place in places])


def test_it_is_split_batch_norm_in_the_ordered_case():
    """timm's split batch norm: the first half of a batch has the main norms, the second half the auxiliary ones."""
    model, data = built(), batch('rrrrssss')
    reference = built(kind='mmpretrain.ImageClassifier')
    reference.backbone = convert_splitbn_model(reference.backbone, 2)
    renamed = {}  # key of the reference: key of the model
    for key in reference.state_dict():
        renamed[key] = f'aux_norm.{key.replace(".aux_bn.0", "")}' if '.aux_bn.0' in key else key
    reference.load_state_dict({key: model.state_dict()[name] for key, name in renamed.items()})
    assert renamed.keys() == reference.state_dict().keys() and set(renamed.values()) == model.state_dict().keys()

    found, gradients, buffers = step(model, data)
    ready = reference.data_preprocessor(copy.deepcopy(data), True)
    logits = reference.head(reference.extract_feat(ready['inputs']))
    labels = torch.cat([sample.gt_label for sample in ready['data_samples']])
    halves = [nn.functional.cross_entropy(logits[half], labels[half]) for half in (slice(4), slice(4, 8))]
    sum(halves).backward()
    assert list(found) == ['real.loss', 'synthetic.loss']
    assert list(found.values()) == pytest.approx([half.item() for half in halves], rel=1e-5)
    assert abs(found['real.loss'] - found['synthetic.loss']) > 1e-3
    close(gradients, {renamed[name]: parameter.grad for name, parameter in reference.named_parameters()}, rtol=1e-3, atol=1e-5)
    close(buffers, {renamed[name]: buffer for name, buffer in reference.named_buffers() if name in renamed}, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(buffers['backbone.bn1.running_mean'], buffers['aux_norm.backbone.bn1.running_mean'])


@pytest.mark.parametrize('flags', ['rsrssrsr', 'rrsrrrsr', 'ssrssrss'])
def test_any_order_and_ratio(flags):
    """The losses are those of two models, of which one has the main norms and the other the auxiliary ones as its only norms."""
    model, data = built(synthetic_loss_weight=0.3), batch(flags)
    main, aux = separated(model)
    found, gradients, buffers = step(model, data)
    (real, of_real, main_buffers), (synthetic, of_synthetic, aux_buffers) = (
        step(alone, chosen(data, flags, flag)) for alone, flag in ((main, 'r'), (aux, 's'))
    )
    assert found['real.loss'] == pytest.approx(real['loss'], rel=1e-6)
    assert found['synthetic.loss'] == pytest.approx(0.3 * synthetic['loss'], rel=1e-6)
    expected = {}
    for name in model.aux_norm.names:
        for kind in ('weight', 'bias'):
            expected[f'{name}.{kind}'] = of_real[f'{name}.{kind}']
            expected[f'aux_norm.{name}.{kind}'] = 0.3 * of_synthetic[f'{name}.{kind}']
    expected |= {name: of_real[name] + 0.3 * of_synthetic[name] for name in of_real if name not in expected}
    close(gradients, expected, rtol=1e-3, atol=3e-5)
    close(buffers, main_buffers | {f'aux_norm.{name}': value for name, value in aux_buffers.items()}, rtol=0, atol=0)


def test_parts_are_the_same_as_marks():
    """Parts of a joint batch, each with its own data preprocessor, give the losses of a marked batch."""
    flags = 'rsrrss'
    data, by_mark = batch(flags), built()
    preprocessor = dict(type='mmbdg.JointDataPreprocessor', parts=dict(real=PIXELS, synthetic=PIXELS))
    by_part = built(data_preprocessor=preprocessor)
    parts = dict(real=chosen(data, flags, 'r'), synthetic=chosen(data, flags, 's'))
    joint = {key: {name: part[key] for name, part in parts.items()} for key in data}
    for found, expected in zip(step(by_part, joint), step(by_mark, data), strict=True):
        close(*[{k: torch.as_tensor(v) for k, v in one.items()} for one in (found, expected)], rtol=0, atol=0)
    with pytest.raises(InputError, match='train_cfg has no effect on parts: set batch_augments in each part'):
        built(data_preprocessor=preprocessor, train_cfg=dict(augments=dict(type='Mixup', alpha=1.0)))


def test_auxiliary_layer_norms():
    model, data = built(VIT, aux_norm='LN'), batch('rsrsss')
    assert len(model.aux_norm.names) == 2 * 2 + 1
    _, aux = separated(model, VIT)
    found, gradients, _ = step(model, data)
    assert found['synthetic.loss'] == pytest.approx(step(aux, chosen(data, 'rsrsss', 's'))[0]['loss'], rel=1e-6)
    assert all(gradient is not None and gradient.abs().sum() > 0 for name, gradient in gradients.items() if 'ln' in name)
    with pytest.raises(InputError, match="AuxNormClassifier has no BN layer .*: set aux_norm='LN' or None"):
        built(VIT)
    with pytest.raises(InputError, match="aux_norm is 'BN', 'LN' or None, got 'bn'"):
        built(VIT, aux_norm='bn')


def test_without_auxiliary_norms():
    """aux_norm=None: one pass of the whole batch with shared norms, losses by domain, the keys of a plain classifier."""
    flags, model = 'rsrsss', built(aux_norm=None, synthetic_loss_weight=2.0)
    plain, data = built(kind='mmpretrain.ImageClassifier'), batch(flags)
    assert model.state_dict().keys() == plain.state_dict().keys()
    found, _, buffers = step(model, data)
    ready = plain.data_preprocessor(copy.deepcopy(data), True)
    logits, labels = plain.head(plain.extract_feat(ready['inputs'])), torch.cat([sample.gt_label for sample in ready['data_samples']])
    each = nn.functional.cross_entropy(logits, labels, reduction='none')
    assert found['real.loss'] == pytest.approx(each[[0, 2]].mean().item(), rel=1e-5)
    assert found['synthetic.loss'] == pytest.approx(2 * each[[1, 3, 4, 5]].mean().item(), rel=1e-5)
    close(buffers, {name: buffer for name, buffer in plain.named_buffers() if name in buffers}, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('kind', ['Mixup', 'CutMix'])
@pytest.mark.parametrize('place', ['train_cfg', 'data_preprocessor'])
def test_images_are_mixed_within_their_domain(kind, place, monkeypatch):
    """Real images are black with class 0 or 1, synthetic ones white with class 3 or 4: mixed ones still are."""
    augments = dict(augments=dict(type=kind, alpha=1.0))
    model = built(**(dict(train_cfg=augments) if place == 'train_cfg' else dict(data_preprocessor=PIXELS | dict(batch_augments=augments))))
    flags, data, seen = 'rsrssr', batch('rsrssr'), {}
    for place_, flag in enumerate(flags):
        data['inputs'][place_] = 255 * (flag == 's')
        data['data_samples'][place_].set_gt_label(place_ % 2 + 3 * (flag == 's'))
    monkeypatch.setattr(model, 'real_loss', lambda x, samples: seen.update(real=(x, samples)) or dict(loss=x.sum()))
    monkeypatch.setattr(model, 'synthetic_loss', lambda x, samples: seen.update(synthetic=(x, samples)) or {})
    torch.manual_seed(0)
    model(**model.data_preprocessor(data, True), mode='loss')
    for domain, colour, classes in (('real', -127.5 / 63, [0, 1]), ('synthetic', 127.5 / 63, [3, 4])):
        images, samples = seen[domain]
        scores = torch.stack([sample.gt_score for sample in samples])
        assert torch.all(images == torch.tensor(colour)) and torch.allclose(scores[:, classes].sum(1), torch.ones(3))
        assert ((scores > 0).sum(1) == 2).any()  # some were mixed


def test_predictions_use_the_main_norms():
    model, data = built().eval(), batch('rsss')
    plain = built(kind='mmpretrain.ImageClassifier').eval()
    plain.load_state_dict({key: model.state_dict()[key] for key in plain.state_dict()})
    ready = model.data_preprocessor(copy.deepcopy(data), False)
    scores = [torch.stack([sample.pred_score for sample in one(**copy.deepcopy(ready), mode='predict')]) for one in (model, plain)]
    assert torch.equal(*scores)


@pytest.mark.parametrize('frozen_stages', [-1, 1])
def test_only_aux_keys_are_new(frozen_stages):
    backbone = dict(RESNET, frozen_stages=frozen_stages)
    model, plain = built(backbone), built(backbone, kind='mmpretrain.ImageClassifier')
    new = model.state_dict().keys() - plain.state_dict().keys()
    norms = [key for key in plain.state_dict() if 'bn' in key or 'downsample.1' in key]
    frozen = [key for key in norms if frozen_stages > 0 and key.startswith(('backbone.bn1.', 'backbone.layer1.'))]
    assert new == {f'aux_norm.{key}' for key in norms if key not in frozen} and not plain.state_dict().keys() - model.state_dict().keys()


@pytest.mark.parametrize('loader', ['torch', 'mmengine'])
def test_a_checkpoint_without_auxiliary_norms(loader, monkeypatch):
    plain, said = built(kind='mmpretrain.ImageClassifier', seed=7), []
    step(plain, batch('rrrr'))
    monkeypatch.setattr('mmbdg.models.aux_norm.print_log', lambda text, *_: said.append(text))
    weights, model = OrderedDict(plain.state_dict()), built()
    keys = set(weights)
    model.load_state_dict(weights) if loader == 'torch' else load_state_dict(model, weights, strict=True)
    assert set(weights) == keys
    for key, value in model.state_dict().items():
        assert torch.equal(value, weights[key.removeprefix('aux_norm.')])
    assert said == ['the checkpoint has no aux_norm.*: the 10 auxiliary norms start as copies of its main norms']
    main = model.backbone.bn1.weight
    assert main.data_ptr() != model.aux_norm.get_submodule('backbone.bn1').weight.data_ptr()

    trained = {key: value + 1 for key, value in model.state_dict().items()}  # a checkpoint with them is loaded as it is
    model.load_state_dict(trained)
    assert len(said) == 1 and all(torch.equal(value, trained[key]) for key, value in model.state_dict().items())


def test_initialisation_copies_the_main_norms(tmp_path):
    """As the Runner starts: a backbone from a file, then the auxiliary norms; a checkpoint of the whole model keeps its own."""
    plain = built(kind='mmpretrain.ImageClassifier', seed=3)
    nn.init.normal_(plain.backbone.bn1.weight)
    torch.save(plain.backbone.state_dict(), tmp_path / 'backbone.pth')
    model = built(dict(RESNET, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'backbone.pth'))))
    model.init_weights()
    assert torch.equal(model.backbone.bn1.weight, plain.backbone.bn1.weight)
    for name in model.aux_norm.names:
        close(model.aux_norm.get_submodule(name).state_dict(), model.get_submodule(name).state_dict())
    whole = built(seed=4)
    torch.save(whole.state_dict(), tmp_path / 'whole.pth')
    again = built(init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'whole.pth')))
    again.init_weights()
    close(again.state_dict(), whole.state_dict())


@pytest.mark.parametrize('kind', ['BN', 'LN'])
def test_with_cp_changes_nothing(kind):
    """Recomputed activations: losses, gradients and statistics are bit-equal, and each batch counts once."""
    if kind == 'BN':
        models = [built(dict(RESNET, with_cp=with_cp)) for with_cp in (False, True)]
    else:
        swin = dict(type='mmpretrain.SwinTransformer', img_size=16, patch_size=2, window_size=2, drop_path_rate=0.0)
        swin |= dict(arch=dict(embed_dims=8, depths=[1, 1], num_heads=[1, 1]), out_indices=(1,))
        head = dict(type='mmpretrain.LinearClsHead', in_channels=16, num_classes=CLASSES)
        models = [built(dict(swin, with_cp=with_cp), aux_norm='LN', head=head) for with_cp in (False, True)]
    recomputed = [module for module in models[1].modules() if 'forward' in vars(module)]
    assert len(recomputed) == (4 if kind == 'BN' else 2) and not any('forward' in vars(module) for module in models[0].modules())
    for seed in range(2):
        (losses, gradients, buffers), expected = (step(model, batch('rsrsss', seed)) for model in models[::-1])
        assert losses == expected[0]
        close(gradients, expected[1], rtol=0, atol=0)
        close(buffers, expected[2], rtol=0, atol=0)
    if kind == 'BN':
        assert buffers['aux_norm.backbone.layer1.0.bn1.num_batches_tracked'] == 2


def test_bfloat16():
    model, data = built(), batch('rsrsss')
    wrapper = build_optim_wrapper(model, dict(type='mmbdg.AutocastOptimWrapper', optimizer=dict(type='SGD', lr=0.1)))
    before = copy.deepcopy(model.state_dict())
    with torch.autocast('cpu', torch.bfloat16):
        expected = [
            losses_of(alone, chosen(data, 'rsrsss', flag))['loss'].item() for alone, flag in zip(separated(model), 'rs', strict=True)
        ]
    logged = model.train_step(copy.deepcopy(data), wrapper)
    assert [float(logged['real.loss']), float(logged['synthetic.loss'])] == pytest.approx(expected, rel=1e-6)
    assert float(logged['loss']) == pytest.approx(float(logged['real.loss']) + float(logged['synthetic.loss']), rel=1e-5)
    for key, value in model.state_dict().items():
        assert value.isfinite().all() and not torch.equal(value, before[key]), key
        assert value.dtype == before[key].dtype


def test_norms_of_a_backbone_in_evaluation_mode():
    """norm_eval: the statistics of both kinds stay, also in the mode of the copies that hooks read."""
    model = built(dict(RESNET, norm_eval=True)).train()
    before = {name: value.clone() for name, value in model.named_buffers() if not name.startswith('data_preprocessor.')}
    _, gradients, buffers = step(model, batch('rsrs'))
    close(buffers, before, rtol=0, atol=0)
    assert not any(model.aux_norm.get_submodule(name).training for name in model.aux_norm.names)
    assert gradients['aux_norm.backbone.bn1.weight'].abs().sum() > 0


def test_syncbn_becomes_bn_on_a_cpu():
    model = built(dict(RESNET, norm_cfg=dict(type='SyncBN')))
    assert isinstance(model.aux_norm.get_submodule('backbone.bn1'), nn.SyncBatchNorm)
    found = step(revert_sync_batchnorm(model), batch('rsrs'))
    for one, other in zip(found, step(built(), batch('rsrs')), strict=True):
        close(*[{k: torch.as_tensor(v) for k, v in values.items()} for values in (one, other)], rtol=0, atol=0)


def test_samples_of_a_mixed_dataset():
    """The name of their part says what they are."""
    marked, mixed = batch('rsrs'), batch('rrrr')
    for sample, source in zip(mixed['data_samples'], ('real', 'synthetic') * 2, strict=True):
        sample.set_metainfo(dict(source=source))
    assert step(built(), marked)[0] == step(built(), mixed)[0]


def test_a_batch_without_a_domain():
    model = built()
    for flags, lacking in (('rrr', 'synthetic'), ('sss', 'real')):
        with pytest.raises(InputError, match=f'a batch of 3 images has no {lacking} image.*MarkSynthetic.*fixed ratio.*MixedDataset'):
            losses_of(model, batch(flags))
        with pytest.raises(InputError, match=f'has no {lacking} image'):
            losses_of(built(aux_norm=None), batch(flags))
    with pytest.raises(InputError, match='synthetic_loss_weight must be at least 0, got -1'):
        built(synthetic_loss_weight=-1)


def test_everything_frozen_or_recomputed_elsewhere():
    with pytest.raises(InputError, match='all BN layers of AuxNormClassifier are frozen'):
        built(dict(RESNET, frozen_stages=2))
    backbone = dict(type='mmpretrain.TIMMBackbone', model_name='resnet10t', features_only=True)
    made = MODELS.build(backbone)
    made.timm_model.grad_checkpointing = True
    with pytest.raises(InputError, match='cannot be used with the gradient checkpointing of backbone.timm_model'):
        MODELS.build(dict(type='mmbdg.AuxNormClassifier', backbone=made, data_preprocessor=PIXELS))


def test_a_copy_of_a_model_is_on_its_own():
    """As EMA hooks copy models."""
    model = built()
    again = copy.deepcopy(model)
    before = copy.deepcopy(model.state_dict())
    step(again, batch('rsrs'))
    close(model.state_dict(), before, rtol=0, atol=0)
    assert again.aux_norm.get_submodule('backbone.bn1').num_batches_tracked == 1
    again.load_state_dict({key: value for key, value in before.items() if not key.startswith('aux_norm.')})
    assert torch.equal(again.aux_norm.get_submodule('backbone.bn1').weight, model.backbone.bn1.weight)
    assert not torch.equal(model.aux_norm.get_submodule('backbone.bn1').weight, model.backbone.bn1.weight)


def test_a_layer_with_two_names():
    model = nn.Module()
    model.first = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    model.second = nn.Sequential(nn.Conv2d(4, 4, 1), model.first[1])
    model.aux_norm = AuxNorm(model)
    assert model.aux_norm.names == ('first.1',)
    model.aux_norm(lambda x: model.second(model.first(x)), torch.randn(4, 3, 2, 2))
    assert (model.aux_norm.get_submodule('first.1').num_batches_tracked, model.first[1].num_batches_tracked) == (2, 0)


def test_layer_wise_learning_rates():
    model = built(VIT, aux_norm='LN')
    assert model.get_layer_depth('aux_norm.backbone.layers.0.ln1.weight') == model.get_layer_depth('backbone.layers.0.ln1.weight') == (1, 4)


def process(rank: int, folder: Path) -> None:
    """One of two processes with different batches; DDP looks for no unused parameters."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', init_method=f'file://{folder}/meet', rank=rank, world_size=2)
    model = built(seed=rank)  # DDP sends the weights of rank 0
    wrapped = MMDistributedDataParallel(model, device_ids=None, broadcast_buffers=False, find_unused_parameters=False)
    wrapper = build_optim_wrapper(wrapped, dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)))
    for seed in range(3):
        wrapped.train_step(batch(('rsrsss', 'srrsrr')[rank], 10 * seed + rank), wrapper)
    torch.save(model.state_dict(), folder / f'{rank}.pth')
    torch.distributed.barrier()


def test_two_processes_keep_their_weights_equal(tmp_path):
    torch.multiprocessing.start_processes(process, (tmp_path,), nprocs=2, start_method='fork')
    first, second = (torch.load(tmp_path / f'{rank}.pth', weights_only=True) for rank in (0, 1))
    start = built(seed=0).state_dict()
    for name, parameter in built().named_parameters():
        assert torch.equal(first[name], second[name]) and not torch.equal(first[name], start[name]), name
        assert parameter.requires_grad
    assert not torch.equal(first['aux_norm.backbone.bn1.running_mean'], second['aux_norm.backbone.bn1.running_mean'])
