"""Stand-in."""

import os
from pathlib import Path

import numpy as np

from mmbdg.interpreter import ignore_label
from mmbdg.synthesis.layout import read_dataset, sample_paths


class StoredDataset:
    """Stand-in."""

    def __init__(self, root: str | os.PathLike) -> None:
        self.root = Path(root)
        self.info, self.lines = read_dataset(root)
        self.ignore = ignore_label(len(self.info['classes']))

    def _paths(self, line: dict) -> tuple[Path, Path]:
        return sample_paths(self.root, self.info['generator_classes'][line['class']]['folder'], line['id'])

    def image(self, line: dict) -> np.ndarray:
        from PIL import Image

        return np.asarray(Image.open(self._paths(line)[0]).convert('RGB'))

    def mask(self, line: dict) -> np.ndarray:
        from PIL import Image

        return np.asarray(Image.open(self._paths(line)[1]))
