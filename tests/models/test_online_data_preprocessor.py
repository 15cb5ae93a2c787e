import copy
import io

import numpy as np
import pytest
import torch
from conftest import ROOT
from mmengine.config import Config
from mmengine.dataset import default_collate, pseudo_collate
from mmengine.logging import MessageHub
from mmengine.model import revert_sync_batchnorm
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmbdg.addressed import generator_at
from mmbdg.datasets import OnlineSyntheticDataset
from mmbdg.errors import InputError
from mmbdg.interpreter import Consensus
from mmbdg.models import OnlineDataPreprocessor
from mmbdg.models.online_sampling import SPARE, OnlineSampling
from mmbdg.registry import MODELS
from mmbdg.sources import LabelledGenerator

MEAN, STD = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
NORMALISED = dict(mean=MEAN.tolist(), std=STD.tolist(), bgr_to_rgb=True)
CROP = dict(size=48, area=(0.4, 1.0), brightness=0.3)


@pytest.fixture(scope='module')
def fashion():
    return LabelledGenerator.load('fashion32', members=1)


def build(generator='fashion32', **options):
    return OnlineDataPreprocessor(str(generator), **{**NORMALISED, 'precision': 'float32', **options})


def batch(numbers, collate=default_collate, **options):
    dataset = OnlineSyntheticDataset(**{'labelled_generator': 'fashion32', 'seed': 0, **options})
    return collate([dataset[n] for n in numbers])


def pictures(out):
    """The images of a normalised batch as integer RGB (N,3,H,W)."""
    return (out['inputs'].numpy() * STD[:, None, None] + MEAN[:, None, None]).round().astype(int)


@pytest.mark.parametrize('collate', [default_collate, pseudo_collate])
@pytest.mark.parametrize('space', ['fgbg', 'classes'])
def test_samples_are_the_labelled_generators(fashion, collate, space):
    dataset = OnlineSyntheticDataset('fashion32', label_space=space, seed=9)
    out = build()(collate([dataset[n] for n in range(12)]), training=True)
    assert out['inputs'].shape == (12, 3, 32, 32) and out['inputs'].dtype == torch.float32
    fashion.seed = 9
    for n, (picture, sample) in enumerate(zip(pictures(out), out['data_samples'], strict=True)):
        class_id, index = dataset.address(n)
        image, mask = fashion.sample(class_id, index)
        assert abs(picture.transpose(1, 2, 0) - image).max() <= 1
        assert (sample.seed, sample.class_id, sample.index) == (9, class_id, index)
        painted = dataset.space.paint(mask, class_id, ignore=255)
        assert sample.gt_sem_seg.data.dtype == torch.int64 and sample.gt_sem_seg.data.shape == (1, 32, 32)
        assert (sample.gt_sem_seg.data[0].numpy() != painted).mean() < 0.002  # rounding along the outline
        assert painted.max() == (1 if space == 'fgbg' else class_id + 1)


def test_no_more_members_than_asked_for(fashion):
    ensemble = LabelledGenerator.load('fashion32')
    features = torch.randn(2, 12), torch.tensor([0, 3])
    made = ensemble._generator.on('cpu').forward_features(torch.randn(2, 64), features[1])[1]
    embedding = ensemble._generator.on('cpu').embed(features[1])
    first = next(iter(ensemble._interpreter.on('cpu').each(made, embedding)))
    alone = torch.cat(list(fashion._interpreter.on('cpu').each(made, embedding)))
    assert alone.shape[0] == 1 and torch.allclose(alone, first)
    assert torch.equal(Consensus.of([first]).labels(), Consensus.of([alone]).labels())
    with pytest.raises(InputError, match='members must be 1 to 16'):
        LabelledGenerator.load('fashion32', members=17)


def test_colours_are_in_the_order_of_real_images(tiny_labelled_generator):
    """With ``bgr_to_rgb=False`` generated images are BGR, like real images that mmcv loads."""
    data = batch(range(3), labelled_generator=str(tiny_labelled_generator))
    made = build(tiny_labelled_generator, mean=None, std=None, bgr_to_rgb=False)(copy.deepcopy(data), True)['inputs']
    image, _ = LabelledGenerator.load(tiny_labelled_generator).sample(*data['inputs'][0, 1:].tolist())
    assert abs(image[..., 0].astype(int) - image[..., 2]).max() > 5  # not grey
    assert abs(made[0].numpy().transpose(1, 2, 0) - image[..., ::-1]).max() <= 1


def test_real_images_go_through_as_in_mmseg():
    real = dict(inputs=[torch.randint(0, 256, (3, 20, 20), dtype=torch.uint8) for _ in range(2)],
                data_samples=[SegDataSample(metainfo=dict(ori_shape=(20, 20))) for _ in range(2)])  # fmt: skip
    plain = MODELS.build(dict(type='mmseg.SegDataPreProcessor', size=(24, 24), **NORMALISED))
    online = build(size=(24, 24), augmentation=CROP)
    for training in (False, True):
        ours, theirs = (p(copy.deepcopy(real), training) for p in (online, plain))
        assert torch.equal(ours['inputs'], theirs['inputs'])
        assert ours['data_samples'][0].metainfo == theirs['data_samples'][0].metainfo
    assert 'sampling' not in online.__dict__  # the generator was not loaded


def test_a_sample_does_not_depend_on_its_batch():
    alone = build(augmentation=CROP)
    whole = alone(batch(range(8)), True)
    reverse = build(augmentation=CROP, sampling=dict(batch_size=3))(batch([7, 6, 5, 4, 3, 2, 1, 0, 30, 31]), True)
    assert whole['inputs'].shape[2:] == (48, 48)
    for i in range(8):
        assert abs(pictures(whole)[i] - pictures(reverse)[7 - i]).max() <= 2  # one grey level, times a brightness of up to 1.3
        masks = [out['data_samples'][j].gt_sem_seg.data for out, j in ((whole, i), (reverse, 7 - i))]
        assert (masks[0] != masks[1]).float().mean() < 0.002
    again = alone(batch(range(8)), True)
    assert torch.equal(whole['inputs'], again['inputs'])


def test_augmentation_is_addressed_and_of_training_only(fashion):
    online = build(augmentation=CROP)
    data = batch([4])
    _, class_id, index = data['inputs'][0].tolist()
    out = online(copy.deepcopy(data), True)
    fashion.seed = 0
    image, mask = fashion.sample(class_id, index)
    image, mask = torch.from_numpy(image).permute(2, 0, 1), torch.from_numpy(mask).long() * (class_id + 1)
    image, mask = online.augmentation(image, mask, generator_at('augment', 0, class_id, index))
    assert abs(pictures(out)[0] - image.numpy()).max() <= 2
    assert (out['data_samples'][0].gt_sem_seg.data[0] != mask).float().mean() < 0.005
    assert online(data, False)['inputs'].shape == (1, 3, 32, 32)


def test_filters_draw_again_from_spare_addresses(fashion):
    """A sample that fails the filters is replaced from spare addresses. If all of these fail, its mask is ignored."""
    fashion.seed = 0
    class_ids, indices = list(range(10)), [10**8 + i for i in range(10)]

    def share(class_id, index):
        return (fashion.sample(class_id, index)[1] != 0).mean()

    shares = [[share(c, i + k * SPARE) for k in range(3)] for c, i in zip(class_ids, indices, strict=True)]
    bound = float(np.median(shares))
    sampling = OnlineSampling(fashion, batch_size=4, min_foreground=bound, redraws=2)
    made = sampling.draw(class_ids, indices)
    ignored = 0
    for i, own in enumerate(shares):
        passed = [k for k in range(3) if own[k] >= bound]
        used = passed[0] if passed else 2
        assert made.indices[i] == indices[i] + used * SPARE
        image, mask = fashion.sample(class_ids[i], made.indices[i])
        assert abs(made.images[i].permute(1, 2, 0).numpy().astype(int) - image).max() <= 1
        expected = mask if passed else np.full_like(mask, 255)
        assert (made.masks[i].numpy() != expected).mean() < 0.002
        ignored += not passed
    assert sampling.redrawn == sum(own[0] < bound for own in shares) > 0 and sampling.ignored == ignored > 0
    unfiltered = OnlineSampling(fashion).draw(class_ids, indices)
    assert unfiltered.indices == indices and (unfiltered.masks != 255).all()


def test_filters_in_the_preprocessor():
    """Ignored masks stay ignored in the label space, and their number is logged."""
    online = build(sampling=dict(min_foreground=0.99, redraws=1))
    out = online(batch(range(5)), True)
    assert all((sample.gt_sem_seg.data == 255).all() for sample in out['data_samples'])
    assert all(sample.index >= SPARE for sample in out['data_samples'])
    assert MessageHub.get_current_instance().get_scalar('train/online_ignored').current() == 5
    with pytest.raises(InputError, match='one member is never uncertain'):
        build(sampling=dict(max_uncertainty=0.1))
    with pytest.raises(InputError, match='min_foreground and max_foreground in'):
        build(sampling=dict(min_foreground=0.5, max_foreground=0.1)).sampling  # noqa: B018
    uncertain = build(members=3, ignore_above=1e-4)
    masks = torch.cat([sample.gt_sem_seg.data for sample in uncertain(batch(range(5)), True)['data_samples']])
    assert 0 < (masks == 255).float().mean() < 0.5


def test_bfloat16_makes_nearly_the_same():
    made = [pictures(build(precision=p)(batch(range(6)), True)) for p in ('float32', 'bfloat16')]
    assert 0 < abs(made[0] - made[1]).mean() < 8
    assert OnlineDataPreprocessor('fashion32')._options['precision'] == 'bfloat16'


def test_mistakes_are_named(tiny_labelled_generator):
    with pytest.raises(InputError, match='no labelled generator at nowhere'):
        build('nowhere').sampling  # noqa: B018
    with pytest.raises(InputError, match='the dataset names the labelled generator fashion32, the data preprocessor'):
        build(tiny_labelled_generator)(batch(range(2)), True)
    mixed = pseudo_collate([OnlineSyntheticDataset('fashion32', seed=seed)[0] for seed in (0, 1)])
    with pytest.raises(InputError, match=r'of one seed, got \[0, 1\]'):
        build()(mixed, True)


def joint():
    cfg = Config.fromfile(ROOT / 'configs/densecl_biggan_fpn_online.py').model
    cfg.queue_len = 8
    return cfg


def test_checkpoints_know_nothing_of_it():
    offline = Config.fromfile(ROOT / 'configs/densecl_biggan_fpn.py').model
    offline.queue_len = 8
    torch.manual_seed(0)
    online, offline = (MODELS.build(cfg) for cfg in (joint(), offline))
    online.data_preprocessor.seg(batch(range(2)), True)  # loads the generator
    sizes = []
    for model in (online, offline):
        torch.save(model.state_dict(), file := io.BytesIO())
        sizes.append(len(file.getvalue()))
    assert online.state_dict().keys() == offline.state_dict().keys() and sizes[0] == sizes[1]
    assert [n for n, _ in online.named_parameters()] == [n for n, _ in offline.named_parameters()]
    assert not any('sampling' in name or 'generator' in name for name, _ in online.named_modules())


def test_loading_draws_no_random_numbers():
    """Loading the generator draws no random numbers, so online and offline training start from the same weights."""
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    build()(batch(range(2)), True)
    assert torch.equal(torch.rand(4), expected)


def test_joint_batches_and_every_gradient():
    model = revert_sync_batchnorm(MODELS.build(joint()))
    dataset = OnlineSyntheticDataset('fashion32')
    views = torch.randint(0, 256, (4, 3, 64, 64), dtype=torch.uint8)
    items = [dict(inputs=dict(ssl=[views[n], views[n]], seg=dataset[n]['inputs']),
                  data_samples=dict(ssl=SegDataSample(), seg=dataset[n]['data_samples'])) for n in range(4)]  # fmt: skip
    processed = model.data_preprocessor(default_collate(items), True)
    assert processed['inputs']['seg'].shape == (4, 3, 64, 64) and not processed['inputs']['seg'].requires_grad
    losses = model(**processed, mode='loss')
    loss, _ = model.parse_losses(losses)
    loss.backward()
    assert {'loss_single', 'loss_dense', 'seg.loss_ce'} <= set(losses)
    assert [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None] == []


def test_a_batch_of_real_images_and_addresses():
    """Each item is what it is in a batch of its own kind, at its own place."""
    online = build(size=(32, 32), augmentation=dict(CROP, size=32))
    made = batch(range(2), pseudo_collate)
    real = dict(inputs=[torch.randint(0, 256, (3, 32, 32), dtype=torch.uint8) for _ in range(2)], data_samples=[])
    for _ in range(2):
        real['data_samples'].append(
            SegDataSample(metainfo=dict(ori_shape=(32, 32)), gt_sem_seg=PixelData(data=torch.ones(1, 32, 32).long()))
        )
    alone = [online(copy.deepcopy(one), True) for one in (real, made)]
    both = {key: [real[key][0], made[key][0], made[key][1], real[key][1]] for key in real}
    out = online(copy.deepcopy(both), True)
    for place, (kind, number) in enumerate(((0, 0), (1, 0), (1, 1), (0, 1))):
        assert torch.equal(out['inputs'][place], alone[kind]['inputs'][number])
        assert torch.equal(out['data_samples'][place].gt_sem_seg.data, alone[kind]['data_samples'][number].gt_sem_seg.data)
    assert out['data_samples'][2].index == made['inputs'][1][2] and 'index' not in out['data_samples'][3]
