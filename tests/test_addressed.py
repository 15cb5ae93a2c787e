"""Addressed random generators of torch."""

import numpy as np
import torch

from mmbdg.addressed import generator_at, torch_generator_at


def test_the_whole_state_is_drawn_from_the_address():
    """numpy's Mersenne Twister of the same state gives the same numbers, modulo 2**31 in torch."""
    twister = np.random.MT19937()
    words = generator_at(3, 'x', 5).integers(0, 2**32, 624, dtype=np.uint32)
    twister.state = dict(bit_generator='MT19937', state=dict(key=words, pos=624))
    expected = twister.random_raw(1000) % 2**31
    drawn = torch.empty(1000, dtype=torch.int32).random_(generator=torch_generator_at(3, 'x', 5))
    np.testing.assert_array_equal(drawn.numpy(), expected.astype(np.int32))


def test_each_call_begins_anew():
    one, again, other = (torch.randn(20, generator=torch_generator_at(0, 1, i)) for i in (2, 2, 3))
    assert torch.equal(one, again) and not torch.equal(one, other)
