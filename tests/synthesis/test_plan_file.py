"""logs/plan.json is untrusted data."""

import json

import pytest

from mmbdg.errors import InputError
from mmbdg.synthesis import Synthesis
from mmbdg.synthesis.plan_file import read_plan, write_plan

SOURCE = dict(type='mmbdg.RetrievalSource', pool='p', index='i', classes=['bag'], resolution=32, mode='knn')


def write(root, source, filters=()):
    (root / 'logs').mkdir(exist_ok=True)
    (root / 'logs/plan.json').write_text(json.dumps(dict(source=source, filters=list(filters))))
    return root


def test_an_embedder_of_data_names_no_program(tmp_path):
    marker = tmp_path / 'ran'
    (tmp_path / 'config.py').write_text(f'open({str(marker)!r}, "w")\nmodel = dict()')
    classifier = dict(type='mmpretrain', config=str(tmp_path / 'config.py'), checkpoint='x.pth')
    embedder = dict(type='mmbdg.ClassifierFeatures', classifier=classifier)
    with pytest.raises(InputError, match='source.embedder.classifier names the config .*configs are programs'):
        read_plan(write(tmp_path, SOURCE | dict(embedder=embedder)))
    deep = {}
    for _ in range(50):
        deep = dict(more=deep)
    with pytest.raises(InputError, match='is nested too deeply'):
        read_plan(write(tmp_path, SOURCE | dict(embedder=deep)))
    with pytest.raises(InputError, match='filters.0.classifier names the config'):
        filters = [dict(type='mmbdg.RejectionSampling', classifier=classifier)]
        read_plan(write(tmp_path, dict(type='mmbdg.LabelledGeneratorSource', labelled_generator='fashion32'), filters))
    assert not marker.exists()


def test_paths_of_sources_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ('p', 'i', 'clip'):
        (tmp_path / name).mkdir()
    embedder = dict(type='mmbdg.OpenCLIP', folder='clip')
    (tmp_path / 'out/logs').mkdir(parents=True)
    write_plan(tmp_path / 'out', Synthesis.from_config(dict(source=SOURCE | dict(embedder=embedder), num_per_class=1)))
    read = read_plan(tmp_path / 'out').source
    assert read['pool'] == str(tmp_path / 'p') and read['index'] == str(tmp_path / 'i')
    assert read['embedder']['folder'] == str(tmp_path / 'clip') and read['classes'] == ['bag']
