from types import SimpleNamespace

import pytest
from mmengine.logging import MessageHub

from mmbdg.datasets import JointDataset, MixedDataset, OnlineSyntheticDataset
from mmbdg.engine import AddressedSampler, TotalBatchHook
from mmbdg.errors import InputError

REAL = dict(type='mmbdg.FashionMNIST32', split='test', label_fraction=0.02, pipeline=[dict(type='mmpretrain.PackInputs')])
LABELLED = dict(REAL, pipeline=[dict(type='mmseg.PackSegInputs')])


def runner(hub, tiny_labelled_generator, batch_size, world_size, iterations, by_epoch=False):
    dataset = OnlineSyntheticDataset(labelled_generator=str(tiny_labelled_generator), label_space='fgbg')
    return resumed(hub, dataset, batch_size, world_size, iterations, by_epoch)


def resumed(hub, dataset, batch_size, world_size, iterations, by_epoch):
    loader = SimpleNamespace(dataset=dataset, sampler=AddressedSampler(dataset, seed=0, by_epoch=by_epoch), batch_size=batch_size)
    return SimpleNamespace(train_loop=SimpleNamespace(dataloader=loader), world_size=world_size, iter=iterations, message_hub=hub)


def test_the_total_batch_size_is_kept(tiny_labelled_generator):
    """Another number of processes with the same total batch size is allowed. Another total batch size raises an error."""
    first = MessageHub.get_instance('total_batch_first')
    TotalBatchHook().before_train(runner(first, tiny_labelled_generator, 8, 2, 0))
    resumed = MessageHub.get_instance('total_batch_resumed')
    resumed.load_state_dict(first.state_dict())  # as read from a checkpoint
    TotalBatchHook().before_train(runner(resumed, tiny_labelled_generator, 4, 4, 10))
    with pytest.raises(InputError, match='began with 16 samples per step.*8 x 1 processes = 8'):
        TotalBatchHook().before_train(runner(resumed, tiny_labelled_generator, 8, 1, 10))
    TotalBatchHook().before_train(runner(resumed, tiny_labelled_generator, 8, 1, 10, by_epoch=True))  # counted in samples
    TotalBatchHook().before_train(runner(resumed, tiny_labelled_generator, 8, 1, 0))  # a new training


@pytest.mark.parametrize('by_epoch', [False, True])
def test_the_ratio_of_online_samples_is_kept(by_epoch):
    """Resuming with another ratio of online samples raises an error, because real sample n starts at online sample n * ratio.

    Stored samples are drawn by address and do not depend on the ratio.
    """
    online, stored = dict(type='mmbdg.OnlineSyntheticDataset', labelled_generator='fashion32'), LABELLED
    hub = MessageHub.get_instance(f'online_ratio_{by_epoch}')
    TotalBatchHook().before_train(resumed(hub, JointDataset(REAL, online, ratio=2), 8, 1, 0, by_epoch))
    TotalBatchHook().before_train(resumed(hub, JointDataset(REAL, online, ratio=2), 8, 1, 10, by_epoch))
    with pytest.raises(InputError, match='began with 2 online samples per real image, but resumes with 1: .*ratio=2'):
        TotalBatchHook().before_train(resumed(hub, JointDataset(REAL, online, ratio=1), 8, 1, 10, by_epoch))
    TotalBatchHook().before_train(resumed(hub, JointDataset(REAL, stored, ratio=1), 8, 1, 10, by_epoch))


def test_other_real_images_are_noticed():
    """A changed number of real images gives one warning, because the change may be intended."""
    hub, warnings = MessageHub.get_instance('real_images'), []

    def train(fraction, iterations, by_epoch=False):
        dataset = JointDataset(dict(REAL, label_fraction=fraction))
        found = resumed(hub, dataset, 8, 1, iterations, by_epoch)
        found.logger = SimpleNamespace(warning=warnings.append)
        TotalBatchHook().before_train(found)

    train(0.02, 0)
    train(0.02, 10)
    assert not warnings
    train(0.03, 20, by_epoch=True)  # the next epoch uses these images
    assert not warnings
    train(0.03, 20)
    train(0.03, 30)
    (warning,) = warnings
    assert 'began with 20 real images, but resumes with 30' in warning


@pytest.mark.parametrize('by_epoch', [False, True])
def test_the_length_of_an_online_part_is_kept(by_epoch):
    """Pass e of a part of length L begins at its sample e L."""
    hub, online = (
        MessageHub.get_instance(f'online_length_{by_epoch}'),
        dict(type='mmbdg.OnlineSyntheticDataset', labelled_generator='fashion32'),
    )

    def train(length, iterations):
        found = resumed(hub, MixedDataset(dict(real=LABELLED, made=dict(online, length=length))), 8, 1, iterations, by_epoch)
        found.logger = SimpleNamespace(warning=lambda message: None)
        TotalBatchHook().before_train(found)

    train(300, 0)
    train(300, 10)
    with pytest.raises(InputError, match='began with length=300 of the online part "made", but resumes with 400: .*parts.made.length=300'):
        train(400, 10)
    train(400, 0)
