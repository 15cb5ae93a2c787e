"""The sub-command ``own``: what an iteration of each step of configs/own costs, for mmbdg/own_images/costs.json."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.structures import BaseDataElement, PixelData
from mmpretrain.structures import DataSample
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

import mmbdg.engine
import mmbdg.evaluation  # noqa: F401
from benchmarks.common import check_out, machine_lines, report, table
from benchmarks.joint import JOINT, SEG, Training
from mmbdg.arguments import positive_int
from mmbdg.compat.config import with_options
from mmbdg.generators.diffusers_parts import AUTOENCODERS, diffusers_part
from mmbdg.machine import describe_machine, load_average
from mmbdg.models import AutoencoderTraining
from mmbdg.models.diffusion_training import UNETS
from mmbdg.own_images import BUDGETS, RESOLUTIONS, layouts
from mmbdg.registry import MODELS

CONFIGS = Path(__file__).parents[2] / 'configs' / 'own'
STEPS = ('classifier', 'gan', 'autoencoder', 'diffusion', 'interpreter', 'joint', 'transfer')
CLASSES = tuple(f'class {i}' for i in range(10))


def own_config(step: str, resolution: int, budget: str) -> Config:
    """Config of a step with ten classes, for one iteration."""
    options = dict(resolution=resolution, budget=budget, class_names=CLASSES)
    return with_options(str(CONFIGS / f'{step}.py'), options)


def flops(network: Callable[..., Any], *given: Tensor) -> float:
    """Floating point operations of a forward pass, in 10^9; a multiplication and an addition are two."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(*given)
    return counter.get_total_flops() / 1e9


def counted(resolution: int, budget: str) -> dict[str, float]:
    """10^9 floating point operations of one iteration of each step, from those of a forward pass for one image.

    A backward pass counts twice the forward pass: for weights and for inputs; only the latter where the weights are fixed.
    """
    config, widths = own_config('gan', resolution, budget), layouts.WIDTHS[budget]
    batches, steps = layouts.BATCHES | dict(gan=widths['gan_batch']), widths['discriminator_steps']
    with torch.device('meta'), without_spectral_norm():
        image, y = torch.empty(1, 3, resolution, resolution), torch.zeros(1, dtype=torch.long)
        generator = MODELS.build(config.generator).eval()
        z = torch.empty(1, generator.latent_dim)
        made = flops(generator, z, y)
        judged = flops(MODELS.build(config.discriminator), image, y)
        autoencoder = diffusers_part(config.autoencoder, AUTOENCODERS, 'autoencoder')
        encoded = flops(autoencoder.encode, image)
        latents = torch.empty(1, config.unet.in_channels, resolution // 4, resolution // 4)
        decoded = flops(lambda one: autoencoder.decode(one).sample, latents)
        unet = diffusers_part(config.unet, UNETS, 'unet')
        denoised = flops(unet, latents, torch.zeros(1), torch.empty(1, 24, config.unet.cross_attention_dim))
        member = MODELS.build({**generator.interpreter_sizes(), **config.interpreter.to_dict(), 'num_members': 1}).eval()
        _, features = generator.forward_features(z, y)
        labelled = flops(member, features, generator.embed(y))
        classifier = classifier_of(config).to('meta')
        named = flops(lambda one: classifier.extract_feat(one), image)
        joint = own_config('joint', resolution, budget)
        size = max(64, resolution)
        backbone = MODELS.build(joint.model.backbone.to_dict() | dict(out_indices=(0, 1, 2, 3), norm_cfg=dict(type='BN')))
        neck, head = MODELS.build(joint.model.seg_neck), MODELS.build(joint.model.seg_head.to_dict() | dict(norm_cfg=dict(type='BN')))
        picture = torch.empty(2, 3, size, size)
        seen = flops(backbone, picture) / 2
        segmented = flops(lambda one: head(neck(backbone(one))), picture) / 2
    members = 4 * widths['members']
    found = dict(
        classifier=3 * named * batches['classifier'],
        gan=batches['gan'] * (made + 6 * judged + (3 * made + 2 * judged) / steps),
        autoencoder=3 * (encoded + decoded) * batches['autoencoder'],
        diffusion=(3 * denoised + encoded) * batches['diffusion'],
        interpreter=members * (made + 3 * labelled),
        joint=batches['joint'] * (4 * seen + 3 * segmented),  # a query view with its backward pass, a key view, and the labelled image
        transfer=3 * segmented * batches['transfer'],
    )
    return {step: float(f'{value:.4g}') for step, value in found.items()}


def without_spectral_norm() -> Any:
    """Context without spectral norms, which take long to set up on the meta device and hardly count."""
    from unittest.mock import patch

    return patch('mmbdg.generators.spectral_norm.spectral_norm', lambda module, eps: module)


def classifier_of(config: Config) -> nn.Module:
    with torch.device('cpu'), DefaultScope.overwrite_default_scope('mmpretrain'):  # its preprocessor computes values
        return MODELS.build(config.classifier)


class Step:
    """A step of configs/own with random weights and one random batch.

    Args:
        step: Name of the step.
        resolution, budget: Settings of dataset.py.
    """

    def __init__(self, step: str, resolution: int, budget: str) -> None:
        self.config, torch_rng = own_config(step, resolution, budget), torch.Generator().manual_seed(0)
        model, batch = self.config.model.to_dict(), self.config.train_dataloader.batch_size
        images = [torch.randint(0, 256, (3, resolution, resolution), generator=torch_rng, dtype=torch.uint8) for _ in range(batch)]
        self.data: dict[str, Any] = dict(inputs=images, data_samples=[DataSample().set_gt_label(i % 10) for i in range(batch)])
        if step == 'classifier':
            self.data['inputs'] = torch.stack(images)
        if step == 'diffusion':
            model['autoencoder'] = AutoencoderTraining(self.config.autoencoder).autoencoder
        if step == 'interpreter':
            model['generator'].pop('init_cfg')
        with DefaultScope.overwrite_default_scope(self.config.default_scope):
            self.model = MODELS.build(model).train()
            self.wrapper = build_optim_wrapper(self.model, self.config.optim_wrapper)
        if step == 'interpreter':
            self.data = dict(inputs=[], data_samples=[])
            for i in range(batch):
                sample = BaseDataElement()
                sample.set_field(torch.tensor([i % 10]), 'gt_label')
                mask = torch.randint(0, 2, (1, resolution, resolution), generator=torch_rng)
                sample.set_field(PixelData(data=mask), 'gt_sem_seg')
                self.data['inputs'].append(torch.randn(self.config.generator.latent_dim, generator=torch_rng))
                self.data['data_samples'].append(sample)

    def step(self) -> None:
        self.model.train_step(self.data, self.wrapper)


def trained_step(step: str, resolution: int, budget: str) -> Callable[[], None]:
    """A callable that runs one iteration of a step."""
    if step in ('joint', 'transfer'):  # the same segmentation network
        kind = JOINT if step == 'joint' else SEG
        cpu = torch.device('cpu')
        return Training(own_config('joint', resolution, budget), kind, layouts.BATCHES[step], max(64, resolution), cpu).step
    return Step(step, resolution, budget).step


def measured(step: str, resolution: int, budget: str, times: int) -> float:
    """CPU seconds of one iteration with one thread: the least of several, because other load adds to each; the first is not timed."""
    call, taken = trained_step(step, resolution, budget), []
    call()
    for _ in range(times):
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
    return float(f'{min(taken):.3g}')


def own(args: argparse.Namespace) -> None:
    """Count and measure; write and print the result."""
    check_out(args.out)
    torch.set_num_threads(1)
    before = load_average()
    gflop = {budget: {str(r): counted(r, budget) for r in args.resolutions} for budget in args.budgets}
    seconds: dict[str, dict[str, dict[str, float]]] = {}
    jobs = [(budget, r, step) for budget in args.timed_budgets for r in args.timed for step in STEPS]
    for budget, resolution, step in tqdm(jobs, unit='step', dynamic_ncols=True):
        found = seconds.setdefault(budget, {}).setdefault(str(resolution), {})
        found[step] = measured(step, resolution, budget, args.times)
    machine = describe_machine(torch.device('cpu')) | dict(load_before=before, load_after=load_average())
    about = dict(command='python tools/benchmark.py own', times=args.times, machine=machine)
    result = dict(about=about, gflop=gflop, seconds=seconds)
    rows = [
        [budget, resolution, step, f'{value:,.1f}', f'{seconds.get(budget, {}).get(resolution, {}).get(step, "")}']
        for budget, of_budget in gflop.items()
        for resolution, of_resolution in of_budget.items()
        for step, value in of_resolution.items()
    ]
    lines = [*machine_lines(machine), '', *table(['budget', 'px', 'step', 'Gflop', 'CPU seconds'], rows)]
    report(result, '\n'.join(lines), args.out)


def add_own(commands: argparse._SubParsersAction) -> None:
    """Add the sub-command ``own``."""
    command = commands.add_parser('own', help='an iteration of each step of configs/own')
    command.add_argument('--budgets', nargs='+', choices=(*BUDGETS,), default=[*BUDGETS], help='budgets to count; default: all')
    command.add_argument('--resolutions', nargs='+', type=positive_int, choices=RESOLUTIONS, default=[*RESOLUTIONS], help='default: all')
    command.add_argument('--timed-budgets', nargs='*', choices=(*BUDGETS,), default=['cpu-hour'], help='default: cpu-hour')
    command.add_argument(
        '--timed', nargs='*', type=positive_int, choices=RESOLUTIONS, default=[32, 64], help='resolutions to time; default: 32 64'
    )
    command.add_argument('--times', type=positive_int, default=5, help='iterations to time; default: 5')
    command.add_argument('--out', type=Path, help='JSON file for the figures')
    command.set_defaults(run=own)
