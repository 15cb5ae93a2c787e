"""The page of a labelled generator: every value against the labelled generator, the synthesis and the analysis themselves."""

import numpy as np
import pytest
import torch
from conftest import TINY_CLASSES, plan_of
from explored import generator_view, page, picture
from matplotlib import colormaps

from mmbdg.analysis.distances.feature_networks import FeatureNetwork
from mmbdg.analysis.images.labelled_images import LabelledImages
from mmbdg.analysis.statistics.mask_statistics import measure_mask
from mmbdg.explorer import GeneratorView, Reference
from mmbdg.explorer.pictures import heat
from mmbdg.interpreter import jensen_shannon
from mmbdg.sources import LabelledGenerator
from mmbdg.storage.palette import palette
from mmbdg.synthesis.loading import build_maker
from mmbdg.visualization.contact_sheet import outlined
from mmbdg.visualization.feature_colours import principal_colours

SIZE, LN2 = 16, float(np.log(2))
SAMPLE = {'class': 1, 'seed': 5, 'truncation': 0.5}


class Real(LabelledImages):
    """Images without masks."""

    def __init__(self, images):
        super().__init__('real', (), [], 255, ('a', 'b'))
        self.given = images

    def __len__(self):
        return len(self.given)

    def image(self, i):
        return self.given[i]

    def mask(self, i):
        raise AssertionError('no masks')

    def class_of(self, i):
        return i % 2


def pixels(images):
    return images.float().flatten(1)


@pytest.fixture(scope='module')
def real():
    return [np.random.default_rng(i).integers(0, 255, (SIZE, SIZE, 3), np.uint8) for i in range(9)]


@pytest.fixture(scope='module')
def client(tiny_labelled_generator, tiny_classifier, real, tmp_path_factory):
    view = generator_view(tiny_labelled_generator, classifier=tiny_classifier)
    network = FeatureNetwork('pixels', '', '', '', pixels)
    return page(view, tmp_path_factory.mktemp('out'), Reference(Real(real), network))


@pytest.fixture(scope='module')
def generator(tiny_labelled_generator) -> LabelledGenerator:
    """The same one, under the seed and the truncation of SAMPLE."""
    return LabelledGenerator.load(tiny_labelled_generator, seed=5, truncation=0.5)


def test_state(client):
    state = client.get('/state').json()
    assert [one['name'] for one in state['classes']] == list(TINY_CLASSES)
    assert (state['kind'], state['resolution'], state['seed'], state['truncation'], state['per_page']) == ('generator', SIZE, 0, 0.9, 12)
    assert state['filters'] == dict(rejection=True, uncertainty=True, foreground=True) and state['truncatable']
    assert [one['name'] for one in state['layers']] == ['image', 'mask', 'uncertainty', 'features:0', 'features:1']
    assert [one['title'] for one in state['layers']][3:] == ['features, 8 px', 'features, 16 px']
    assert state['most_disagreement'] == pytest.approx(LN2) and state['can_write_samples'] and not state['can_select']


def test_layers(client, generator):
    """An image is the labelled generator's, its mask the vote, its heat map the divergence of the members, from the logits."""
    image, mask = generator.sample(1, 14)
    net, ensemble = generator._generator.on('cpu'), generator._interpreter.on('cpu')
    z, y = generator.latents([1], [14]), torch.tensor([1])
    with torch.no_grad():
        disagreement = jensen_shannon(ensemble(net.forward_features(z, y)[1], net.embed(y)))[0].numpy()
    assert (picture(client, index=14, layer='image', side=16, **SAMPLE) == image).all()
    assert (picture(client, index=14, layer='image', side=64, **SAMPLE) == image.repeat(4, 0).repeat(4, 1)).all()
    drawn = outlined(image.repeat(2, 0).repeat(2, 1), mask.repeat(2, 0).repeat(2, 1), palette(2), 255)
    assert (picture(client, index=14, layer='mask', side=32, **SAMPLE) == drawn).all()
    values = np.frombuffer(client.get('/disagreement', params={**SAMPLE, 'index': 14}).content, '<f4').reshape(SIZE, SIZE)
    assert values == pytest.approx(disagreement, abs=1e-6) and disagreement.max() > 1e-4
    colours = (colormaps['magma'](np.linspace(0, 1, 256))[:, :3] * 255).astype(int)
    shown = picture(client, index=14, layer='uncertainty', side=16, **SAMPLE).astype(int)
    levels = np.abs(shown[:, :, None] - colours).sum(3).argmin(2)
    assert np.abs(levels - np.sqrt(disagreement / LN2) * 255).max() <= 2 and levels.max() >= 3
    given = np.frombuffer(client.get('/mask', params={**SAMPLE, 'index': 14}).content, np.uint8).reshape(SIZE, SIZE)
    assert (given == np.where(mask > 0, 255, 0)).all()


def test_colours_of_the_uncertainty():
    """Colour k of 256 stands for (k / 255)^2 of the largest value."""
    values = np.array([[0, 0.25, 0.5, 1, 1.01]]) ** 2 * LN2
    wanted = [np.array(colormaps['magma'](k)[:3]) * 255 for k in (0, 64, 128, 255, 255)]
    assert np.abs(heat(values, LN2)[0] - wanted).max() <= 1


def test_features_share_their_colours_in_a_block(client, generator):
    indices = list(range(12, 24))
    features = generator.features([1] * 12, indices)
    wanted = principal_colours(features[2].numpy())
    assert [info.resolution for info in generator.feature_info] == [8, 8, 16], 'the last one of each resolution is shown'
    shown = picture(client, index=14, layer='features:1', side=16, **SAMPLE)
    assert np.abs(shown.astype(int) - wanted[2]).max() <= 1
    assert picture(client, index=14, layer='features:0', side=16, **SAMPLE).shape == (16, 16, 3)


def test_seed_and_truncation_change_the_samples(client):
    first = picture(client, index=3, layer='image', side=16, **SAMPLE)
    for change in (dict(seed=6), dict(truncation=0.9), {'class': 0}):
        assert (picture(client, index=3, layer='image', side=16, **SAMPLE | change) != first).any()
    free = {key: value for key, value in SAMPLE.items() if key != 'truncation'}
    assert (picture(client, index=3, layer='image', side=16, **free) != first).any()
    assert (picture(client, index=3, layer='image', side=16, **SAMPLE) == first).all()


@pytest.mark.parametrize('bounded', [False, True])
def test_filters_are_those_of_the_synthesis(bounded, client, tiny_labelled_generator, tiny_classifier):
    """A page is a block: the kept ones, the counts and the scores are those that the synthesis gets for it."""
    settings = dict(rejection=0.5, uncertainty=0.35, page=2)
    unbounded = client.get('/samples', params={**SAMPLE, **settings, 'kept_only': 'true'}).json()['samples']
    bounds = (float(np.median([sample['foreground_ratio'] for sample in unbounded])), 0.99) if bounded else (0, 1)
    settings |= dict(min_foreground=bounds[0], max_foreground=bounds[1])
    plan = plan_of(
        str(tiny_labelled_generator), candidates=12, batch_size=8, num_per_class=1, seed=5, truncation=0.5, classifier=tiny_classifier,
        rejection_rate=0.5, uncertainty_rate=0.35, min_foreground=bounds[0], max_foreground=bounds[1],
    )  # fmt: skip
    made = build_maker(plan, 'cpu').make(1, 2)
    listed = client.get('/samples', params={**SAMPLE, **settings}).json()
    kept = [sample for sample in listed['samples'] if sample['dropped_by'] is None]
    assert [sample['index'] for sample in kept] == [sample.index for sample in made.samples] and len(listed['samples']) == 12
    assert listed['counts'] == {name: made.outcome[name] for name in listed['counts']} and listed['counts']['kept'] == len(kept)
    for shown, sample in zip(kept, made.samples, strict=True):
        assert shown['uncertainty'] == pytest.approx(sample.uncertainty, abs=1e-6)
        assert shown['foreground_ratio'] == sample.foreground_ratio
        assert shown['classifier_score'] == pytest.approx(sample.scores['classifier_score'], abs=1e-5)
    only = client.get('/samples', params={**SAMPLE, **settings, 'kept_only': 'true', 'order': 'uncertain'}).json()['samples']
    assert [one['index'] for one in only] == [one['index'] for one in sorted(kept, key=lambda one: -one['uncertainty'])]
    rows = client.get('/statistics', params={**SAMPLE, **settings}).json()
    assert 0 < len(kept) < len(unbounded) if bounded else len(kept) == len(unbounded) == 4
    masks = [sample.mask for sample in made.samples]
    assert rows['kept']['n'] == len(masks) and rows['all']['n'] == rows['of'] == 12
    assert rows['kept']['MI'] == pytest.approx(np.mean([measure_mask(mask)[0]['MI'] for mask in masks]), abs=1e-6)


def test_nearest_real_images(client, generator, real):
    image, _ = generator.sample(1, 14)
    found = client.get('/nearest', params={**SAMPLE, 'index': 14}).json()
    distances = [np.sqrt(((image.astype(float) - other) ** 2).sum()) for other in real]
    order = np.argsort(distances)[:5].tolist()
    assert [one['place'] for one in found['images']] == order
    assert [one['distance'] for one in found['images']] == pytest.approx([distances[i] for i in order], rel=1e-5)
    assert [one['class_name'] for one in found['images']] == ['ab'[i % 2] for i in order]
    among = [min(np.sqrt(((a.astype(float) - b) ** 2).sum()) for b in real if b is not a) for a in real]
    assert found['yardstick'] == pytest.approx(np.median(among), rel=1e-5)
    answer = client.get('/real', params=dict(place=order[0]))
    assert answer.headers['content-type'] == 'image/png'


@pytest.mark.parametrize(
    ('path', 'values', 'message'),
    [
        ('samples', {'class': 3}, 'there is no class 3'),
        ('samples', {'class': -1}, 'class must be a whole number'),
        ('samples', {'seed': 'x'}, 'seed must be a whole number'),
        ('samples', {'seed': 2**63}, 'seed must be a whole number'),
        ('samples', {'truncation': 'x'}, 'truncation must be a number'),
        ('samples', {'truncation': 'nan'}, 'truncation must be'),
        ('samples', {'truncation': '-1'}, 'truncation must be'),
        ('samples', {'truncation': '1e-9'}, 'truncation by resampling must be at least 0.001'),
        ('samples', {'rejection': 1}, 'rejection'),
        ('samples', {'uncertainty': 'nan'}, 'uncertainty'),
        ('samples', {'min_foreground': 0.5, 'max_foreground': 0.4}, 'min_foreground is above max_foreground'),
        ('samples', {'order': 'name'}, 'order must be one of'),
        ('samples', {'page': '9' * 30}, 'page must be a whole number'),
        ('picture', {'index': 0, 'side': 8}, 'side must be 16 to 1024'),
        ('picture', {'index': 0, 'side': 100000}, 'side must be 16 to 1024'),
        ('picture', {'index': 0, 'layer': '../x'}, 'there is no layer'),
        ('picture', {'index': 0, 'layer': 'features:9'}, 'there is no layer'),
        ('picture', {'index': '../../etc/passwd'}, 'index must be a whole number'),
        ('picture', {}, 'index must be a whole number'),
        ('marks', {'name': 's'}, 'a selection belongs to a finished dataset'),
        ('real', {'place': 9}, 'the reference has the images 0 to 8'),
    ],
)  # fmt: skip
def test_refused(path, values, message, client):
    answer = client.get(f'/{path}', params=SAMPLE | values)
    assert answer.status_code == 400 and message in answer.json()['error']


def test_no_other_routes(client):
    for path in ('/samples/', '/../setup.py', '/%2e%2e/setup.py', '/static/x.js'):
        assert client.get(path).status_code == 404, path
    assert client.post('/samples').status_code == 405 and client.get('/save').status_code == 405


def test_a_generator_whose_latents_cannot_be_truncated(tiny_labelled_generator, tmp_path):
    view = generator_view(tiny_labelled_generator)
    view.generator._generator.on('cpu').latent_distribution = 'uniform'
    view.generator._truncation = view.truncation = None
    client = page(view, tmp_path)
    assert not client.get('/state').json()['truncatable'] and isinstance(view, GeneratorView)
    assert 'truncation is not defined' in client.get('/samples', params=SAMPLE).json()['error']
