"""The COCO config with pasted objects reads COCO's files and pastes objects of the classes that the images lack."""

import numpy as np
import pytest
from conftest import ROOT
from mmdet.datasets import CocoDataset
from mmengine.registry import DefaultScope
from tiny_coco import write_coco

from mmbdg.compat.config import read_config
from mmbdg.datasets.address import Address
from mmbdg.datasets.class_draws import image_frequencies
from mmbdg.datasets.fashion_files import CLASSES
from mmbdg.registry import DATASETS

COCO = CocoDataset.METAINFO['classes']


@pytest.fixture(scope='module')
def dataset(tmp_path_factory):
    """The training set of the config on a tiny COCO; the objects are garments, each named as tiny_coco.py names it."""
    root = write_coco(tmp_path_factory.mktemp('coco'))
    cfg = read_config(ROOT / 'configs/transfer/coco/mask-rcnn_r50_fpn_1x_coco_paste.py', dict(data_root=str(root)))
    known = image_frequencies(f'{root}/annotations/instances_train2017.json')
    config = cfg.train_dataloader.dataset.to_dict()
    _, _, paste, resize, *_ = config['parts']['real']['pipeline']
    assert paste['frequencies'] == f'{root}/annotations/instances_train2017.json'
    names = {garment: COCO[8 * c] if COCO[8 * c] in known else None for c, garment in enumerate(CLASSES)}
    paste |= dict(objects=dict(type='mmbdg.FashionObjects', per_class=2), names=names, num=2)
    resize['scales'] = [(128, 96)]
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        return DATASETS.build(config)


def test_objects_are_added_to_the_instances(dataset):
    """The annotation has three objects in every image, one of the first image's is a crowd."""
    for index in range(3):
        sample = dataset[Address(0, 0, index, index)]['data_samples']
        instances, crowds = sample.gt_instances, sample.get('ignored_instances', [])
        present = {int(label) for label in instances.labels}
        assert present <= set(range(0, 80, 8)) and 2 <= len(instances) <= 5 and len(crowds) <= (index == 0)
        for mask, (x1, y1, x2, y2) in zip(instances.masks.masks, instances.bboxes.tensor.tolist(), strict=True):
            rows, columns = np.nonzero(mask)
            assert abs(columns.min() - x1) <= 2 and abs(columns.max() + 1 - x2) <= 2 and abs(rows.min() - y1) <= 2
            assert abs(rows.max() + 1 - y2) <= 2
        assert instances.masks.masks.sum(0).max() == 1  # objects hide each other
    draws = dataset.parts['real'].pipeline.transforms[2].placer.draws
    assert draws.balance == 'rare' and len(draws.present) > 1
