"""The commands of docs/transfer/data.md name missing files with their source and report what they found."""

from unittest import mock

import pytest
from conftest import ROOT
from one_process import run_here

OFFICIAL = 'mmbdg.converters'
FOUND = dict(images=4, without_instances=1, not_listed=0, instances=6, crowds=1)


@pytest.mark.parametrize(
    'tool, parts',
    [
        ('coco', ('annotations/instances_train2017.json is missing', 'instances_val2017.json is missing', 'annotations_trainval2017.zip')),
        ('voc', ('VOC2007/ImageSets/Main/trainval.txt', 'VOC2012/ImageSets/Segmentation/val.txt', 'VOCtest_06-Nov-2007.tar')),
        ('cityscapes', ('leftImg8bit/train: 0 instead of 2975', 'leftImg8bit/val: 0 instead of 500', 'gtFine_trainvaltest.zip')),
    ],
)
def test_nothing_is_there(tool, parts, tmp_path):
    output = run_here(f'tools/dataset_converters/{tool}.py', tmp_path, code=2)
    assert 'error: ' in output and 'Traceback' not in output and all(part in output for part in parts), output
    assert not any(tmp_path.iterdir())
    assert f'python tools/dataset_converters/{tool}.py data/' in (ROOT / 'docs/transfer/data.md').read_text()


def test_what_was_found_is_said(tmp_path):
    with mock.patch(f'{OFFICIAL}.coco.check_coco', return_value=dict(train2017=FOUND)):
        output = run_here('tools/dataset_converters/coco.py', tmp_path)
    assert 'train2017: 4 images, 1 without instances, 0 not listed, 6 instances, 1 crowds' in output
    with (
        mock.patch(f'{OFFICIAL}.voc.check_voc', return_value={'VOC2007 Main/test': 2}),
        mock.patch(f'{OFFICIAL}.voc.augment_voc', return_value=dict(trainaug=5, aug=3, made_now=1)) as augment,
    ):
        output = run_here('tools/dataset_converters/voc.py', tmp_path, '--without-sbd')
        assert 'VOC2007 Main/test: 2 images' in output and not augment.called
        output = run_here('tools/dataset_converters/voc.py', tmp_path, '--sbd', 'elsewhere')
    assert 'train_aug2012: 5 images, 3 of them from SBD; 1 masks made now' in output and augment.call_args.args[1] == 'elsewhere'
    with mock.patch(f'{OFFICIAL}.cityscapes.prepare_cityscapes', return_value=dict(train=dict(images=2, made_now=1))):
        assert 'train: 2 images; 1 masks made now' in run_here('tools/dataset_converters/cityscapes.py', tmp_path)
