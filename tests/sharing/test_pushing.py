"""Uploads to, and downloads from, the Hugging Face hub: huggingface_hub itself against a small server on the loopback interface."""

import json
import pickle
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from fake_hub import TOKEN, Repository, fake_hub
from huggingface_hub import constants

from mmbdg.errors import InputError
from mmbdg.file_hashes import HASHES
from mmbdg.files import sha256, write_json
from mmbdg.sharing import pushing
from mmbdg.sharing.model_folder import write_model_folder
from mmbdg.sources import LabelledGenerator
from mmbdg.sources.hub import downloaded
from mmbdg_cli.run import started_as

DATASET = ROOT / 'tests/golden/datasets/0.5.0/folder'
GIT = {'.gitattributes': b''}
"""What the hub puts into each repository."""
MAIN = runpy.run_path(str(ROOT / 'tools/push.py'), run_name='tool')['main']


@pytest.fixture(autouse=True)
def _no_memory():
    downloaded.cache_clear()


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """The server; huggingface_hub talks to it, with an empty cache and the token that may write."""
    with fake_hub() as server:
        monkeypatch.setattr(constants, 'ENDPOINT', server.endpoint)
        monkeypatch.setattr(constants, 'HUGGINGFACE_CO_URL_TEMPLATE', server.endpoint + '/{repo_id}/resolve/{revision}/{filename}')
        monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'home' / 'cache'))
        monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', False)
        monkeypatch.setattr(constants, 'HF_TOKEN_PATH', str(tmp_path / 'no_token'))
        monkeypatch.setenv('HF_TOKEN', TOKEN)
        monkeypatch.setenv('NO_PROXY', '127.0.0.1')
        yield server


@pytest.fixture(scope='module')
def prepared(tiny_labelled_generator, tmp_path_factory) -> Path:
    """What a dry run writes."""
    out = tmp_path_factory.mktemp('prepared') / 'model'
    write_model_folder(tiny_labelled_generator, out, 'org/shapes', 'CC0-1.0')
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob('*')) if path.is_file()}


def put(hub, files: dict[str, bytes], name: str = 'org/shapes') -> str:
    downloaded.cache_clear()
    return hub.repositories.setdefault(f'models/{name}', Repository()).commit(files)


def tool(monkeypatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, 'argv', ['push.py', *map(str, arguments)])
    MAIN()


def test_a_labelled_generator_goes_up_and_comes_down(hub, tiny_labelled_generator, prepared, monkeypatch, capfd, tmp_path):
    tool(monkeypatch, tiny_labelled_generator, 'org/shapes', '--licence', 'CC0-1.0')
    first = hub.repositories['models/org/shapes'].branches['main']
    output = capfd.readouterr()
    assert f"LabelledGenerator.load('org/shapes@{first}')" in output.out
    files = hub.repositories['models/org/shapes'].files('main')
    assert files == GIT | contents(prepared)  # a dry run writes what is uploaded
    here, there = (LabelledGenerator.load(place) for place in (tiny_labelled_generator, f'org/shapes@{first}'))
    assert all(np.array_equal(a, b) for a, b in zip(here.sample(1, 3), there.sample(1, 3), strict=True))
    assert there.licence == 'CC0-1.0' and here.licence == ''
    tool(monkeypatch, tiny_labelled_generator, 'org/shapes', '--licence', 'MIT')
    assert LabelledGenerator.load('org/shapes').licence == 'MIT'
    assert LabelledGenerator.load(f'org/shapes@{first}').licence == 'CC0-1.0'  # pinned
    tool(monkeypatch, prepared, 'org/shapes', '--revision', 'v1')
    assert LabelledGenerator.load('org/shapes@v1').licence == 'CC0-1.0' and LabelledGenerator.load('hf://org/shapes').licence == 'MIT'
    output = capfd.readouterr()
    assert TOKEN not in output.out + output.err
    assert not any(TOKEN.encode() in data for data in contents(tmp_path).values())
    assert any('validate-yaml' in one for one in hub.asked)


def test_a_dataset_goes_up(hub, monkeypatch, tmp_path, capfd):
    monkeypatch.setattr(started_as, 'words', 'mmbdg push')
    tool(monkeypatch, DATASET, 'org/garments', '--dataset', '--dry-run', tmp_path / 'dry')
    assert 'nothing was uploaded' in (output := capfd.readouterr().out) and 'train/metadata.jsonl' in output
    assert output.rstrip().endswith(f'mmbdg push {tmp_path}/dry org/garments --dataset')
    assert hub.asked == []
    tool(monkeypatch, DATASET, 'org/garments', '--dataset')
    assert hub.repositories['datasets/org/garments'].files('main') == GIT | contents(tmp_path / 'dry')
    tool(monkeypatch, DATASET, 'org/garments', '--dataset', '--layout', 'webdataset')
    assert sorted(hub.repositories['datasets/org/garments'].files('main')) == [
        *('.gitattributes', 'README.md', HASHES, 'labels.json', 'train/000000.tar')
    ]  # without the files of the other layout
    tool(monkeypatch, tmp_path / 'dry', 'org/garments', '--dataset')
    assert hub.repositories['datasets/org/garments'].files('main') == GIT | contents(tmp_path / 'dry')


def test_a_damaged_download_is_refused(hub, prepared):
    files = contents(prepared)
    damaged = bytearray(files['interpreter.safetensors'])
    damaged[-1] ^= 1
    put(hub, files | {'interpreter.safetensors': bytes(damaged)})
    with pytest.raises(InputError, match='refused: .* hashes.json: interpreter.safetensors has another SHA-256 checksum. Remove'):
        LabelledGenerator.load('org/shapes')
    put(hub, {name: data for name, data in files.items() if name != 'interpreter.safetensors'})
    with pytest.raises(InputError, match='interpreter.safetensors is missing'):
        LabelledGenerator.load('org/shapes')
    put(hub, files | {'more.json': b'{}'})
    with pytest.raises(InputError, match='more.json is not listed'):
        LabelledGenerator.load('org/shapes')
    put(hub, files | {HASHES: b'{"files": {"../x": {"bytes": 1, "sha256": "%s"}}}' % (b'0' * 64)})
    with pytest.raises(InputError, match='leads out of its folder'):
        LabelledGenerator.load('org/shapes')


class Runs:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def test_pickles_are_not_read(hub, prepared, tmp_path):
    files, pickled = contents(prepared), pickle.dumps(Runs(tmp_path / 'marker'))
    more = {'pytorch_model.bin': pickled, 'model.pt': pickled, 'modeling.py': b'raise SystemExit', 'x.pkl': pickled}
    put(hub, files | more)
    assert LabelledGenerator.load('org/shapes').num_classes == 3
    assert not any(name in one for one in hub.asked for name in more)
    named = json.loads(files[HASHES])
    (tmp_path / 'p').write_bytes(pickled)
    named['files']['generator.safetensors'] = dict(bytes=len(pickled), sha256=sha256(tmp_path / 'p'))
    put(hub, files | {'generator.safetensors': pickled, HASHES: json.dumps(named).encode()})
    with pytest.raises(InputError, match='generator.safetensors'):
        LabelledGenerator.load('org/shapes')
    del files['generator.safetensors'], files[HASHES]
    put(hub, files | {'generator.bin': pickled})
    with pytest.raises(InputError, match='org/shapes has no generator.safetensors. Weights in other formats .* are pickles'):
        LabelledGenerator.load('org/shapes')
    assert not (tmp_path / 'marker').exists()


def test_names_do_not_lead_out_of_the_cache(hub, prepared, tmp_path):
    put(hub, contents(prepared))
    for name in ('org/shapes@../../../../x', 'org/shapes@a/../../x', 'org/shapes@/x', 'org/..', '../org', 'org/a..b', 'org/a--b', 'o/n@..'):
        with pytest.raises(InputError, match='no labelled generator at|not the name of a repository'):
            LabelledGenerator.load(name)
        with pytest.raises(InputError, match='not the name of a repository'):
            downloaded(f'hf://{name}')
        with pytest.raises(InputError, match='not the name of a repository'):
            pushing.check_target(name)
    assert hub.asked == []
    put(hub, contents(prepared) | {'../../../../../evil.json': b'{}'})
    with pytest.raises(InputError, match='cannot be read from the Hugging Face hub: '):
        LabelledGenerator.load('org/shapes')
    assert sorted(path.name for path in tmp_path.iterdir()) == ['home'] and not list(tmp_path.rglob('evil.json'))


def test_what_cannot_be_reached_is_said_plainly(hub, prepared, monkeypatch):
    def said(name: str) -> str:
        with pytest.raises(InputError) as error:
            LabelledGenerator.load(name)
        assert '\n' not in str(error.value) and TOKEN not in str(error.value)
        return str(error.value)

    put(hub, contents(prepared))
    put(hub, contents(prepared), 'org/gated')
    hub.repositories['models/org/gated'].gated = True
    assert 'RepositoryNotFoundError: there is no such repository' in said('org/none')
    assert 'RevisionNotFoundError: the repository has no such revision' in said('org/shapes@v9')
    assert 'GatedRepoError: its owner grants access' in said('org/gated')
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    assert 'LocalEntryNotFoundError: the hub cannot be reached' in said('org/shapes')
    with pytest.raises(InputError, match='HF_HUB_OFFLINE is set: nothing can be uploaded'):
        pushing.check_login()
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', False)
    assert LabelledGenerator.load('org/shapes').num_classes == 3
    downloaded.cache_clear()
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    assert LabelledGenerator.load('org/shapes').num_classes == 3  # from the cache


def test_uploads_that_are_refused(hub, prepared, tiny_labelled_generator, monkeypatch, tmp_path):
    def refused(match: str, *arguments: object) -> None:
        with pytest.raises(InputError, match=match) as error:
            tool(monkeypatch, *arguments)
        assert TOKEN not in str(error.value)

    refused('states no licence', tiny_labelled_generator, 'org/shapes', '--dry-run', tmp_path / 'dry')
    refused('--layout is for datasets', tiny_labelled_generator, 'org/shapes', '--layout', 'imagefolder')
    refused('--figures is for labelled generators', DATASET, 'org/x', '--dataset', '--figures', 'f.json')
    put(hub, {'pytorch_model.bin': b'x', 'README.md': b''}, 'org/other')
    refused(r'org/other holds files .*\(pytorch_model.bin, 1 in all\)', prepared, 'org/other')
    assert set(hub.repositories['models/org/other'].files('main')) == {'pytorch_model.bin', 'README.md'}
    refused('is prepared already, so --licence has no effect', prepared, 'org/shapes', '--licence', 'MIT')
    refused("'../x' is not the name of a branch", prepared, 'org/shapes', '--revision', '../x')
    changed = tmp_path / 'changed'
    changed.mkdir()
    for name, data in contents(prepared).items():
        (changed / name).write_bytes(data)
    (changed / 'model.pkl').write_bytes(b'x')
    refused('model.pkl is not listed', changed, 'org/shapes')
    (changed / 'model.pkl').rename(changed / 'labelled_generator.json')
    refused('labelled_generator.json has 1 bytes', changed, 'org/shapes')
    monkeypatch.setenv('HF_TOKEN', 'hf_' + 'wrong' * 5)
    refused('HfHubHTTPError: you are not logged in, or may not do this', prepared, 'org/shapes')
    monkeypatch.delenv('HF_TOKEN')
    refused('you are not logged in', prepared, 'org/shapes')
    assert 'models/org/shapes' not in hub.repositories


def test_figures(tiny_labelled_generator, tmp_path):
    write_json(tmp_path / 'figures.json', {'mIoU (own test)': 61.25, 'a | b': '<b>`x`'})
    write_model_folder(tiny_labelled_generator, tmp_path / 'out', 'org/x', 'MIT', tmp_path / 'figures.json')
    card = (tmp_path / 'out/README.md').read_text()
    assert '| `mIoU (own test)` | `61.25` |' in card and "| `a \\| b` | `<b>'x'` |" in card
    assert f'`{sha256(tiny_labelled_generator / "generator.safetensors")}`' in card
    write_json(tmp_path / 'figures.json', dict(x=[1]))
    with pytest.raises(InputError, match='is not as it should be: x'):
        write_model_folder(tiny_labelled_generator, tmp_path / 'other', 'org/x', 'MIT', tmp_path / 'figures.json')
