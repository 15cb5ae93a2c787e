"""A tiny labeller of real images, and folders of images to label."""

from pathlib import Path

import numpy as np
import torch

from mmbdg.files import write_png
from mmbdg.registry import MODELS
from mmbdg.sources import LabelledGenerator

BACKBONE = dict(
    type='mmbdg.ImageBackbone',
    resolution=16,
    library='mmpretrain',
    model='ResNet_CIFAR',
    arguments=dict(depth=18, num_stages=2, stem_channels=4, base_channels=4, strides=(1, 2), dilations=(1, 1)),
    out_indices=(0, 1),
    num_classes=2,
)
INTERPRETER = dict(
    type='mmbdg.InterpreterEnsemble',
    num_members=3,
    member=dict(type='mmbdg.FeatureInterpreter', num_outputs=1, groups=(8, 16), widths=(6, 4)),
)


def write_labeller(folder: Path, **changes: object) -> Path:
    """Write a labeller with random weights."""
    torch.manual_seed(0)
    config = BACKBONE | changes
    backbone = MODELS.build(config).eval()
    interpreter = MODELS.build({**backbone.interpreter_sizes(), **INTERPRETER})
    names = dict(classes=('disc', 'square'), folders=('disc', 'square'))
    LabelledGenerator.write(folder, (config, backbone.state_dict()), (INTERPRETER, interpreter.state_dict()), truncation=None, **names)
    return folder


def write_images(root: Path, numbers: dict[str, int]) -> Path:
    """Write images of several sizes into a folder for each class."""
    rng = np.random.default_rng(0)
    for name, number in numbers.items():
        (root / name).mkdir(parents=True)
        for i in range(number):
            write_png(root / name / f'{i}.png', rng.integers(0, 256, (16 + 4 * (i % 3), 16 + 2 * (i % 2), 3)).astype(np.uint8))
    return root
