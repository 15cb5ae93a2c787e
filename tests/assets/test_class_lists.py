"""The 1,000 classes of ImageNet and the paper's class groups."""

import hashlib
import json
from collections import Counter
from itertools import chain
from pathlib import Path

import pytest
from conftest import ROOT as REPOSITORY
from conftest import run_tool

from mmbdg.annotation import class_folders
from mmbdg.assets import ROOT, resolve
from mmbdg.assets.class_lists import class_names, folder_names, imagenet_groups, imagenet_subsets
from mmbdg.errors import InputError

FOLDER = ROOT / 'in1k'
WORDNET = Path('/usr/share/wordnet/data.noun')
MISSING = {44, 49, 430, 457, 486, 513, 752, 843, 875}
BIRDS = [*range(7, 25), *range(80, 101), *range(127, 147)]


def test_classes():
    names, wnids = class_names('in1k'), folder_names('in1k')
    assert len(names) == len(wnids) == 1000 and list(wnids) == sorted(set(wnids))
    assert (wnids[0], names[0]) == ('n01440764', 'tench') and (wnids[999], names[999]) == ('n15075141', 'toilet paper')
    assert len({name.lower() for name in names}) == 1000 and all(name == name.strip() != '' for name in names)
    assert len(set(class_folders(names))) == 1000  # folder names for images to annotate
    assert names[134] == 'crane bird' and names[517] == 'construction crane' and names[21] == 'kite (bird of prey)'
    assert [names[i] for i in (282, 638, 639, 657, 744, 836, 837, 998)] == [
        'tiger cat', 'maillot', 'one-piece bathing suit', 'missile', 'projectile', 'sunglass', 'sunglasses', 'ear of grain'
    ]  # fmt: skip


def test_an_embedded_generators_classes():
    assert class_names('fashion32')[:2] == ('t-shirt', 'trouser') and folder_names('fashion32')[:2] == ('t-shirt', 'trouser')


def test_lists_stay_lists():
    assert class_names(['a', 'b']) == folder_names(('a', 'b')) == ('a', 'b')
    for function in (class_names, folder_names):
        with pytest.raises(InputError, match='a list of names, "in1k", or .*; got "in21k"'):
            function('in21k')


def test_groups():
    groups = imagenet_groups()
    sizes = {space: (len(labels), sum(map(len, labels.values()))) for space, labels in groups.items()}
    assert sizes == dict(dog=(1, 118), bird=(1, 59), mc16=(15, 224), mc100=(100, 100), mc128=(127, 1000), mc992=(991, 991))
    for labels in groups.values():
        leaves = list(chain(*labels.values()))
        assert len(leaves) == len(set(leaves)) and set(leaves) <= set(range(1000))
    assert groups['dog']['dog'] == list(range(151, 269)) and groups['bird']['bird'] == BIRDS


def test_mc16():
    mc16, names = imagenet_groups()['mc16'], class_names('in1k')
    assert list(mc16) == [
        'aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus', 'car', 'cat', 'chair', 'diningtable', 'dog', 'horse', 'person', 'sheep',
        'train',
    ]  # fmt: skip
    assert mc16['bird'] == BIRDS and mc16['dog'] == list(range(151, 269)) and mc16['cat'] == list(range(281, 288))
    assert [len(mc16[name]) for name in ('boat', 'bottle', 'bus', 'car', 'chair', 'person')] == [6, 7, 3, 10, 4, 3]
    assert names[mc16['aeroplane'][0]] == 'airliner' and 'school bus' in [names[i] for i in mc16['bus']]
    assert not MISSING & set(chain(*mc16.values()))


def test_one_label_a_class():
    groups, names = imagenet_groups(), class_names('in1k')
    for space in ('mc100', 'mc992'):
        assert all(name == names[i] for name, (i,) in groups[space].items())
    ids = [i for (i,) in groups['mc992'].values()]
    assert ids == sorted(set(range(1000)) - MISSING)
    ids = [i for (i,) in groups['mc100'].values()]
    assert ids[:3] == [2, 4, 6] and ids[-3:] == [913, 940, 993] and not MISSING & set(ids)


def test_mc128():
    mc128 = imagenet_groups()['mc128']
    sizes = Counter({name: len(ids) for name, ids in mc128.items()})
    assert sizes.most_common(8) == [
        ('mammal', 218), ('device', 124), ('container', 92), ('bird', 59), ('structure', 57), ('arthropod', 47), ('covering', 43),
        ('garment', 25),
    ]  # fmt: skip
    assert sum(size == 1 for size in sizes.values()) == 65 and mc128['bird'] == BIRDS
    assert {name for name, ids in mc128.items() if set(ids) <= MISSING} == {'anguid lizard', 'crocodile', 'sports implement'}
    assert [ids[0] for ids in mc128.values()] == sorted(ids[0] for ids in mc128.values())  # labels are ordered by their first class


def test_cards():
    cards = json.loads((FOLDER / 'cards.json').read_text())
    assert {path.name for path in FOLDER.iterdir()} == {'cards.json', *cards}
    for name, card in cards.items():
        assert card['sha256'] == hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()


def test_made_again_from_wordnet(tmp_path):
    if not WORDNET.is_file():
        pytest.skip(f'there is no {WORDNET}: apt-get install wordnet-base')
    tool = REPOSITORY / 'tools' / 'dataset_converters' / 'imagenet_label_spaces.py'
    run_tool(tool, tmp_path, '--classes', FOLDER / 'classes.json')
    for path in FOLDER.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_another_wordnet_is_refused(tmp_path):
    tool = REPOSITORY / 'tools' / 'dataset_converters' / 'imagenet_label_spaces.py'
    (tmp_path / 'data.noun').write_text('  1 This software and database is being provided to you\n' * 300000)
    result = run_tool(tool, tmp_path, '--classes', FOLDER / 'classes.json', '--wordnet', tmp_path / 'data.noun', check=False)
    assert result.returncode == 2 and 'is not data.noun of WordNet 3.0' in result.stdout
    result = run_tool(tool, tmp_path, '--wordnet', tmp_path / 'none', check=False)
    assert result.returncode == 2 and 'apt-get install wordnet-base' in result.stdout


def test_subsets_are_those_of_timm(tmp_path):
    """The lists of ImageNet-R and -A are timm's, and their indices are ours."""
    pytest.importorskip('timm')
    timm = Path(resolve('package://timm/data/_info'))
    subsets, wnids = imagenet_subsets(), folder_names('in1k')
    assert {name: len(set(subset)) for name, subset in subsets.items()} == {'imagenet-a': 200, 'imagenet-r': 200}
    for name, subset in subsets.items():
        stem = name.replace('-', '_')
        assert set((timm / f'{stem}_synsets.txt').read_text().split()) == set(subset)
        assert [wnids.index(wnid) for wnid in subset] == sorted(map(int, (timm / f'{stem}_indices.txt').read_text().split()))
    card = json.loads((ROOT / 'in1k_subsets' / 'cards.json').read_text())['subsets.json']
    assert card['sha256'] == hashlib.sha256((ROOT / 'in1k_subsets' / 'subsets.json').read_bytes()).hexdigest()
    run_tool(REPOSITORY / 'tools' / 'dataset_converters' / 'imagenet_subsets.py', tmp_path)
    for path in (ROOT / 'in1k_subsets').iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
