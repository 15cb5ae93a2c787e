"""Which images a test measures, in the order in which a process gets them."""

from mmengine.dataset import DefaultSampler
from mmengine.dist import get_rank, get_world_size
from mmengine.runner import Runner


class TestedImages:
    """Counts the images of a test on this process.

    Args:
        runner: Runner of the test.

    Attributes:
        ordered: Whether the indices of the images are known: the test loader has mmengine's ``DefaultSampler`` without shuffling.
    """

    __test__ = False  # no class of tests, although its name begins so

    def __init__(self, runner: Runner) -> None:
        loader = runner.test_dataloader
        self.length, self._count = len(loader.dataset), 0
        sampler = getattr(loader, 'sampler', None)
        self.ordered = isinstance(sampler, DefaultSampler) and not sampler.shuffle

    def next(self) -> int | None:
        """Index of the next image in the test set; None if it repeats an image so that all processes have equally many.

        If not ``ordered``, it is only the number of the image in the test.
        """
        index = self._count * get_world_size() + get_rank()
        self._count += 1
        return index if index < self.length else None
