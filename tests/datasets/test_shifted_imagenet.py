"""ImageNet-V2, -Sketch, -R and -A on small folders in their layout, and complete copies of one image."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmpretrain.datasets import ImageNet

from mmbdg.assets.class_lists import class_names, folder_names, imagenet_subsets
from mmbdg.datasets import ShiftedImageNet
from mmbdg.datasets.shifted_imagenet import published_set
from mmbdg.errors import InputError
from mmbdg.evaluation.subset_accuracy import indices_of
from mmbdg.files import write_png

WNIDS = folder_names('in1k')
PIPELINE = [dict(type='mmbdg.LoadImage'), dict(type='CenterCrop', crop_size=4), dict(type='PackInputs')]
SUFFIX = dict(v2='jpeg', sketch='JPEG', r='jpg', a='jpg')
"""The endings of the published files; what a file contains decides how it is read."""


@pytest.fixture(autouse=True)
def _mmpretrain():
    """Parts without a scope are those of mmpretrain; other tests may have left another scope."""
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        yield


def fill(root: Path, name: str, counts: dict[str, int]) -> str:
    """Class folders with as many images as given, all of them links to one."""
    one = root.parent / 'one.png'
    write_png(one, np.full((6, 8, 3), 200, np.uint8))
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True)
        for number in range(count):
            os.link(one, root / folder / f'{number}.{SUFFIX[name]}')
    return str(root)


def complete(root: Path, name: str, images: int) -> str:
    folders = list(published_set(name).folders)
    return fill(root, name, {folder: images // len(folders) + (place < images % len(folders)) for place, folder in enumerate(folders)})


def labels(dataset: ShiftedImageNet) -> list[int]:
    return [item['gt_label'] for item in dataset.load_data_list()]


def test_folders_of_v2_are_numbers(tmp_path):
    """As text the folders would sort 0, 10, 2: then folder 10 would be class 1."""
    dataset = ShiftedImageNet(fill(tmp_path / 'v2', 'v2', {'0': 1, '10': 2, '2': 1, '999': 1}), 'v2', partial=True)
    assert [(item['gt_label'], Path(item['img_path']).parent.name) for item in dataset.load_data_list()] == [
        (0, '0'), (2, '2'), (10, '10'), (10, '10'), (999, '999'),
    ]  # fmt: skip


def test_labels_are_indices_of_all_classes(tmp_path):
    """The folders of a set are a part of the wnids; a sorted list of these folders would number them 0, 1, 2."""
    for name in ('r', 'a', 'sketch'):
        wnids = imagenet_subsets().get(f'imagenet-{name}', WNIDS)[5:8]
        dataset = ShiftedImageNet(fill(tmp_path / name, name, dict.fromkeys(wnids, 1)), name, partial=True, pipeline=PIPELINE)
        assert labels(dataset) == [WNIDS.index(wnid) for wnid in wnids] == indices_of(wnids, WNIDS)
        item = dataset[1]
        assert item['data_samples'].gt_label.tolist() == [WNIDS.index(wnids[1])]
        assert item['inputs'].shape == (3, 4, 4) and torch.all(item['inputs'] == 200)
        assert dataset.metainfo['classes'] == class_names('in1k')


def test_classes_are_in_mmpretrains_order():
    assert len(class_names('in1k')) == len(ImageNet.METAINFO['classes']) == 1000
    for index, word in {0: 'tench', 134: 'crane', 517: 'crane', 657: 'missile', 744: 'missile', 999: 'toilet'}.items():
        assert word in ImageNet.METAINFO['classes'][index]


@pytest.mark.parametrize(('name', 'images'), [('v2', 10_000), ('a', 7_500)])
def test_complete_copies(tmp_path, name, images):
    root = complete(tmp_path / name, name, images)
    found = labels(ShiftedImageNet(root, name))
    assert len(found) == images and found == sorted(found) and set(found) == set(published_set(name).folders.values())
    folder = Path(root) / list(published_set(name).folders)[3]
    first = sorted(folder.iterdir())[0]
    os.link(first, folder / f'more{first.suffix}')
    more = f'class folder {folder.name} has 11 images instead of 10' if name == 'v2' else f'there are {images + 1:,} images'
    with pytest.raises(InputError, match=more):
        ShiftedImageNet(root, name)
    assert len(ShiftedImageNet(root, name, partial=True)) == images + 1


def test_published_counts():
    assert {name: (len(published_set(name).folders), published_set(name).images) for name in SUFFIX} == {
        'v2': (1000, (10_000,)), 'sketch': (1000, (50_889, 50_000)), 'r': (200, (30_000,)), 'a': (200, (7_500,)),
    }  # fmt: skip


def test_incomplete_copies(tmp_path):
    wnids = imagenet_subsets()['imagenet-r']
    root = fill(tmp_path / 'r', 'r', dict.fromkeys(wnids[1:], 1))
    with pytest.raises(InputError, match=f'no complete copy of ImageNet-R(.|\n)*1 of 200 class folders are missing, e.g. {wnids[0]}'):
        ShiftedImageNet(root, 'r')
    with pytest.raises(InputError, match='there are 199 images; published are 30,000'):
        ShiftedImageNet(root, 'r')
    with pytest.raises(InputError, match='there are 1 images; published are 50,889 or 50,000'):
        ShiftedImageNet(fill(tmp_path / 'sketch', 'sketch', {WNIDS[0]: 1}), 'sketch')
    assert len(ShiftedImageNet(root, 'r', partial=True)) == 199


def test_wrong_folders(tmp_path):
    wnids = imagenet_subsets()['imagenet-a']
    root = Path(fill(tmp_path / 'a', 'a', {wnids[0]: 1, wnids[1]: 1}))
    for name, message in {
        'sea lion': 'sea lion is no wnid',
        'n00000001': 'n00000001 is no class of ImageNet-1k',
        'n01440764': 'n01440764 is a class of ImageNet, but not of ImageNet-A: is this another set',
    }.items():
        (root / name).mkdir()
        for partial in (True, False):
            with pytest.raises(InputError, match=message):
                ShiftedImageNet(str(root), 'a', partial=partial)
        (root / name).rmdir()
    (root / '.ipynb_checkpoints').mkdir()  # no data
    (root / 'README.txt').write_text('of the archive')
    assert len(ShiftedImageNet(str(root), 'a', partial=True)) == 2
    with pytest.raises(InputError, match='has no class folders of ImageNet-A .n01498041, ....* but a: set data_root to the folder'):
        ShiftedImageNet(str(tmp_path), 'a', partial=True)
    numbers = fill(tmp_path / 'v2', 'v2', {'0': 1, '01': 1, '1000': 1})
    with pytest.raises(InputError, match='01 is no class index from 0 to 999\n  1000 is no class index'):
        ShiftedImageNet(numbers, 'v2', partial=True)
    with pytest.raises(InputError, match='there is no folder .*nowhere; get ImageNet-Sketch as docs/out_of_domain.md says'):
        ShiftedImageNet(str(tmp_path / 'nowhere'), 'sketch')
    with pytest.raises(InputError, match='has no class folders of ImageNet-R'):
        (tmp_path / 'empty').mkdir()
        ShiftedImageNet(str(tmp_path / 'empty'), 'r', partial=True)


def test_damaged_copies(tmp_path):
    wnids = imagenet_subsets()['imagenet-a']
    root = Path(fill(tmp_path / 'a', 'a', {wnids[0]: 1, wnids[1]: 0}))
    (root / wnids[0] / '1.jpg').touch()
    with pytest.raises(InputError, match=f'{wnids[0]}/1.jpg is empty(.|\n)*{wnids[1]} has no images'):
        ShiftedImageNet(str(root), 'a', partial=True)


def test_wrong_arguments(tmp_path):
    with pytest.raises(InputError, match='are "v2", "sketch", "r" and "a"; got \'imagenet-r\''):
        ShiftedImageNet(str(tmp_path), 'imagenet-r')
    with pytest.raises(InputError, match='takes no ann_file, with_label'):
        ShiftedImageNet(str(tmp_path), 'r', with_label=False, ann_file='x.txt')
