"""The tasks of the domains, and the test sets that are fixed."""

import numpy as np
import pytest

from mmbdg.datasets import FashionMNIST32
from mmbdg.engine.hooks.measured_set_hook import mask_digest, set_digest
from mmbdg.leaderboard import DOMAINS
from mmbdg.leaderboard.paper_table2 import TASKS

FASHION = DOMAINS['fashion']


def test_tasks_of_the_paper():
    sizes = {task.name: len(task.labels) for task in DOMAINS['imagenet'].tasks}
    assert list(sizes) == list(TASKS) and sizes == dict(dog=2, bird=2, fgbg=2, mc16=16, mc100=101, mc128=128, mc992=992)


def test_labels_differ():
    for domain in DOMAINS.values():
        assert len({task.labels for task in domain.tasks}) == len(domain.tasks)
        assert all(domain.task_with(list(task.labels)) is task for task in domain.tasks)


@pytest.mark.parametrize('task', FASHION.tasks, ids=lambda task: task.name)
def test_embedded_test_set(task):
    """Number of images and checksum, recomputed from the dataset that the configs name."""
    dataset = FashionMNIST32(split='test', label_space=task.space, test_mode=True, pipeline=[])
    masks = [np.asarray(dataset[i]['gt_seg_map']) for i in range(len(dataset))]
    assert dataset.metainfo['classes'] == task.labels
    assert task.test_set == (len(dataset), set_digest([mask_digest(mask) for mask in masks]))
