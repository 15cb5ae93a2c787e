from itertools import islice
from types import SimpleNamespace

import pytest
from mmengine.dataset import InfiniteSampler
from torch import nn
from torch.utils.data import DataLoader

from mmbdg.engine import AspectRatioSampler
from mmbdg.engine.checks import check_data
from mmbdg.errors import InputError


class Shapes:
    """A dataset of image sizes. Every third image is upright."""

    asked = 0

    def __len__(self):
        return 31

    def __getitem__(self, index):
        return index

    def get_data_info(self, index):
        self.asked += 1
        return dict(width=3 if index % 3 else 2, height=2 if index % 3 else 3)


def test_batches_have_one_orientation_and_nothing_is_lost():
    batches = [list(islice(it, 4)) for it in [iter(AspectRatioSampler(Shapes(), 4, seed=1))] for _ in range(100)]
    assert all(len({index % 3 == 0 for index in batch}) == 1 for batch in batches)
    order = list(islice(InfiniteSampler(Shapes(), seed=1), 400))
    for upright in (True, False):  # within a group the order is that of mmengine's sampler
        found = [index for batch in batches for index in batch if (index % 3 == 0) == upright]
        assert found == [index for index in order if (index % 3 == 0) == upright][: len(found)]
    assert len(order) - sum(map(len, batches)) == 0


def test_as_mmdet_s_batch_sampler():
    from mmdet.datasets.samplers import AspectRatioBatchSampler

    theirs = list(islice(AspectRatioBatchSampler(InfiniteSampler(Shapes(), seed=5), 4), 50))
    assert theirs == [list(islice(it, 4)) for it in [iter(AspectRatioSampler(Shapes(), 4, seed=5))] for _ in range(50)]


def test_a_resumed_training_goes_on_where_it_was_without_loading_images():
    whole = list(islice(AspectRatioSampler(Shapes(), 2, seed=3), 60))
    dataset = Shapes()
    sampler = AspectRatioSampler(dataset, 2, seed=3)
    sampler.skip(40)  # mmengine calls skip() with 20 iterations x batch size 2
    assert list(islice(sampler, 20)) == whole[40:]
    assert dataset.asked <= len(dataset)  # each size is read once


def test_batches_of_another_size_are_refused():
    dataset = Shapes()
    loader = DataLoader(dataset, 2, sampler=AspectRatioSampler(dataset, 4, seed=0))
    model = nn.Module()
    model.data_preprocessor = nn.Identity()
    runner = SimpleNamespace(train_loop=SimpleNamespace(dataloader=loader), model=model, world_size=1)
    with pytest.raises(InputError, match='groups 4 images of one orientation, but a batch has 2'):
        check_data(runner)
