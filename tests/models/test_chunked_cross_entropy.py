"""Cross-entropy in chunks: the values of torch, the memory of one gradient."""

import pytest
import torch
from mmseg.models.losses import CrossEntropyLoss
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from mmbdg.errors import InputError
from mmbdg.models import ChunkedCrossEntropy

IGNORE = 65535


def batch(labels=992, size=(3, 5)):
    logits = 3 * torch.randn(2, labels, *size)
    truth = torch.randint(labels, (2, *size))
    truth[0, :2, 1], truth[1, 0, 0] = IGNORE, labels - 1
    return logits.requires_grad_(), truth


@pytest.mark.parametrize('chunk_numbers', [1, 992 * 4, 2**22])
@pytest.mark.parametrize('memory_format', [torch.contiguous_format, torch.channels_last])
def test_value_and_gradient_of_torch(chunk_numbers, memory_format):
    logits, truth = batch()
    expected = F.cross_entropy(logits, truth, ignore_index=IGNORE)
    (slope,) = torch.autograd.grad(3 * expected, logits)
    own = logits.detach().to(memory_format=memory_format).requires_grad_()
    loss = ChunkedCrossEntropy(avg_non_ignore=True, chunk_numbers=chunk_numbers)(own, truth, ignore_index=IGNORE)
    torch.testing.assert_close(loss, expected)
    (3 * loss).backward()
    torch.testing.assert_close(own.grad, slope)
    assert not own.grad[0, :, :2, 1].any()


@pytest.mark.parametrize('avg_non_ignore', [False, True])
def test_value_of_mmseg(avg_non_ignore):
    logits, truth = batch(labels=7)
    theirs = CrossEntropyLoss(loss_weight=0.4, avg_non_ignore=avg_non_ignore)
    own = ChunkedCrossEntropy(loss_weight=0.4, avg_non_ignore=avg_non_ignore)
    torch.testing.assert_close(own(logits, truth, ignore_index=IGNORE), theirs(logits, truth, ignore_index=IGNORE))
    assert own.loss_name == theirs.loss_name
    nothing = torch.full_like(truth, IGNORE)  # torch's mean over no pixel is not a number
    assert own(logits, nothing, ignore_index=IGNORE) == theirs(logits, nothing, ignore_index=IGNORE) == 0


def test_half_precision():
    logits, truth = batch(labels=40)
    half = logits.detach().bfloat16().requires_grad_()
    loss = ChunkedCrossEntropy(avg_non_ignore=True)(half, truth, ignore_index=IGNORE)
    loss.backward()
    torch.testing.assert_close(loss, F.cross_entropy(half.float(), truth, ignore_index=IGNORE))
    assert half.grad.dtype == torch.bfloat16


class Storages(TorchDispatchMode):
    """Bytes of each storage that operations make."""

    def __init__(self, known):
        super().__init__()
        self.known, self.bytes = {tensor.untyped_storage().data_ptr() for tensor in known}, {}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        if isinstance(made, torch.Tensor) and made.untyped_storage().data_ptr() not in self.known:
            self.bytes[made.untyped_storage().data_ptr()] = made.untyped_storage().nbytes()
        return made


def test_memory():
    """One storage of the size of the logits is made, the gradient; the others are no larger than a chunk. torch makes three."""
    logits, truth = batch(size=(16, 16))
    size, chunk = 4 * logits.numel(), 992 * 64

    def storages(loss):
        with Storages([logits, truth]) as made:
            loss(logits, truth).backward()
        logits.grad = None
        return sorted(made.bytes.values(), reverse=True)

    own = storages(lambda logits, truth: ChunkedCrossEntropy(chunk_numbers=chunk)(logits, truth, ignore_index=IGNORE))
    assert own[0] == size and own[1] <= 4 * chunk
    assert storages(lambda logits, truth: F.cross_entropy(logits, truth, ignore_index=IGNORE))[1] == size


def test_bad_input():
    logits, truth = batch(labels=7)
    with pytest.raises(InputError, match=r'hold the label 65535, in 2 pixels; the head has 7 labels and ignores 255'):
        ChunkedCrossEntropy()(logits, truth)
    truth[truth == IGNORE] = -1
    with pytest.raises(InputError, match='hold the label -1'):
        ChunkedCrossEntropy()(logits, truth)
    with pytest.raises(InputError, match='no weights of pixels'):
        ChunkedCrossEntropy()(logits, truth, weight=torch.ones(2, 3, 5))
    with pytest.raises(InputError, match='chunk_numbers must be at least 1'):
        ChunkedCrossEntropy(chunk_numbers=0)
