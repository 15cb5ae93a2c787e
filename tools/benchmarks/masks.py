"""The sub-command ``masks``: time and memory of the analysis of masks."""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from benchmarks.common import check_out, in_fresh_process, machine_lines, report, table
from mmbdg.addressed import generator_at
from mmbdg.analysis.opening import open_labelled_images
from mmbdg.analysis.statistics.mask_statistics import mask_statistics, summary
from mmbdg.analysis.statistics.mean_shapes import mean_shapes
from mmbdg.arguments import positive_int
from mmbdg.errors import InputError
from mmbdg.files import write_json, write_png
from mmbdg.machine import describe_machine, load_average
from mmbdg.storage.layout import sample_files, sample_id
from mmbdg.storage.manifest import write_jsonl

SIZE, PER_CLASS, GRID = 256, 100, 24
MIB = 2**20


def write_masks(root: Path, number: int, processes: int) -> None:
    """Write a dataset of random masks: blobs with ragged edges, 100 per class; those of a class have a similar shape."""
    classes = number // PER_CLASS
    with ProcessPoolExecutor(processes, get_context('fork')) as pool:
        drawn = pool.map(write_class, [root] * classes, range(classes))
        lines = [line for part in tqdm(drawn, total=classes, desc=f'drawing {number:,} masks', unit='class') for line in part]
    write_jsonl(root / 'manifest.jsonl', lines)
    names = [folder_of_class(c) for c in range(classes)]
    write_json(
        root / 'dataset.json',
        dict(
            classes=['background', 'foreground'],
            palette=[[0, 0, 0], [128, 0, 0]],
            resolution=SIZE,
            image_classes=[dict(name=name, folder=name) for name in names],
            counts=dict.fromkeys(names, PER_CLASS),
        ),
    )


def folder_of_class(class_id: int) -> str:
    return f'class-{class_id:04d}'


def write_class(root: Path, class_id: int) -> list[dict]:
    """Write the masks of a class and return their lines of the manifest."""
    folder, shape = folder_of_class(class_id), generator_at('class', class_id).standard_normal((GRID, GRID))
    lines = []
    for index in range(PER_CLASS):
        files = sample_files(folder, sample_id(index))
        write_png(root / files['mask'], blob(shape, generator_at('mask', class_id, index)))
        (root / files['image']).parent.mkdir(parents=True, exist_ok=True)
        os.link(root / files['mask'], root / files['image'])  # the images must exist but are not read
        lines.append({'id': sample_id(index), 'class': class_id, 'slug': folder, 'uncertainty': 0.0})
    return lines


def blob(shape: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A mask uint8 (256,256) of the pixels at which a random field, decreasing from the centre, is positive."""
    from PIL import Image

    y, x = np.mgrid[:GRID, :GRID] / (GRID - 1) - 0.5
    (centre_y, centre_x), (tall, wide) = rng.normal(0, 0.08, 2), rng.uniform(0.7, 1.5, 2)
    field = 0.35 * shape + 0.25 * rng.standard_normal(shape.shape) + rng.uniform(2.2, 3.4)
    field -= 9 * np.hypot((y - centre_y) * tall, (x - centre_x) * wide)
    field = np.asarray(Image.fromarray(field.astype(np.float32)).resize((SIZE, SIZE), Image.Resampling.BICUBIC))
    rim = 0.02 * rng.standard_normal((SIZE // 4, SIZE // 4)).astype(np.float32)
    return (field + rim.repeat(4, 0).repeat(4, 1) > 0).astype(np.uint8)


def measure(root: Path, processes: int) -> dict:
    """Measure wall and CPU seconds of each part, and the peak resident memory in MiB of this process and of its largest worker."""
    torch.set_num_threads(1)
    images, parts = open_labelled_images(root), {}

    def timed(name: str, call: Callable[[], object]) -> object:
        wall, cpu = time.perf_counter(), cpu_seconds()
        result = call()
        parts[name] = dict(wall=round(time.perf_counter() - wall, 2), cpu=round(cpu_seconds() - cpu, 2))
        return result

    mean_shapes(np.zeros((2, 8, 8), np.uint8), clusters=1)  # libraries are loaded at their first use
    before = peak_mib(resource.RUSAGE_SELF)
    statistics = timed('columns', lambda: mask_statistics(images, processes, progress=False))
    rows = timed('summary with SD', lambda: summary(statistics, processes=processes, progress=False))
    timed('mean shapes', lambda: [mean_shapes(statistics.crops[chosen], address=name) for name, chosen in statistics.groups()])
    return dict(
        masks=len(images),
        seconds=parts,
        total=dict(wall=sum(part['wall'] for part in parts.values()), cpu=sum(part['cpu'] for part in parts.values())),
        memory_mib=dict(before=before, peak=peak_mib(resource.RUSAGE_SELF), largest_worker=peak_mib(resource.RUSAGE_CHILDREN)),
        means={key: rows['all'][key] for key in ('IN', 'MI', 'BI', 'MB', 'PL', 'SC', 'SD')},
    )


def cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def peak_mib(who: int) -> float:
    return round(resource.getrusage(who).ru_maxrss / 1024, 1)


def masks_command(args: argparse.Namespace) -> None:
    """Measure the analysis of masks, print a table and write JSON."""
    if wrong := [number for number in args.sizes if number < PER_CLASS or number % PER_CLASS]:
        raise InputError(f'--sizes must be multiples of {PER_CLASS}, the number of masks per class; got {wrong[0]}')
    check_out(args.out)
    torch.set_num_threads(1)
    result = dict(command='masks', processes=args.processes, pixels=SIZE, per_class=PER_CLASS)
    result['environment'] = describe_machine(torch.device('cpu')) | dict(load_before=load_average())
    result['rows'] = []
    for number in args.sizes:
        with tempfile.TemporaryDirectory(dir=args.scratch) as folder:
            write_masks(Path(folder), number, len(os.sched_getaffinity(0)))
            row = in_fresh_process(measure, Path(folder), args.processes)
        if isinstance(row, str):
            raise InputError(f'the analysis of {number} masks could not be measured: {row}')
        result['rows'].append(row)
    result['environment']['load_after'] = load_average()
    report(result, as_text(result), args.out)


def as_text(result: dict) -> str:
    """The table, aligned and valid Markdown."""
    rows = []
    for row in result['rows']:
        memory = row['memory_mib']
        seconds = [f'{part["wall"]:.1f} ({part["cpu"]:.1f})' for part in (*row['seconds'].values(), row['total'])]
        rows.append([f'{row["masks"]:,}', *seconds, f'{memory["peak"] - memory["before"]:,.0f}', f'{memory["largest_worker"]:,.0f}'])
    heads = ['masks', *result['rows'][0]['seconds'], 'all', 'MiB beyond the start', 'MiB of the largest worker']
    return '\n'.join(
        [
            f'{result["pixels"]} px, {result["per_class"]} masks per class, {result["processes"]} processes; wall seconds (CPU seconds)',
            *machine_lines(result['environment']),
            '',
            *table(heads, rows),
        ]
    )


def add_masks(commands: argparse._SubParsersAction) -> None:
    """Add the sub-command ``masks``."""
    command = commands.add_parser('masks', help='time and memory of the analysis of masks')
    command.add_argument(
        '--sizes', type=positive_int, nargs='+', default=[2000, 10000, 50000], help='numbers of masks; default: 2000 10000 50000'
    )
    command.add_argument('--processes', type=positive_int, default=2, help='number of processes that analyse masks; default: 2')
    command.add_argument('--scratch', help="folder for the temporary masks; default: the system's temporary folder")
    command.add_argument('--out', type=Path, help='.json file for the results')
    command.set_defaults(run=masks_command)
