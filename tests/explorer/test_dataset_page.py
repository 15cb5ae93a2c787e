"""The page of a dataset: samples, filters and layers against the files; marks become selections that the readers of a dataset read."""

import numpy as np
import pytest
from conftest import plan_of
from explored import generator_view, page, picture
from ranked import SAMPLES, chosen, write_ranked

from mmbdg.analysis.images.stored_images import StoredImages
from mmbdg.errors import InputError
from mmbdg.explorer import DatasetView
from mmbdg.explorer.dataset_view import generator_of
from mmbdg.images import open_image, read_mask
from mmbdg.reading import read_array
from mmbdg.storage.stored import StoredDataset
from mmbdg.synthesis import SelectionPlan, select, synthesize


@pytest.fixture
def root(tmp_path):
    return write_ranked(tmp_path / 'data')


@pytest.fixture
def client(root, tmp_path):
    return page(DatasetView(StoredImages(root), 2), tmp_path / 'out')


def indices(client, **values):
    content = client.get('/samples', params={'class': 0, **values}).json()
    return [sample['index'] for sample in content['samples']], content


def test_state(client):
    state = client.get('/state').json()
    assert state['kind'] == 'dataset' and state['counts'] == [5, 3, 1] and 'seed' not in state and 'truncatable' not in state
    assert state['filters'] == dict(rejection=False, uncertainty=True, foreground=True)
    assert [layer['name'] for layer in state['layers']] == ['image', 'mask'] and state['can_select'] and not state['can_write_samples']


def test_pages_orders_and_filters(client):
    """The class "cat" has 3: 0.4, 5: 0.1, 8: 0.3, 9: 0.2, 11: 0.5; foreground 0.5, 0.01, 0.9, 0.2, 0.3."""
    assert [indices(client, page=page)[0] for page in range(3)] == [[3, 5], [8, 9], [11]]
    assert indices(client, page=99)[0] == [11] and indices(client)[1]['pages'] == 3
    assert indices(client, order='uncertain')[0] == [11, 3] and indices(client, order='certain')[0] == [5, 9]
    kept, content = indices(client, uncertainty=0.4, kept_only='true')  # drops 2 of 5
    assert kept == [5, 8] and content['counts'] == dict(candidates=5, after_uncertainty=3, kept=3)
    _, content = indices(client, uncertainty=0.4, min_foreground=0.1, max_foreground=0.9, page=0)
    assert content['counts'] == dict(candidates=5, after_uncertainty=3, after_foreground=2, kept=2)
    assert [sample['dropped_by'] for sample in content['samples']] == ['uncertainty', 'foreground']
    assert indices(client, rejection=0.9)[1]['counts'] == dict(candidates=5, kept=5), 'no score of a classifier is known'


def test_layers_and_statistics(client, root):
    image = open_image(root / 'images' / 'cat' / '00000008.png')
    assert (picture(client, **{'class': 0}, index=8, layer='image', side=16) == image.repeat(4, 0).repeat(4, 1)).all()
    assert client.get('/mask', params={'class': 0, 'index': 8}).content == bytes([255]) * 16
    rows = client.get('/statistics', params={'class': 0, 'min_foreground': 0.25}).json()
    assert (rows['all']['n'], rows['kept']['n'], rows['of'], rows['all']['MI']) == (5, 3, 5, 1.0)
    assert rows['kept']['uncertainty'] == pytest.approx((0.4 + 0.3 + 0.5) / 3)


@pytest.mark.parametrize(
    ('path', 'values', 'message'),
    [
        ('samples', dict(seed=1), 'the samples of a dataset have no other seed'),
        ('picture', dict(index=4), 'the dataset has no sample cat/00000004'),
        ('picture', dict(index=3, layer='uncertainty'), 'there is no layer'),
        ('picture', dict(index=3, layer='features:0'), 'there is no layer'),
        ('disagreement', dict(index=3), 'is not known'),
        ('nearest', dict(index=3), 'start with --reference'),
        ('marks', dict(name='../dataset'), 'the name of the selection'),
        ('marks', dict(name=''), 'the name of the selection'),
    ],
)
def test_refused(path, values, message, client):
    answer = client.get(f'/{path}', params={'class': 0} | values)
    assert answer.status_code == 400 and message in answer.json()['error']


def test_marks_become_selections(client, root):
    before = {path: path.read_bytes() for path in root.rglob('*') if path.is_file()}
    assert client.get('/marks', params=dict(name='explored')).json() == dict(marks=None)
    answer = client.post('/select', json=dict(name='explored', samples=['cat/00000009', 'dog/00000001'], keep=False))
    assert answer.json() == dict(path=str(root / 'selections' / 'explored.txt'))
    everything = [f'{folder}/{number:08d}' for folder, samples in SAMPLES.items() for number in samples]
    assert chosen(root, 'explored') == [name for name in everything if name not in ('cat/00000009', 'dog/00000001')]
    assert len(StoredDataset(root, 'explored').lines) == 7
    found = client.get('/marks', params=dict(name='explored')).json()['marks']
    assert found == dict(samples=['cat/00000009', 'dog/00000001'], keep=False)
    client.post('/select', json=dict(name='explored', samples=[], keep=False))
    assert chosen(root, 'explored') == everything, 'a mark was taken away'
    client.post('/select', json=dict(name='to_annotate', samples=['eel/00000007', 'cat/00000011'], keep=True))
    assert chosen(root, 'to_annotate') == ['cat/00000011', 'eel/00000007']
    assert {path: path.read_bytes() for path in before} == before, 'the dataset itself does not change'


def test_other_selections_are_left_alone(client, root):
    select(root, SelectionPlan('mine', [dict(type='mmbdg.LeastUncertain', fraction=0.5)]), log=lambda line: None)
    before = (root / 'selections' / 'mine.txt').read_bytes()
    for body, message in (
        (dict(name='mine', samples=['cat/00000009'], keep=False), 'was made by other steps, not by marking samples'),
        (dict(name='x', samples=['cat/00000004'], keep=False), 'not in the dataset'),
        (dict(name='x', samples=['../../x'], keep=False), 'not in the dataset'),
        (dict(name='x', samples=[], keep=True), 'no sample would be kept'),
        (dict(name='../x', samples=['cat/00000009'], keep=False), 'name'),
        (dict(name='x', samples='cat/00000009', keep=False), 'samples'),
        (dict(name='x', samples=['cat/00000009'], keep=1), 'keep'),
        (dict(name='x', samples=['cat/00000009']), 'keep'),
    ):
        answer = client.post('/select', json=body)
        assert answer.status_code == 400 and message in answer.json()['error'], body
    assert client.post('/select', content=b'{').status_code == 400
    assert (root / 'selections' / 'mine.txt').read_bytes() == before
    assert sorted(path.name for path in (root / 'selections').glob('*.txt')) == ['mine.txt']


def test_a_corrected_mask_without_a_generator_is_an_annotated_image(client, tmp_path):
    mask = np.eye(4, dtype=np.uint8) * 255
    answer = client.post('/save', params={'class': 0, 'index': 8}, content=mask.tobytes())
    assert answer.json()['path'] == str(tmp_path / 'out' / 'annotated' / 'annotations' / 'tiny16' / 'cat' / 'cat_0_8.png')
    assert (read_mask(answer.json()['path']) == mask).all()
    assert (tmp_path / 'out/annotated/images/tiny16/cat/cat_0_8.png').is_file() and not (tmp_path / 'out/annotated/latents').exists()
    assert 'start with --labelled-generator' in client.post('/write_samples', params={'class': 0}, json=dict(indices=[8])).json()['error']


@pytest.fixture(scope='module')
def synthesised(tiny_labelled_generator, tmp_path_factory):
    root = tmp_path_factory.mktemp('synthesised') / 'data'
    plan = plan_of(str(tiny_labelled_generator), num_per_class=6, candidates=6, batch_size=6, seed=3, truncation=0.7, uncertainty_rate=0.3)
    synthesize(plan.changed(uncertainty_maps=True), root, log=lambda line: None)
    return root


def test_with_its_generator(synthesised, tiny_labelled_generator, tmp_path):
    """Latents and features are those under the seed and truncation of the dataset; the stored uncertainty is shown."""
    images = StoredImages(synthesised)
    client = page(DatasetView(images, 4, generator_of(images, str(tiny_labelled_generator), 4)), tmp_path / 'out')
    state = client.get('/state').json()
    assert state['has_latents'] and state['can_write_samples'] and state['most_disagreement'] == pytest.approx(np.log(2))
    assert [layer['name'] for layer in state['layers']] == ['image', 'mask', 'uncertainty', 'features:0', 'features:1']
    line = images.stored.lines[3]
    values = np.frombuffer(client.get('/disagreement', params={'class': 0, 'index': int(line['id'])}).content, '<f4').reshape(16, 16)
    assert (values == images.stored.uncertainty_map(line)).all()
    answer = client.post('/save', params={'class': 0, 'index': int(line['id'])}, content=bytes(256))
    name = f'disc-s3-t0.7_0_{int(line["id"])}'
    assert answer.json()['path'].endswith(f'/annotated/annotations/tiny16/disc/{name}.png')
    latent = read_array(tmp_path / 'out/annotated/latents/tiny16/disc' / f'{name}.npy')
    view = generator_view(tiny_labelled_generator)
    view.generator.seed, view.generator.truncation = 3, 0.7
    assert latent.shape == (1, 12) and (latent == view.generator.latents([0], [int(line['id'])]).numpy()).all()
    assert picture(client, **{'class': 0}, index=int(line['id']), layer='features:1', side=16).shape == (16, 16, 3)


def test_another_generator_is_refused(synthesised, root, tmp_path, tiny_labelled_generator):
    with pytest.raises(InputError, match='was made by another generator than'):
        generator_of(StoredImages(synthesised), 'fashion32')
    with pytest.raises(InputError, match='was not made by a labelled generator'):
        generator_of(StoredImages(root), 'fashion32')
    plan = plan_of(str(tiny_labelled_generator), num_per_class=1, candidates=1, resolution=8)
    small = synthesize(plan, tmp_path / 'small', log=lambda line: None)
    with pytest.raises(InputError, match='has images of 8 px, but the generator makes 16 px'):
        generator_of(StoredImages(small), str(tiny_labelled_generator))
