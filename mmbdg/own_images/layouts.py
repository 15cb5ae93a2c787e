"""Sizes of all networks of configs/own, and the lengths of their trainings, from resolution, number of images and budget.

This is the one place with these numbers. Three tables decide:

- ``SHAPES``: channel multipliers by resolution. 128 and 256 px: BigGAN's own (arXiv 1809.11096, appendix B); 32 and 64 px: ours.
- ``GAN_WIDTHS`` and ``WIDTHS``: widths, batches and learning rates by budget. Ours.
- ``costs.json``: what one iteration costs, written by ``python tools/benchmark.py own``: floating point operations, counted on the meta
  device, for all combinations; and seconds, measured on a CPU, for the combinations that the file lists.

A training gets its share of the budget divided by the seconds of one iteration. Where these were not measured they are **estimates**:

- another resolution on a CPU: the measured seconds at 64 px times the ratio of the operations;
- a GPU: the operations divided by ``GPU_RATE``, at least ``GPU_LEAST`` seconds. No GPU was available; both numbers are assumptions.
"""

import math
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from mmbdg.reading import read_json
from mmbdg.schema import Schema

RESOLUTIONS = (32, 64, 128, 256)
COLOURS = ('rgb', 'grey')
GENERATORS = ('biggan', 'diffusion', 'diffusion-lora')
BUDGETS = {'cpu-hour': 3600, 'gpu-hour': 3600, 'gpu-day': 86400}
"""Seconds from the classifier to the first synthetic dataset, without the time in which you draw masks. joint.py takes as long again."""

SHAPES = {
    # Channel multipliers: generator before the first block and after each block, discriminator after each block. ``unet``: multiples of the
    # width of the diffusion model's U-Net at each resolution of its latents, down to 4 x 4.
    32: dict(generator=(4, 4, 2, 1), discriminator=(1, 2, 4, 4), attention=(16,), first_stride=1, unet=(1, 2)),
    64: dict(generator=(8, 8, 4, 2, 1), discriminator=(1, 2, 4, 8, 8), attention=(32,), first_stride=2, unet=(1, 2, 2)),
    128: dict(generator=(16, 16, 8, 4, 2, 1), discriminator=(1, 2, 4, 8, 16, 16), attention=(64,), first_stride=2, unet=(1, 2, 2, 4)),
    256: dict(
        generator=(16, 16, 8, 8, 4, 2, 1), discriminator=(1, 2, 4, 8, 8, 16, 16), attention=(64,), first_stride=2, unet=(1, 2, 2, 4, 4)
    ),
}
CPU_ATTENTION = (16,)
"""On a CPU, attention at 32 px took half of the time of the GAN for 64 px: 1.02 s an iteration, at 16 px 0.49 s, without 0.44 s."""
GAN_WIDTHS = {
    # Base channels of the GAN, so narrow that the budget pays LEAST iterations where it can; 96 is BigGAN's. 16 at 32 px is the small GAN
    # that reached 85 % recognised samples of letters in 12 minutes (docs/own_images.md).
    'cpu-hour': {32: 16, 64: 8, 128: 8, 256: 8},  # 8 is the least that the attention layers divide
    'gpu-hour': {32: 64, 64: 32, 128: 16, 256: 8},
    'gpu-day': {32: 96, 64: 64, 128: 64, 256: 32},
}
WIDTHS = {
    # Channels: base of the classifier, the autoencoder, the U-Net, and the interpreters' groups coarse to fine.
    # 'cpu-hour': learning rate, batch and average of that small GAN; a discriminator step for each generator step.
    'cpu-hour': dict(
        classifier=16,
        autoencoder=16,
        unet=32,
        interpreter=(32, 16, 12),
        members=8,
        gan_batch=32,
        discriminator_steps=1,
        gan_lr=4e-4,
        ema_momentum=0.005,
        diffusion_lr=2e-3,
    ),
    'gpu-hour': dict(
        classifier=32,
        autoencoder=32,
        unet=64,
        interpreter=(64, 32, 16),
        members=16,
        gan_batch=64,
        discriminator_steps=2,
        gan_lr=2e-4,
        ema_momentum=0.001,
        diffusion_lr=5e-4,
    ),
    'gpu-day': dict(
        classifier=64,
        autoencoder=64,
        unet=128,
        interpreter=(128, 64, 32),
        members=16,
        gan_batch=64,
        discriminator_steps=2,
        gan_lr=2e-4,
        ema_momentum=0.001,
        diffusion_lr=2e-4,
    ),
}
NUM_PER_CLASS = {'cpu-hour': 100, 'gpu-hour': 1000, 'gpu-day': 5000}
"""Synthetic samples of each class; ``tools/synthesize.py --dry-run`` measures how long they take."""

SHARES = dict(classifier=0.1, gan=0.6, autoencoder=0.1, diffusion=0.5, interpreter=0.1, joint=1.0, transfer=0.1)
"""Part of the budget of each step; autoencoder and diffusion together take that of the GAN. A fifth is left for the synthesis.

joint.py and transfer.py come after the first synthetic dataset: a second budget.
"""
TRAINING = 0.75
"""Part of a step's time for training iterations. The other quarter is for start, validations, samples and exports."""

PASSES = dict(classifier=100, gan=5000, autoencoder=200, diffusion=5000, interpreter=math.inf, joint=400, transfer=math.inf)
"""Most passes through all images; more would only learn them by heart. 5,000 is the longest training of a GAN with few images in
DiffAugment (arXiv 2006.10738); the others are rules of thumb."""
MOST = dict(classifier=20_000, gan=200_000, autoencoder=50_000, diffusion=400_000, interpreter=5000, joint=200_000, transfer=20_000)
"""Most iterations; 5,000 for interpreters is the number of the released code, the others are rules of thumb."""
LORA = {'cpu-hour': 300, 'gpu-hour': 1000, 'gpu-day': 3000}
"""Iterations of LoRA adapters. 300 of the embedded pipeline gave 96.8 % recognised samples (docs/diffusion.md); the others are guesses."""
BATCHES = dict(classifier=64, autoencoder=32, diffusion=64, lora=32, joint=64, transfer=16)
LEAST = {32: 1000, 64: 2000, 128: 10_000, 256: 20_000}
"""Iterations of the GAN below which a resolution does not suit a budget. 1,000 at 32 px was enough for letters; the others are guesses."""

GPU_RATE = 4000
"""Gigaflops per second in a training, an assumption: about a third of the float32 peak of a small graphics card (12 Tflop/s)."""
GPU_LEAST = 0.05
"""Least seconds of an iteration on a GPU, an assumption: the time to start the kernels of these small networks."""


class Costs(Schema):
    """Schema of ``costs.json``.

    Attributes:
        about: Command and machine.
        gflop: 10^9 floating point operations of one iteration, by budget, resolution and step.
        seconds: CPU seconds of one iteration with one thread, by budget, resolution and step.
    """

    about: dict[str, Any]
    gflop: dict[str, dict[str, dict[str, float]]]
    seconds: dict[str, dict[str, dict[str, float]]]


class Seconds(NamedTuple):
    """Seconds of one iteration, and whether they were "measured" or are an "estimate"."""

    value: float
    source: str


@cache
def costs() -> dict[str, Any]:
    """Content of ``costs.json``."""
    return read_json(Path(__file__).parent / 'costs.json', Costs)


def seconds_of(step: str, resolution: int, budget: str) -> Seconds:
    """Seconds of one iteration of a step, see the module's docstring."""
    gflop = costs()['gflop'][budget]
    if budget != 'cpu-hour':
        return Seconds(max(GPU_LEAST, gflop[str(resolution)][step] / GPU_RATE), 'estimate')
    measured = costs()['seconds'][budget]
    if str(resolution) in measured:
        return Seconds(measured[str(resolution)][step], 'measured')
    return Seconds(measured['64'][step] * gflop[str(resolution)][step] / gflop['64'][step], 'estimate')


def iterations_of(step: str, resolution: int, budget: str, num_images: int | None = None) -> int:
    """Iterations of a step that fit into its share of the budget, at most :data:`MOST` and :data:`PASSES`; two digits, at least 10."""
    fitting = SHARES[step] * TRAINING * BUDGETS[budget] / seconds_of(step, resolution, budget).value
    batch = WIDTHS[budget]['gan_batch'] if step == 'gan' else BATCHES.get(step, 1)
    seen = math.inf if num_images is None else max(300, PASSES[step] * num_images / batch)
    return _two_digits(max(10, min(fitting, MOST[step], seen)))


def suits(resolution: int, budget: str, num_images: int | None = None) -> bool:
    """Whether the budget is enough for a GAN of this resolution, see :data:`LEAST`."""
    return iterations_of('gan', resolution, budget, num_images) >= LEAST[resolution]


def layout(
    resolution: int, colours: str = 'rgb', num_images: int | None = None, budget: str = 'gpu-hour', generator_type: str = 'biggan'
) -> dict[str, Any]:
    """Sizes and lengths for configs/own.

    Args:
        resolution: Height and width of the generated images in pixels: 32, 64, 128 or 256.
        colours: "rgb" or "grey".
        num_images: Number of images, which limits the lengths; None: they are not limited.
        budget: "cpu-hour", "gpu-hour" or "gpu-day".
        generator_type: "biggan", "diffusion" (from nothing) or "diffusion-lora".

    Returns:
        Plain values: ``shapes``, ``widths``, ``iterations`` and ``batches`` by step, ``num_per_class``, ``grey``, ``diffusion``.

    Raises:
        ValueError: A value is not one of these.
    """
    if resolution not in RESOLUTIONS:
        raise ValueError(f'resolution is {resolution!r}; there are networks for 32, 64, 128 and 256 (images are resized to it)')
    for name, value, known in (
        ('colours', colours, COLOURS),
        ('budget', budget, (*BUDGETS,)),
        ('generator_type', generator_type, GENERATORS),
    ):
        if value not in known:
            raise ValueError(f'{name} is {value!r}; there are {", ".join(map(repr, known))}')
    if num_images is not None and (type(num_images) is not int or num_images < 1):
        raise ValueError(f'num_images is {num_images!r}; it is the number of your images (tools/check_images.py counts them), or None')
    lengths = {step: iterations_of(step, resolution, budget, num_images) for step in SHARES}
    return dict(
        shapes=SHAPES[resolution] | (dict(attention=CPU_ATTENTION) if budget == 'cpu-hour' else {}),
        widths=WIDTHS[budget] | dict(gan=GAN_WIDTHS[budget][resolution]),
        iterations=lengths | dict(lora=LORA[budget]),
        batches=BATCHES | dict(gan=WIDTHS[budget]['gan_batch']),
        num_per_class=NUM_PER_CLASS[budget],
        samples=500 if budget == 'cpu-hour' else 2000,
        grey=colours == 'grey',
        diffusion=generator_type != 'biggan',
        step={'biggan': 'gan', 'diffusion': 'diffusion', 'diffusion-lora': 'lora'}[generator_type],
    )


def _two_digits(number: float) -> int:
    """Round down to two significant digits."""
    unit = 10 ** max(0, math.floor(math.log10(number)) - 1)
    return int(number // unit * unit)
