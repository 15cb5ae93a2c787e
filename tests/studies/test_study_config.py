"""Errors in a study's config are reported before a tool runs."""

import pytest
from conftest import ROOT
from tiny_study import TinyStudy

from mmbdg.assets.class_lists import class_names
from mmbdg.engine.launch import read_fitted
from mmbdg.errors import InputError
from mmbdg.leaderboard.domains import DOMAINS
from mmbdg.storage.label_spaces import label_space
from mmbdg.studies import read_study
from mmbdg.studies.study import chosen

STUDIES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / 'configs/studies').glob('*.py'))


@pytest.fixture
def tiny(tmp_path):
    return TinyStudy(tmp_path)


@pytest.mark.parametrize('path', STUDIES)
def test_every_study_is_whole(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    study = read_study(path, ROOT / 'tools')
    for row in study.rows:
        assert all(step.config is None or (ROOT / step.config).is_file() for step in row.steps)
        assert not row.paper or row.paper.keys() == {column.name for column in study.columns_of(row)}
        assert all(published.keys() == {figure.name for figure in study.figures} for published in row.paper.values())


def test_the_papers_figures(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert read_study('configs/studies/chest_xray.py', ROOT / 'tools').row('ours').paper['1'] == dict(mIoU=67.6)
    assert read_study('configs/studies/voc_segmentation.py', ROOT / 'tools').row('densecl').paper == dict(all=dict(mIoU=69.2))


def test_what_studies_inherit(monkeypatch):
    """A study that inherits from another one, or from a base, sets their variables."""
    monkeypatch.chdir(ROOT)
    linear = read_study('configs/studies/frozen_linear.py', ROOT / 'tools')
    assert {row.steps[-1].config for row in linear.rows} == {'configs/transfer/fashion/linear_r18_frozen.py'}
    assert linear.reference.startswith('docs/transfer/linear_r18_frozen.json:')
    detection = read_study('configs/studies/voc_detection.py', ROOT / 'tools', dict(ours='mine.safetensors', processes=2))
    assert [row.name for row in detection.rows] == ['random', 'supervised', 'moco', 'densecl', 'ours']
    assert [figure.name for figure in detection.figures] == ['mAP', 'AP50', 'AP75'] and detection.paper == 'Table 4, detection'
    (step,) = detection.row('ours').steps
    assert (step.config, step.processes) == ('configs/transfer/voc/faster-rcnn_r50-c4_24k_voc0712.py', 2)
    assert step.options == {'randomness.seed': '{seed}', 'pretrained': 'mine.safetensors'}
    assert detection.row('ours').paper == dict(all=dict(mAP=58.2, AP50=83.0, AP75=65.5))


def test_generators_are_compared_by_the_same_steps(monkeypatch):
    monkeypatch.chdir(ROOT)
    study, steps = (read_study(f'configs/studies/{name}.py', ROOT / 'tools') for name in ('generators', 'diffusion_steps'))
    assert [[step.name for step in row.steps] for row in study.rows] == [
        names[row.name == 'BigGAN' :] for row in study.rows for names in [['annotate', 'interpreter', 'synthesize', 'compare', 'segmentor']]
    ]
    of_generator = {'generator_weights', 'generator.guidance', 'annotated'}
    trainings = [{key: value for key, value in row.steps[-4].options.items() if key not in of_generator} for row in study.rows]
    assert all(training == trainings[0] for training in trainings)
    assert all(row.steps[-2:] == study.rows[0].steps[-2:] for row in study.rows)
    assert steps.row('ddim_10').steps == study.row('UNet').steps[:-1]  # so that both studies can share them
    assert study.per_seed == steps.per_seed and 2 not in study.per_seed['synthesis_seed']


def test_benchmark_of_garments_has_the_tasks_of_the_leaderboard(monkeypatch):
    monkeypatch.chdir(ROOT)
    study, domain = read_study('configs/studies/benchmark_fashion.py', ROOT / 'tools'), DOMAINS['fashion']
    assert [column.name for column in study.columns] == list(domain.by_name)
    for row in study.rows:
        assert study.varied_steps(row) == [step.name for step in row.steps[-2:]] == ['train', 'test']
    for column in study.columns:
        cfg = read_fitted(row.steps[-1].config, column.options)
        task = domain.by_name[column.name]
        assert label_space(cfg.label_space, class_names('fashion32')).classes == task.labels
        assert cfg.model.decode_head.num_classes == len(task.labels)
        assert cfg.test_dataloader.dataset.label_space == cfg.train_dataloader.dataset.label_space == cfg.label_space


def set_step(**values):
    def change(content):
        content['rows'][0]['steps'][0] |= values

    return change


WRONG = [
    (set_step(tool='ad.py'), r'row "small", step "add": there is no tool .*/tools/ad\.py; did you mean "add\.py"\?'),
    (set_step(optoins={}), r'a step takes no key "optoins"; did you mean "options"\? \(it takes name, tool, '),
    (lambda c: c.update(row=[]), r'a study takes no key "row"; did you mean "rows"\?'),
    (set_step(outputs=dict(total='@last.txt')), r'step "read": unknown placeholder \{add\.sum\}; no earlier step makes "add\.sum"'),
    (set_step(arguments=['{sede}']), r'unknown placeholder \{sede\}; did you mean "seed"\?'),
    (set_step(outputs=dict(sum='../x')), 'must be a name and a path within the folder of the step'),
    (set_step(name='read'), r'row "small"'),
    (set_step(processes=0), 'processes: Input should be greater than or equal to 1'),
    (lambda c: c['rows'].append(c['rows'][0]), 'has duplicate rows: small'),
    (lambda c: c['columns'].append(c['columns'][0]), 'has duplicate columns: 100'),
    (lambda c: c.update(seeds=[0, 0]), 'has duplicate seeds: 0'),
    (lambda c: c['rows'][0]['steps'].append(c['rows'][0]['steps'][0]), 'has duplicate steps: add'),
    (lambda c: c.update(varied='ad'), 'varied: there is no step "ad"; did you mean "add"'),
    (lambda c: c.update(varied=['add', 'raed']), 'varied: there is no step "raed"; did you mean "read"'),
    (lambda c: c.update(varied=['add', 'read']), 'step "read": the column "100" sets options, but the step has no config'),
    (lambda c: c.update(varied=[]), 'List should have at least 1 item'),
    (lambda c: c.pop('varied'), 'the column "100" sets options, but the step has no config'),
    (lambda c: c.update(baseline='smal'), 'baseline: there is no row "smal"; did you mean "small"'),
    (lambda c: c.update(per_seed=dict(a=[1])), r'per_seed\.a has 1 values, but there are 3 seeds'),
    (lambda c: c['figures'][0].update(read='x'), 'figure "score" has read="x"; give FILE:KEY'),
    (lambda c: c['figures'][0].update(step='tset'), 'figure "score": there is no step "tset"'),
    (lambda c: c['rows'][0].update(columns=['1']), 'columns: there is no column "1"'),
    (lambda c: c['rows'][0].update(paper={'100': {'x': 1.0}}), 'paper: there is no figure "x"'),
]


@pytest.mark.parametrize(('change', 'message'), WRONG, ids=[message[:30] for _, message in WRONG])
def test_what_is_wrong_is_told(change, message, tiny):
    tiny.read()
    change(tiny.content)
    with pytest.raises(InputError, match=message):
        tiny.read()


def test_no_study(tiny):
    tiny.config.write_text('a = 1\n')
    with pytest.raises(InputError, match=r'tiny\.py has no study=dict'):
        read_study(tiny.config, tiny.tools)


def test_parts():
    assert chosen('row', ['c', 'a'], ['a', 'b', 'c']) == ['a', 'c'] and chosen('seed', None, [0, 1]) == [0, 1]
    with pytest.raises(InputError, match='the study has no row jont; did you mean "joint"\\?; it has random, joint'):
        chosen('row', ['jont'], ['random', 'joint'])
