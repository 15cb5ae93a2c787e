from types import SimpleNamespace

import pytest
from mmengine.logging import MessageHub

from mmbdg.datasets import OnlineSyntheticDataset
from mmbdg.engine import AddressedSampler, TotalBatchHook
from mmbdg.errors import InputError


def runner(hub, tiny_labelled_generator, batch_size, world_size, iterations, by_epoch=False):
    dataset = OnlineSyntheticDataset(labelled_generator=str(tiny_labelled_generator), label_space='fgbg')
    loader = SimpleNamespace(sampler=AddressedSampler(dataset, seed=0, by_epoch=by_epoch), batch_size=batch_size)
    return SimpleNamespace(train_loop=SimpleNamespace(dataloader=loader), world_size=world_size, iter=iterations, message_hub=hub)


def test_the_total_batch_size_is_kept(tiny_labelled_generator):
    """Other processes with other batches, the same product: fine. Another product: refused, for samples would come twice."""
    first = MessageHub.get_instance('total_batch_first')
    TotalBatchHook().before_train(runner(first, tiny_labelled_generator, 8, 2, 0))
    resumed = MessageHub.get_instance('total_batch_resumed')
    resumed.load_state_dict(first.state_dict())  # as a checkpoint brings it
    TotalBatchHook().before_train(runner(resumed, tiny_labelled_generator, 4, 4, 10))
    with pytest.raises(InputError, match='began with 16 samples a step.*8 x 1 processes = 8'):
        TotalBatchHook().before_train(runner(resumed, tiny_labelled_generator, 8, 1, 10))
    TotalBatchHook().before_train(runner(resumed, tiny_labelled_generator, 8, 1, 10, by_epoch=True))  # counted in samples
    TotalBatchHook().before_train(runner(resumed, tiny_labelled_generator, 8, 1, 0))  # a new training
