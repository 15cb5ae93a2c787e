"""The sub-command ``joint``: the cost of a joint pre-training step compared with its two parts, and of its contrastive losses."""

import argparse
from collections.abc import Iterator, Sequence
from functools import partial
from statistics import median
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from benchmarks.common import (
    MIB,
    Comparison,
    add_timing_settings,
    as_record,
    check_out,
    comparison_table,
    in_fresh_process,
    machine_lines,
    parameter_count,
    report,
    table,
)
from benchmarks.memory import cuda_peak, resident_peaks
from benchmarks.timing import MIN_PAIRS, check_pairs, interleaved, repeated
from mmbdg.arguments import ConfigOptions, natural_int, positive_int
from mmbdg.compat.config import check_parts, check_requirements
from mmbdg.engine.launch import read_fitted
from mmbdg.errors import InputError
from mmbdg.machine import describe_machine, load_average, synchroniser, usable_device
from mmbdg.models.contrastive_loss import contrastive_loss
from mmbdg.models.joint_pretraining import JointPretraining
from mmbdg.parts import parts_of
from mmbdg.registry import MODELS

OF_JOINT = ('seg_neck', 'seg_head', 'seg_stages', 'activation_checkpointing', 'aux_norm')
JOINT, SSL, SEG, PARTS = 'joint', 'self-supervised', 'segmentation', 'both parts'
OURS, MMPRETRAIN = 'by blocks', "mmpretrain's"
PAIRS = 2 * MIN_PAIRS


class Training:
    """A model with its optimizer and a batch.

    Weights and images are random; neither the speed nor the memory depends on them.

    Args:
        cfg: Config of a joint pre-training.
        kind: ``JOINT``: the joint model; ``SSL``: mmpretrain's own method, without the segmentation branch; ``SEG``: the segmentation
            branch alone, as an ``mmseg.EncoderDecoder``.
        batch_size: Number of real images; the number of synthetic images is this times the config's ``synthetic_ratio``.
        size: Height and width of the images in pixels.
        device: Device of the training.
    """

    def __init__(self, cfg: Config, kind: str, batch_size: int, size: int, device: torch.device) -> None:
        torch.manual_seed(0)
        with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmengine')):
            model: nn.Module = MODELS.build(model_config(cfg, kind))
            wrapper = cfg.optim_wrapper.to_dict()
            if device.type != 'cuda':
                model, _ = revert_sync_batchnorm(model), wrapper.pop('loss_scale', None)
                wrapper['type'] = wrapper.get('type', 'OptimWrapper').replace('AmpOptimWrapper', 'OptimWrapper')
            self.model = model.to(device).train()
            self.wrapper = build_optim_wrapper(self.model, wrapper)
        data = cfg.train_dataloader.dataset
        ratio = data.get('ratios', {}).get('seg', data.get('ratio', 1))
        rng = torch.Generator().manual_seed(1)  # own generator, so that all kinds get the same images
        views = [torch.randn(batch_size, 3, size, size, generator=rng).to(device) for _ in range(2)]
        images = torch.randn(ratio * batch_size, 3, size, size, generator=rng).to(device)
        labels = torch.randint(0, cfg.model.seg_head.num_classes, (len(images), 1, size, size), generator=rng).to(device)
        samples = [SegDataSample(gt_sem_seg=PixelData(data=mask), metainfo=dict(img_shape=(size, size))) for mask in labels]
        batches = {JOINT: (dict(ssl=views, seg=images), dict(ssl=None, seg=samples)), SSL: (views, None), SEG: (images, samples)}
        self.batch = batches[kind]
        MessageHub.get_current_instance().update_info('max_iters', 10**6)  # needed by momentum encoders with a schedule

    def step(self) -> None:
        """Forward pass, backward pass and optimizer step."""
        with self.wrapper.optim_context(self.model):
            loss, _ = self.model.parse_losses(self.model(*self.batch, mode='loss'))
        self.wrapper.update_params(loss)


def model_config(cfg: Config, kind: str) -> dict:
    """Config of the joint model, or of one of its parts."""
    model = cfg.model.to_dict()
    if kind == JOINT:
        return model
    method = MODELS.get(model['type'])
    if kind == SSL:
        plain = next(cls for cls in method.__mro__ if cls.__module__.startswith('mmpretrain.models.selfsup'))
        own = {key: value for key, value in model.items() if key not in OF_JOINT}
        return own | dict(type=f'mmpretrain.{plain.__name__}', data_preprocessor=parts_of(model['data_preprocessor'])['ssl'])
    backbone = model['backbone'] | dict(out_indices=model.get('seg_stages', (0, 1, 2, 3)))
    if 'ViT' in backbone['type']:
        backbone |= dict(out_type='featmap')
    scope = {} if '.' in backbone['type'] else dict(_scope_=cfg.get('default_scope'))
    return dict(
        type='mmseg.EncoderDecoder',
        backbone=backbone | scope,
        neck=model['seg_neck'],
        decode_head=model['seg_head'],
        test_cfg=dict(mode='whole'),
    )


class Contrast:
    """DenseCL's two contrastive losses (forward and backward) on random embeddings, with lambda 0.5.

    Args:
        batch_size: Number of images.
        cells: Number of cells of the dense branch per image (49 at 224 px).
        dim: Length of an embedding.
        queue_len: Number of keys in a queue.
        temperature: Temperature of the losses.
        device: Device of the computation.
    """

    def __init__(self, batch_size: int, cells: int, dim: int, queue_len: int, temperature: float, device: torch.device) -> None:
        self.temperature = temperature
        self.head = MODELS.build(
            dict(type='mmpretrain.ContrastiveHead', loss=dict(type='mmpretrain.CrossEntropyLoss'), temperature=temperature)
        )
        generator = torch.Generator().manual_seed(0)

        def unit(*size: int, along: int) -> Tensor:
            return F.normalize(torch.randn(*size, generator=generator), dim=along).to(device)

        self.branches = [  # queries, positives and queue of the single and of the dense branch
            (unit(n, dim, along=1).requires_grad_(), unit(n, dim, along=1), unit(dim, queue_len, along=0))
            for n in (batch_size, batch_size * cells)
        ]

    def ours(self) -> list[float]:
        """The losses computed in blocks by this package."""
        return self._learn([contrastive_loss(*branch, self.temperature) for branch in self.branches])

    def mmpretrains(self) -> list[float]:
        """The losses as ``mmpretrain.DenseCL`` computes them: the head gets the positive and all negative logits at once."""
        losses = []
        for queries, positives, queue in self.branches:
            positive = torch.einsum('nc,nc->n', queries, positives)[:, None]
            negative = torch.einsum('nc,ck->nk', queries, queue.clone().detach())
            losses.append(self.head.loss(positive, negative))
        return self._learn(losses)

    def _learn(self, losses: list[Tensor]) -> list[float]:
        for queries, _, _ in self.branches:
            queries.grad = None
        (0.5 * losses[0] + 0.5 * losses[1]).backward()
        return [loss.item() for loss in losses]


def contrast_sizes(cfg: Config, training: Training, batch_size: int) -> dict[str, Any] | None:
    """Arguments of :class:`Contrast` for a config; None if its method is not DenseCL."""
    model = training.model
    if not hasattr(model, 'queue2'):
        return None
    with torch.no_grad():
        grid = model.neck(model.backbone(training.batch[0]['ssl'][0][:2]))[1]
    dim, queue_len = model.queue.shape
    return dict(batch_size=batch_size, cells=grid.shape[2], dim=dim, queue_len=queue_len, temperature=cfg.model.head.temperature)


def step_peak(cfg: dict, scope: str, kind: str, batch_size: int, size: int, threads: int) -> list[int] | None:
    """Peak memory growth of this process in bytes over two steps, for a new process. Gradients and momenta exist in the second step."""
    torch.set_num_threads(threads)
    training = Training(Config(dict(cfg, default_scope=scope)), kind, batch_size, size, torch.device('cpu'))
    peaks = resident_peaks([training.step, training.step])
    return peaks and [max(peaks)]


def contrast_peak(sizes: dict, name: str, threads: int) -> list[int] | None:
    """Peak memory growth of this process in bytes by both losses, for a new process."""
    torch.set_num_threads(threads)
    small = Contrast(2, 2, 8, 8, 0.2, torch.device('cpu'))  # libraries are loaded at their first use
    small.ours(), small.mmpretrains()
    contrast = Contrast(**sizes, device=torch.device('cpu'))
    return resident_peaks([contrast.ours if name == OURS else contrast.mmpretrains])


def memory(cfg: Config, sizes: dict | None, args: argparse.Namespace, device: torch.device) -> dict[str, Any]:
    """Peak memory in MiB beyond that of the idle models: of a step, and of the two losses alone; or the reason why there is no result."""
    peaks: dict[str, Any] = {}
    parts = {key: cfg[key] for key in ('model', 'optim_wrapper', 'train_dataloader')}
    for kind in (JOINT, SSL, SEG):
        if device.type == 'cuda':
            training = Training(cfg, kind, args.batch_size, args.image_size, device)
            peaks[kind] = [max(cuda_peak(training.step, device) for _ in range(2))]
            del training
        else:
            given = (Config(parts).to_dict(), cfg.get('default_scope'), kind, args.batch_size, args.image_size, torch.get_num_threads())
            peaks[kind] = in_fresh_process(step_peak, *given)
    for name in (OURS, MMPRETRAIN) if sizes else ():
        if device.type == 'cuda':
            contrast = Contrast(**sizes, device=device)
            peaks[name] = [cuda_peak(contrast.ours if name == OURS else contrast.mmpretrains, device)]
        else:
            peaks[name] = in_fresh_process(contrast_peak, sizes, name, torch.get_num_threads())
    return {name: peak if isinstance(peak, str) else round(peak[0] / MIB, 1) for name, peak in peaks.items()}


def loading(cfg: Config, workers: Sequence[int], batch_size: int, step_seconds: float, batches: int = 10) -> list[dict[str, Any]]:
    """Measure the data loading of the config alone, for each number of workers. Loading that is faster than a step costs no time."""
    rows = []
    for count in workers:
        loader = cfg.train_dataloader.to_dict() | dict(num_workers=count, persistent_workers=False, batch_size=batch_size)
        loader.pop('prefetch_factor', None)
        with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmengine')):
            stream = iter(Runner.build_dataloader(loader, seed=0))
        for _ in range(2 * count + 2):  # skip the prefetched batches
            next(stream)
        seconds = repeated(lambda stream=stream: next(stream), batches)
        mean = sum(seconds) / len(seconds)
        rows.append(dict(workers=count, seconds=seconds, mean_seconds=mean, share_of_a_step=mean / step_seconds))
    return rows


def comparisons(trainings: dict[str, Training], contrast: Contrast | None) -> Iterator[Comparison]:
    """A joint step compared with one step of each part, and the block-wise losses compared with mmpretrain's."""
    parts = [trainings[SSL].step, trainings[SEG].step]
    yield Comparison('step', JOINT, PARTS, (trainings[JOINT].step, lambda: [step() for step in parts]))
    if contrast:
        yield Comparison('contrast', OURS, MMPRETRAIN, (contrast.ours, contrast.mmpretrains))


def joint_command(args: argparse.Namespace) -> None:
    """Measure a joint pre-training and its parts, print tables and write JSON."""
    check_pairs(args.pairs)
    check_out(args.out)
    device = usable_device(args.device)
    if args.threads:
        torch.set_num_threads(args.threads)
    cfg = read_fitted(args.config, args.cfg_options)
    check_parts(cfg, 'model', 'train_dataloader', 'optim_wrapper')
    if not issubclass(MODELS.get(cfg.model.type), JointPretraining):
        raise InputError(f'{args.config} trains a {cfg.model.type}, no joint pre-training; give a config such as densecl_biggan_fpn.py')
    if args.workers:
        check_requirements(cfg)
    if (queue := cfg.model.get('queue_len')) and queue % args.batch_size:
        raise InputError(f'--batch-size {args.batch_size} does not divide the queue of {queue} keys; give a divisor of {queue}')
    environment = describe_machine(device) | dict(load_before=load_average())
    build = partial(Training, cfg, batch_size=args.batch_size, size=args.image_size, device=device)
    trainings = {kind: build(kind) for kind in (JOINT, SSL, SEG)}
    sizes = contrast_sizes(cfg, trainings[JOINT], args.batch_size)
    contrast = Contrast(**sizes, device=device) if sizes else None
    records = []
    with tqdm(total=(2 if contrast else 1) * args.pairs, unit='pair', dynamic_ncols=True) as bar:
        for comparison in comparisons(trainings, contrast):
            bar.set_description_str(comparison.compare)
            pairs = interleaved(*comparison.calls, args.pairs, synchroniser(device), bar.update)
            records.append(as_record(comparison, pairs, 'times_the_seconds'))
    step_seconds = median(records[0]['seconds'][JOINT])
    parameters = parameter_count(trainings[JOINT].model)
    del trainings, contrast
    result = dict(
        command='joint',
        config=args.config,
        cfg_options=args.cfg_options,
        model=cfg.model.type,
        parameters=parameters,
        batch_size=args.batch_size,
        image_size=args.image_size,
        contrast=sizes,
        pairs=args.pairs,
        comparisons=records,
        images_per_second=args.batch_size / step_seconds,
        loading=loading(cfg, args.workers, args.batch_size, step_seconds),
        memory_mib=memory(cfg, sizes, args, device),
        environment=environment | dict(load_after=load_average()),
    )
    report(result, as_text(result), args.out)


WHAT = {
    'step': "a training step: joint to mmpretrain's plus segmentation",
    'contrast': "both contrastive losses: by blocks to mmpretrain's",
}


def as_text(result: dict) -> str:
    """The tables, aligned and valid Markdown."""
    peaks = result['memory_mib']
    lines = [
        f'{result["model"]} of {result["config"]}, {result["batch_size"]} real images of {result["image_size"]} px per step',
        *machine_lines(result['environment']),
        '',
        *comparison_table(result['comparisons'], WHAT),
        '',
        f'Medians over {result["pairs"]} interleaved pairs; {result["images_per_second"]:.3g} real images per second.',
        '',
        *table(['peak memory beyond the idle models', 'MiB'], [[name, str(peak)] for name, peak in peaks.items()]),
    ]
    if result['loading']:
        head = ['workers', 'seconds per batch', 'relative to a step']
        cells = [[str(row['workers']), f'{row["mean_seconds"]:.3g}', f'{row["share_of_a_step"]:.0%}'] for row in result['loading']]
        lines += ['', *table(head, cells), '', 'Loading that takes less than a step costs no time if it has its own CPU cores.']
    if all(isinstance(peaks[kind], float) for kind in (JOINT, SSL, SEG)):
        lines += ['', f'A joint step takes {peaks[JOINT] / (peaks[SSL] + peaks[SEG]):.2f} times the sum of the memory of both parts.']
    return '\n'.join(lines)


def add_joint(commands: argparse._SubParsersAction) -> None:
    """Add the sub-command ``joint``."""
    command = commands.add_parser('joint', help='time and memory of joint pre-training, compared with its parts')
    command.add_argument('config', help='config of a joint pre-training; images are random, its data is only needed for --workers')
    command.add_argument('--batch-size', type=positive_int, default=32, help='real images per step; default: 32')
    command.add_argument(
        '--image-size', type=positive_int, default=64, help='height and width of images in pixels; 224 for ImageNet configs; default: 64'
    )
    add_timing_settings(command, 'training', 'step', PAIRS)
    command.add_argument(
        '--workers', nargs='*', type=natural_int, default=[], help='also measure the data loading of the config with these worker numbers'
    )
    command.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config')
    command.set_defaults(run=joint_command)
