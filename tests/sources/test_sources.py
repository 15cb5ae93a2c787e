"""Requirements of :class:`mmbdg.sources.Source` for every registered source, and synthesis from every kind of source."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from photos import colours
from real_labeller import write_images, write_labeller
from tiny_pools import retrieval_example
from tiny_segmentor import write_segmentor

from mmbdg.converters.coco_instances import write_coco
from mmbdg.data_configs import checked_config
from mmbdg.datasets import SyntheticSegDataset
from mmbdg.errors import InputError
from mmbdg.registry import FILTERS, SOURCES
from mmbdg.sources import LabelledGenerator, Source
from mmbdg.sources.build import build_source
from mmbdg.storage import StoredDataset
from mmbdg.storage.unpacked import unpack_shards, write_image_folder
from mmbdg.storage.verify import verify
from mmbdg.synthesis import Synthesis, synthesize
from mmbdg.synthesis.block import BlockMaker
from mmbdg.synthesis.filters import Filter
from mmbdg.synthesis.job import Job
from mmbdg.synthesis.pipeline import is_complete
from mmbdg.synthesis.repair import repair

SOURCES.import_from_location()


@pytest.fixture(scope='session')
def tiny_retrieval(tmp_path_factory) -> dict:
    """Config of a source with its pool and index."""
    return retrieval_example(tmp_path_factory.mktemp('tiny_retrieval'))


@pytest.fixture
def examples(request, tiny_labelled_generator, tiny_retrieval) -> dict[str, dict]:
    """A tiny config of each source, by its registered name. Add new sources here."""
    found = {
        'LabelledGeneratorSource': dict(type='mmbdg.LabelledGeneratorSource', labelled_generator=str(tiny_labelled_generator)),
        'RetrievalSource': tiny_retrieval,
        'TestPhotos': dict(type='mmbdg.TestPhotos', numbers=(7, 3)),
    }
    if request.node.callspec.params['name'] == 'DiffusionSource':  # to import diffusers takes seconds
        model = str(request.getfixturevalue('tiny_text_pipeline'))
        found['DiffusionSource'] = dict(type='mmbdg.DiffusionSource', model=model, classes=['bag', 'coat'], prompts=['a {}'], steps=2)
    if request.node.callspec.params['name'] == 'JointDiffusionSource':
        model = str(request.getfixturevalue('tiny_joint_pipeline'))
        found['JointDiffusionSource'] = dict(
            type='mmbdg.JointDiffusionSource', model=model, classes=['bag', 'coat'], prompts=['a {}'], steps=2
        )
    if request.node.callspec.params['name'] == 'PseudoLabelSource':
        folder = request.getfixturevalue('tmp_path')
        images, (config, weights, _) = write_images(folder / 'images', dict(disc=8, square=6)), write_segmentor(folder)
        paths = dict(images=str(images), config=str(config), checkpoint=str(weights))
        found['PseudoLabelSource'] = dict(type='mmbdg.PseudoLabelSource', **paths, classes=['disc', 'square'], size=16)
    if request.node.callspec.params['name'] == 'RealImageSource':
        folder = request.getfixturevalue('tmp_path')
        images = write_images(folder / 'images', dict(disc=8, square=6))
        found['RealImageSource'] = dict(type='mmbdg.RealImageSource', images=str(images), labeller=str(write_labeller(folder / 'labeller')))
    return found


@pytest.mark.parametrize('name', sorted(SOURCES.module_dict))
def test_conformance(examples, name):
    """Images depend on seed, class and index only, and match the catalogue."""
    assert issubclass(SOURCES.module_dict[name], Source)
    assert name in examples, f'add a tiny {name} to the examples of this test'
    source, again, other = (build_source(examples[name], seed, 'cpu') for seed in (0, 0, 1))
    catalogue, size = source.catalogue, source.catalogue.resolution
    assert len(catalogue.classes) == len(catalogue.folders) == len(set(catalogue.folders)) > 0
    drawn = source.draw(1, [0, 1, 2])
    assert drawn.images.dtype == torch.uint8 and drawn.images.shape == (3, 3, size, size)
    turned = again.draw(1, [2, 0])
    assert (turned.images.flip(0).int() - drawn.images[[0, 2]].int()).abs().max() <= 1  # rounding differs between batch sizes
    seven = source.draw(0, range(7)).images
    for index in (0, 6):
        assert (again.draw(0, [index]).images[0].int() - seven[index].int()).abs().max() <= 1
    assert not torch.equal(seven[:3], drawn.images)
    assert torch.equal(other.draw(1, [0, 1, 2]).images, drawn.images) != source.uses_seed
    assert drawn.records is None or (len(drawn.records) == 3 and json.loads(json.dumps(drawn.records)) == list(drawn.records))
    labelled = source.label(1, [0, 1, 2], drawn.state)
    assert (labelled is not None) == catalogue.has_masks
    if labelled:
        assert torch.equal(labelled.images, drawn.images) and labelled.masks.shape == (3, size, size)
        assert set(labelled.masks.unique().tolist()) <= {*range(len(catalogue.labels)), catalogue.ignore}
        assert labelled.disagreement is None or labelled.disagreement.max() <= source.most_disagreement + 1e-6
    identity = source.identity()
    assert set(identity) == {'config', 'checksums', 'versions'} and identity == again.identity()
    assert identity['config']['type'] == f'mmbdg.{name}' and json.loads(json.dumps(identity)) == identity
    available = source.available(1)
    assert available is None or available >= 3
    number = min(7, source.available(0) or 7)
    batch = source.draw(0, range(number)).images
    for index in (0, number - 1):
        assert (again.draw(0, [index]).images[0].int() - batch[index].int()).abs().max() <= 1


@pytest.mark.parametrize('name', sorted(SOURCES.module_dict))
def test_processes_interruptions_and_shards(examples, name, tmp_path, monkeypatch):
    """Two processes, a run that was interrupted and shards give the files of one run into folders."""
    plan = Synthesis.from_config(dict(source=examples[name], filters=[], num_per_class=3, candidates=2, classes=[0, 1]))
    quiet = dict(log=lambda line: None)
    whole = content(synthesize(plan, tmp_path / 'whole', **quiet))
    make, made = BlockMaker.make, []

    def makes_two_blocks(self, class_id, block, wanted):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append((class_id, block))
        return make(self, class_id, block, wanted)

    with monkeypatch.context() as patch:
        patch.setattr(BlockMaker, 'make', makes_two_blocks)
        with pytest.raises(KeyboardInterrupt):
            synthesize(plan, tmp_path / 'out', job=Job(1, 2, 'a'), **quiet)
    assert len(made) == 2 and not (tmp_path / 'out' / 'dataset.json').exists()
    synthesize(plan, tmp_path / 'out', job=Job(0, 2, 'b'), **quiet)
    assert content(tmp_path / 'out') == whole
    shards = synthesize(plan.changed(format='shards'), tmp_path / 'shards', **quiet)
    unpacked = content(unpack_shards(StoredDataset(shards), tmp_path / 'unpacked'))
    files = {file for file in whole if file.endswith('.png')}
    assert len(files) >= 6 and all(unpacked[file] == whole[file] for file in files)


@pytest.mark.parametrize(('name', 'batch', 'number'), [('TestPhotos', 3, 3), ('RetrievalSource', 3, 2), ('LabelledGeneratorSource', 3, 3)])
def test_without_filters_only_wanted_samples_are_drawn(examples, name, batch, number, tmp_path, monkeypatch):
    """Two samples of a block of seven: whole batches where batches matter. The dataset is that of whole blocks, also after it grows."""
    plan = Synthesis.from_config(dict(source=examples[name], filters=[], num_per_class=2, candidates=7, batch_size=batch, classes=[0]))
    kind, drawn = SOURCES.get(f'mmbdg.{name}'), []
    method = 'label' if name == 'LabelledGeneratorSource' else 'draw'
    original = getattr(kind, method)

    def counted(self, class_id, indices, *rest):
        drawn.extend(indices)
        return original(self, class_id, indices, *rest)

    monkeypatch.setattr(kind, method, counted)
    said = []
    synthesize(plan, tmp_path / 'out', log=said.append, dry_run=True)
    assert f'2 samples of {number} candidates in 1 blocks' in said[0]
    with monkeypatch.context() as patch:
        patch.setattr('mmbdg.synthesis.pipeline.check_disk', lambda *given: None)
        drawn.clear()
        synthesize(plan, tmp_path / 'out', log=said.append)
        assert drawn == list(range(number)) and f'{number} candidates' in said[-2]
        patch.setattr(BlockMaker, 'to_draw', lambda self, samples: 7)
        drawn.clear()
        assert content(synthesize(plan, tmp_path / 'whole', log=str)) == content(tmp_path / 'out') and drawn == list(range(7))
        grown = content(synthesize(plan.changed(num_per_class=5), tmp_path / 'whole', log=str))
    assert content(synthesize(plan.changed(num_per_class=5), tmp_path / 'out', log=str)) == grown
    (tmp_path / 'out' / 'images').rename(tmp_path / 'out' / 'lost')
    assert not repair(tmp_path / 'out', plan, log=str).problems
    assert {key: value for key, value in content(tmp_path / 'out').items() if not key.startswith('lost')} == grown


def photos(**keys) -> Synthesis:
    return Synthesis.from_config(dict(dict(source=dict(type='mmbdg.TestPhotos', numbers=(7, 3)), num_per_class=6, candidates=4), **keys))


@pytest.mark.parametrize('format_', ['folder', 'shards'])
def test_a_source_that_ends_and_has_no_masks(tmp_path, format_):
    """A source with 7 and 3 images gives 6 and 3 of the 6 requested. The class with too few is reported with the reason."""
    said = []
    plan = photos(format=format_)
    synthesize(plan, tmp_path / 'out', log=said.append, dry_run=True)
    assert said[0].startswith('9 samples of 10 candidates in 3 blocks')
    root = synthesize(plan, tmp_path / 'out', log=said.append)
    assert said[-1] == f'9 images without masks in {root}'
    stored = StoredDataset(root)
    assert stored.info['counts'] == {'class-0': 6, 'class-1': 3} and stored.info['available'] == {'class-0': 7, 'class-1': 3}
    assert any('class 1: 3 of 6 samples' in line and 'The source has 3 images of the class' in line for line in said)
    assert not any(line.startswith('class 0') for line in said)
    assert (stored.info['masks'], stored.info['classes'], stored.info['label_space']) == (False, [], 'none')
    assert stored.info['filters'] == {'class-0': dict(candidates=7, kept=7), 'class-1': dict(candidates=3, kept=3)}
    for class_id, number in ((0, 6), (1, 3)):
        images = [stored.image(line) for line in stored.lines if line['class'] == class_id]
        assert np.array_equal(np.stack(images)[:, 0, 0], colours(class_id, number))
    assert [line['url'] for line in stored.lines][:2] == ['photo/0/0', 'photo/0/1'] and 'foreground_ratio' not in stored.lines[0]
    assert is_complete(plan, root) and is_complete(photos(num_per_class=7, format=format_, classes=[1]), root)
    assert not is_complete(photos(num_per_class=7, format=format_), root)
    assert not verify(root).problems
    with pytest.raises(InputError, match='has no masks'):
        stored.mask(stored.lines[0])


def test_what_needs_masks_refuses_a_dataset_without(tmp_path):
    root = synthesize(photos(), tmp_path / 'out', log=lambda line: None)
    with pytest.raises(InputError, match='no masks'):
        SyntheticSegDataset(str(root))
    with pytest.raises(InputError, match='no masks'):
        write_coco(StoredDataset(root), tmp_path / 'coco.json')
    folder = write_image_folder(StoredDataset(root), tmp_path / 'images')
    assert len(list(folder.glob('*/*.png'))) == 9


def test_growing_and_mending(tmp_path):
    """A dataset can grow later, and a lost file and manifest are restored, also in the incomplete last block."""
    whole = content(synthesize(photos(num_per_class=7), tmp_path / 'whole', log=lambda line: None))
    root = synthesize(photos(num_per_class=2), tmp_path / 'grown', log=lambda line: None)
    plan = photos(num_per_class=7)
    synthesize(plan, root, log=lambda line: None)
    assert content(root) == whole
    (root / 'images/class-0/00000006.png').unlink()
    (root / 'manifest.jsonl').unlink()
    assert verify(root).problems
    assert not repair(root, plan, log=lambda line: None).problems
    assert content(root) == whole
    shards = synthesize(photos(num_per_class=7, format='shards'), tmp_path / 'shards', log=lambda line: None)
    unpacked = content(unpack_shards(StoredDataset(shards), tmp_path / 'unpacked'))
    assert {name for name in unpacked if name.startswith('images')} == {name for name in whole if name.startswith('images')}


def content(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob('*')) if p.is_file() and 'logs' not in p.parts}


def test_the_same_bytes_by_short_forms(tiny_labelled_generator, tiny_classifier, tmp_path):
    """The short keys ``labelled_generator`` and ``rejection_rate`` give the same bytes as ``source`` and ``filters``."""
    short = dict(
        labelled_generator=str(tiny_labelled_generator), truncation=0.7, classifier=tiny_classifier, rejection_rate=0.5, min_foreground=0.01
    )
    full = dict(
        source=dict(type='mmbdg.LabelledGeneratorSource', labelled_generator=str(tiny_labelled_generator), truncation=0.7),
        filters=[
            dict(type='mmbdg.RejectionSampling', classifier=tiny_classifier, rate=0.5),
            dict(type='mmbdg.UncertaintyFilter'),
            dict(type='mmbdg.ForegroundFilter', min=0.01),
        ],
    )
    further = dict(num_per_class=2, candidates=6, classes=[0])
    assert Synthesis.from_config(short | further) == Synthesis.from_config(full | further)
    one, other = (synthesize(Synthesis.from_config(form | further), tmp_path / str(i)) for i, form in enumerate((short, full)))
    assert content(one) == content(other)


def test_short_forms_set_keys_of_named_parts(tiny_classifier):
    named = dict(
        source=dict(type='mmbdg.LabelledGeneratorSource', labelled_generator='fashion32'),
        filters=[dict(type='mmbdg.RejectionSampling', classifier=tiny_classifier), dict(type='mmbdg.UncertaintyFilter', rate=0.1)],
    )
    plan = Synthesis.from_config(named | dict(uncertainty_rate=0.3, truncation=0.5, max_foreground=0.9))
    assert plan.source['truncation'] == 0.5
    assert [(entry['type'].removeprefix('mmbdg.'), entry.get('rate'), entry.get('max')) for entry in plan.filters] == [
        ('RejectionSampling', None, None),
        ('UncertaintyFilter', 0.3, None),
        ('ForegroundFilter', None, 0.9),
    ]
    assert named['filters'][1]['rate'] == 0.1  # the config itself is unchanged
    without = Synthesis.from_config(named | dict(classifier=None))
    assert [entry['type'] for entry in without.filters] == ['mmbdg.UncertaintyFilter']
    assert [e['type'] for e in Synthesis.from_config(dict(labelled_generator='fashion32')).filters] == ['mmbdg.UncertaintyFilter']


LABELLED, PHOTOS = dict(type='mmbdg.LabelledGeneratorSource', labelled_generator='fashion32'), dict(type='mmbdg.TestPhotos')


@pytest.mark.parametrize(
    ('keys', 'message'),
    [
        (dict(source=dict(type='mmbdg.Nothing')), 'synthesis.source: there is no source'),
        (dict(source=dict(type='os.system', command='true')), "there is no source 'os.system'"),
        (dict(source='fashion32'), 'source: .*dictionary'),
        (dict(source=LABELLED | dict(trunctation=1.0)), r'takes no "trunctation"; did you mean "truncation"\?'),
        (dict(source=LABELLED | dict(seed=1)), 'takes no "seed"'),
        (dict(source=dict(type='mmbdg.LabelledGeneratorSource')), 'synthesis.source.labelled_generator is missing'),
        (dict(source=LABELLED | dict(truncation=-1.0)), 'truncation'),
        (dict(source=PHOTOS, truncation=0.5), 'truncation belongs to mmbdg.LabelledGeneratorSource'),
        (dict(truncation=0.5), 'synthesis.source is missing'),
        (dict(source=LABELLED, filters=[dict(type='mmbdg.Uncertainty')]), r'did you mean "mmbdg.UncertaintyFilter"\?'),
        (dict(source=LABELLED, filters=[dict(type='mmbdg.UncertaintyFilter', rates=0.1)]), r'filters.0: .* takes no "rates"'),
        (dict(source=LABELLED, filters=[dict(type='mmbdg.UncertaintyFilter', rate='0.1')]), 'filters.0 is not as it should be: rate'),
        (dict(source=LABELLED, filters=[dict(type='mmbdg.UncertaintyFilter')] * 2), 'two filters have the name "uncertainty"'),
        (dict(source=LABELLED, filters=[dict(type='mmbdg.UncertaintyFilter', name='a b')]), 'letters, digits and _'),
        (dict(source=LABELLED, filters=[dict(type='mmbdg.RejectionSampling')]), 'filters.0.classifier is missing'),
        (
            dict(
                source=LABELLED,
                filters=[dict(type='mmbdg.UncertaintyFilter'), dict(type='mmbdg.RejectionSampling', classifier=dict(type='timm'))],
            ),
            'move it before the mask filters',
        ),
        (
            dict(
                source=LABELLED,
                uncertainty_rate=0.2,
                filters=[dict(type='mmbdg.UncertaintyFilter', name='a'), dict(type='mmbdg.UncertaintyFilter', name='b')],
            ),
            'uncertainty_rate is ambiguous',
        ),
    ],
)
def test_errors_before_any_work(keys, message):
    with pytest.raises(InputError, match=message):
        Synthesis.from_config(keys).kept  # noqa: B018


@pytest.mark.parametrize('kind', ['UncertaintyFilter', 'ForegroundFilter'])
def test_a_filter_of_masks_needs_masks(tmp_path, kind):
    with pytest.raises(InputError, match=f'{kind} needs masks, but TestPhotos has none'):
        synthesize(photos(filters=[dict(type=f'mmbdg.{kind}')]), tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('key', ['tokens', 'uncertainty_maps'])
def test_a_source_gives_what_is_to_be_written(tmp_path, key):
    with pytest.raises(InputError, match=key):
        synthesize(photos(**{key: True}), tmp_path / 'out')


def test_a_plan_that_is_data_builds_registered_types_only():
    for registry, kind in ((SOURCES, Source), (FILTERS, Filter)):
        with pytest.raises(InputError, match='os.system'):
            checked_config(dict(type='os.system'), registry, (kind,), 'plan.json')


def test_a_labelled_generator_is_still_loaded_by_the_old_room():
    from mmbdg.sources import LabelledGenerator as old

    assert old is LabelledGenerator
