"""Labelled generators from a repository of the Hugging Face hub. A local folder replaces the hub."""

import json
import shutil
import sys

import huggingface_hub
import numpy as np
import pytest

from mmbdg.errors import InputError
from mmbdg.sources import LabelledGenerator
from mmbdg.sources.hub import downloaded, may_be_repository
from mmbdg.synthesis.plan_file import read_plan


@pytest.fixture(autouse=True)
def _no_memory():
    downloaded.cache_clear()


@pytest.fixture
def asked(monkeypatch, tiny_labelled_generator):
    """Arguments of the calls of ``snapshot_download``, which returns a local folder."""
    calls = []

    def snapshot_download(repo_id, *, revision=None, allow_patterns=None):
        calls.append((repo_id, revision, allow_patterns))
        return str(tiny_labelled_generator)

    monkeypatch.setattr(huggingface_hub, 'snapshot_download', snapshot_download)
    return calls


@pytest.mark.parametrize(
    ('name', 'revision'), [('org/shapes-16', None), ('org/shapes-16@v1.0', 'v1.0'), ('hf://org/shapes-16@refs/pr/1', 'refs/pr/1')]
)
def test_a_repository(asked, tiny_labelled_generator, name, revision):
    one, other = (LabelledGenerator.load(place).sample(1, 3) for place in (name, tiny_labelled_generator))
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert asked == [('org/shapes-16', revision, ['*.safetensors', '*.json'])]  # one call, although the generator is loaded twice


def test_local_folders_come_first(asked, tiny_labelled_generator, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_labelled_generator, tmp_path / 'org' / 'shapes')
    assert LabelledGenerator.load('org/shapes').num_classes == 3 and LabelledGenerator.load('fashion32').num_classes == 10
    with pytest.raises(InputError, match='no labelled generator at org/other'):  # a misspelt path
        LabelledGenerator.load('org/other')
    assert asked == []


def test_names():
    assert may_be_repository('org/name') and may_be_repository('org/na.me-1_x@main') and may_be_repository('hf://tests/name')
    assert not any(map(may_be_repository, ('name', 'tests/name', '/org/name', './org/name', '../org/name', 'a/b/c', 'org/../x', 'org/')))
    with pytest.raises(InputError, match='write hf://ORG/NAME'):
        downloaded('hf://org/name/../../x')


def test_errors_are_one_line(monkeypatch, tmp_path):
    def offline(*args, **kwargs):
        raise huggingface_hub.errors.LocalEntryNotFoundError('Cannot find the requested files\nin the disk cache')

    monkeypatch.setattr(huggingface_hub, 'snapshot_download', offline)
    with pytest.raises(
        InputError, match='no labelled generator at org/name .*cannot be read from the Hugging Face hub: LocalEntry'
    ) as error:
        LabelledGenerator.load('org/name')
    assert '\n' not in str(error.value)
    monkeypatch.setattr(huggingface_hub, 'snapshot_download', lambda *args, **kwargs: str(tmp_path))
    with pytest.raises(InputError, match='holds no labelled generator: it has no labelled_generator.json'):
        LabelledGenerator.load('org/empty')
    monkeypatch.setitem(sys.modules, 'huggingface_hub', None)
    with pytest.raises(InputError, match=r'pip install "mmbdg\[hub\]"'):
        LabelledGenerator.load('org/another')


def test_a_file_of_data_starts_no_download(asked, tmp_path):
    (tmp_path / 'logs').mkdir()
    source = dict(type='mmbdg.LabelledGeneratorSource', labelled_generator='org/name')
    (tmp_path / 'logs' / 'plan.json').write_text(json.dumps(dict(source=source, filters=[])))
    with pytest.raises(InputError, match='names the repository org/name; data files must not start downloads'):
        read_plan(tmp_path)
    assert asked == []
