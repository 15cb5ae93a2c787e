"""Figures of Table 2 of BigDatasetGAN, to compare with. They are the paper's; nothing of them was measured here."""

from typing import NamedTuple

SOURCE = 'Li et al., BigDatasetGAN: Synthesizing ImageNet with Pixel-wise Annotations, CVPR 2022, Table 2'
BACKBONE = 'ResNet-50'
TASKS = ('dog', 'bird', 'fgbg', 'mc16', 'mc100', 'mc128', 'mc992')


class PaperRow(NamedTuple):
    """A row of the table.

    Args:
        method: Pre-training of the backbone, with ``+`` and the dataset that the segmentor was trained on in addition.
        training: Names of training data, see :data:`mmbdg.leaderboard.entry.DATA_KINDS`.
        figures: mIoU in percent by task; the paper gives one decimal and no spread.
        mean: Mean over the tasks, as printed.
    """

    method: str
    training: tuple[str, ...]
    figures: dict[str, float]
    mean: float


_ADDED = {'+ BigGAN-off': 'biggan-off', '+ BigGAN-on': 'biggan-on', '+ BigGAN-sim': 'biggan-off', '+ VQGAN-sim': 'vqgan-sim'}


def _row(method: str, *figures: float) -> PaperRow:
    added = [kind for ending, kind in _ADDED.items() if method.endswith(ending)]
    return PaperRow(method, ('annotated', *added), dict(zip(TASKS, figures[:-1], strict=True)), figures[-1])


ROWS = (
    _row('Rand', 56.4, 35.7, 44.7, 13.9, 4.0, 3.6, 2.3, 22.9),
    _row('Sup.IN', 82.6, 79.6, 66.3, 58.7, 56.1, 28.5, 17.8, 55.7),
    _row('Sup.IN + BigGAN-off', 85.8, 81.2, 67.5, 64.6, 62.3, 29.3, 22.8, 59.0),
    _row('Sup.IN + BigGAN-on', 87.0, 83.2, 69.5, 66.1, 62.8, 29.5, 24.6, 60.4),
    _row('SupCon', 83.8, 79.0, 66.6, 59.2, 55.4, 28.6, 18.7, 55.9),
    _row('SupSelfCon', 84.4, 81.8, 67.6, 63.1, 60.0, 28.3, 18.9, 57.8),
    _row('SupSelfCon + BigGAN-sim', 87.0, 83.2, 69.5, 66.1, 62.8, 32.8, 29.7, 61.6),
    _row('SupSelfCon + VQGAN-sim', 86.7, 84.4, 71.1, 68.1, 64.7, 30.4, 25.8, 61.6),
    _row('SimCLR', 77.7, 73.7, 66.7, 53.8, 44.3, 29.3, 16.0, 51.6),
    _row('MoCo-v2', 84.6, 82.7, 65.6, 51.4, 39.1, 18.5, 10.2, 50.3),
    _row('BYOL', 78.0, 72.9, 68.5, 55.4, 45.8, 27.7, 16.1, 52.1),
    _row('DINO', 77.8, 72.7, 66.1, 50.5, 41.2, 23.2, 12.7, 49.2),
    _row('DenseCL', 85.0, 83.3, 62.5, 47.9, 38.6, 17.3, 13.1, 49.7),
    _row('DenseCL + BigGAN-sim', 86.5, 84.9, 66.4, 58.6, 41.0, 17.9, 19.9, 53.6),
    _row('DenseCL + VQGAN-sim', 86.7, 85.9, 67.1, 59.3, 41.7, 19.3, 16.8, 53.8),
    _row('MoCo-v3', 77.2, 71.5, 67.4, 54.0, 49.7, 30.1, 17.4, 52.5),
    _row('MoCo-v3 + BigGAN-sim', 83.3, 76.7, 71.1, 64.8, 58.1, 38.9, 30.8, 60.5),
    _row('MoCo-v3 + VQGAN-sim', 83.8, 80.9, 71.7, 66.5, 61.2, 41.5, 33.5, 62.7),
)
