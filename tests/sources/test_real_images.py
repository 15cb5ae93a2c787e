"""Real images labelled by a feature interpreter on a frozen backbone."""

import json

import numpy as np
import pytest
import timm
import torch
from real_labeller import BACKBONE, write_images, write_labeller

from mmbdg.datasets import AnnotatedImages
from mmbdg.datasets.annotated_images import as_latent
from mmbdg.errors import InputError
from mmbdg.files import write_png, write_safetensors
from mmbdg.generators import ImageBackbone
from mmbdg.images import open_image
from mmbdg.registry import MODELS
from mmbdg.sources import LabelledGenerator, RealImageSource
from mmbdg.sources.image_fit import fitted, fitted_mask
from mmbdg.storage import StoredDataset
from mmbdg.synthesis import Synthesis, synthesize


@pytest.fixture(scope='module')
def labeller(tmp_path_factory):
    return write_labeller(tmp_path_factory.mktemp('labeller'))


@pytest.fixture
def images(tmp_path):
    return write_images(tmp_path / 'images', dict(disc=5, square=3))


def test_masks_are_those_of_the_interpreter_on_the_backbone(labeller, images):
    source = RealImageSource(str(images), str(labeller))
    assert [source.available(c) for c in (0, 1)] == [5, 3] and source.catalogue.labels == ('background', 'foreground')
    batch = source.label(1, [2, 0])
    pictures = [fitted(open_image(images / f'square/{i}.png'), 16) for i in (2, 0)]
    assert np.array_equal(batch.images.permute(0, 2, 3, 1).numpy(), np.stack(pictures))
    assert batch.records == [dict(image='square/2.png'), dict(image='square/0.png')]

    generator = LabelledGenerator.load(str(labeller))
    z = torch.from_numpy(np.stack([as_latent(picture) for picture in pictures]))
    with torch.no_grad():
        network, heads = generator._generator.on(source.device), generator._interpreter.on(source.device)
        inputs = (torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() - network.mean) / network.std
        features = [*reversed(network.backbone(inputs)), z.view(2, 3, 16, 16)]
        votes = sum((logits > 0).float() for logits in heads(features, torch.zeros(2, dtype=torch.int64)))
    assert torch.equal(batch.masks, (votes[:, 0] > 1.5).long())


def test_a_dataset_of_real_images(labeller, images, tmp_path):
    plan = Synthesis.from_config(
        dict(
            source=dict(type='mmbdg.RealImageSource', images=str(images), labeller=str(labeller), licence='own'),
            filters=[dict(type='mmbdg.UncertaintyFilter', rate=0.4)],
            num_per_class=5,
            candidates=5,
        )
    )
    stored = StoredDataset(synthesize(plan, tmp_path / 'out', log=lambda line: None))
    assert stored.info['counts'] == dict(disc=3, square=2) and stored.info['licence'] == 'own'
    for line in stored.lines:
        assert np.array_equal(stored.image(line), fitted(open_image(images / line['image']), 16))
        assert set(np.unique(stored.mask(line))) <= {0, 1}


@pytest.mark.parametrize('library', ['timm', 'mmpretrain'])
def test_features_of_a_published_backbone(library, tmp_path):
    """Weights under the publisher's names; features equal those of the library's own model on normalised images."""
    torch.manual_seed(1)
    if library == 'timm':
        config, own = dict(model='resnet18', out_indices=(1, 2)), timm.create_model('resnet18', pretrained=False)
    else:
        config, own = (
            dict(model='ResNet', arguments=dict(depth=18), out_indices=(0, 1)),
            MODELS.build(dict(type='mmpretrain.ResNet', depth=18)),
        )
    write_safetensors(tmp_path / 'w.safetensors', own.state_dict())
    own.eval()  # mmpretrain's eval() returns None
    init = dict(type='mmbdg.PretrainedBackbone', checkpoint=str(tmp_path / 'w.safetensors'))
    backbone = ImageBackbone(32, library, input_size=64, init_cfg=init, **config)
    backbone.init_weights()
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        _, features = backbone.eval().forward_features(images.flatten(1), torch.tensor([0, 0]))
        mean, std = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
        x = torch.nn.functional.interpolate(((images + 1) / 2 - mean) / std, size=64, mode='bilinear', antialias=True)
        pool = own.maxpool(own.act1(own.bn1(own.conv1(x)))) if library == 'timm' else own.maxpool(own.relu(own.bn1(own.conv1(x))))
        first = own.layer1(pool)
        expected = [own.layer2(first), first, images]
    assert [info.resolution for info in backbone.feature_info] == [8, 16, 32]
    for found, right in zip(features, expected, strict=True):
        assert torch.allclose(found, right, atol=1e-4)


def test_annotated_images_are_paired_and_fitted(tmp_path):
    root = tmp_path / 'annotated'
    write_images(root / 'images', {'disc': 4})
    for i in range(4):
        height, width = open_image(root / f'images/disc/{i}.png').shape[:2]
        mask = np.zeros((height, width), np.uint8)
        mask[: height // 2] = 255
        (root / 'masks/disc').mkdir(parents=True, exist_ok=True)
        write_png(root / f'masks/disc/{i}.png', mask)
    parts = [AnnotatedImages(str(root), ['disc'], 16, part=part, held_out=1) for part in ('train', 'val', 'all')]
    assert [len(part) for part in parts] == [3, 1, 4]
    item = parts[2][0]
    assert np.array_equal(item['inputs'].numpy(), as_latent(fitted(open_image(root / 'images/disc/0.png'), 16)))
    assert item['data_samples'].gt_sem_seg.data.tolist() == [[[1] * 16] * 8 + [[0] * 16] * 8]
    (root / 'masks/disc/2.png').rename(root / 'masks/disc/x.png')
    with pytest.raises(InputError, match=r'2 files have no partner of the same name:(\n.*)*2.png has no mask(\n.*)*x.png has no image'):
        AnnotatedImages(str(root), ['disc'], 16)
    (root / 'masks/disc/x.png').rename(root / 'masks/disc/2.png')
    with pytest.raises(InputError, match='has no folder of the class "ring"'):
        AnnotatedImages(str(root), ['disc', 'ring'], 16)


@pytest.mark.parametrize('squash', [False, True])
@pytest.mark.parametrize('shape', [(32, 32), (40, 32), (32, 45), (16, 90)])
def test_masks_are_fitted_like_images(shape, squash):
    """Blocks of constant value: away from the edges of blocks a fitted mask equals the fitted image."""
    rng = np.random.default_rng(0)
    mask = np.kron(rng.integers(0, 2, (4, 4)), np.ones((-(-shape[0] // 4), -(-shape[1] // 4))))[: shape[0], : shape[1]].astype(np.uint8)
    image = fitted(np.repeat(mask[..., None] * 255, 3, axis=2), 16, squash)[..., 0]
    clear = (image < 5) | (image > 250)
    assert clear.mean() > 0.4 and np.array_equal(fitted_mask(mask, 16, squash)[clear], image[clear] > 127)


def test_bad_input(labeller, images, tiny_labelled_generator, tmp_path):
    with pytest.raises(InputError, match='labels the images of its own BigGAN, not real ones'):
        RealImageSource(str(images), str(tiny_labelled_generator))
    with pytest.raises(InputError, match='a frozen backbone draws no images'):
        LabelledGenerator.load(str(labeller)).sample(0, 0)
    (images / 'square/0.png').write_bytes(b'x')
    with pytest.raises(InputError, match='square/0.png'):
        RealImageSource(str(images), str(labeller)).draw(1, [0])
    with pytest.raises(InputError, match='there is no folder'):
        RealImageSource(str(images / 'gone'), str(labeller))
    conditional = write_labeller(tmp_path / 'conditional', conditional=True)
    with pytest.raises(InputError, match='is conditioned on its own classes'):
        RealImageSource(str(images), str(conditional), classes=['disc'])
    with pytest.raises(InputError, match='mmpretrain has no backbone "os"'):
        ImageBackbone(16, 'mmpretrain', 'os')
    with pytest.raises(InputError, match='timm has no model "resnet"'):
        ImageBackbone(16, 'timm', 'resnet')


def test_a_card_cannot_name_other_types(labeller, tmp_path):
    card = json.loads((labeller / 'labelled_generator.json').read_text())
    card['generator']['arguments']['norm_cfg'] = dict(type='os.system')
    for file in labeller.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / 'labelled_generator.json').write_text(json.dumps(card))
    with pytest.raises(InputError, match=r"generator.arguments.norm_cfg names the type 'os.system'"):
        LabelledGenerator.load(str(tmp_path))
    assert BACKBONE['type'] == card['generator']['type']
