"""What each filter of a synthesis does: to the distance to real images, to the masks, and to diversity.

    python tools/filter_table.py configs/synthesis/biggan32_fashion.py work_dirs/filter_table
    python tools/filter_table.py CONFIG OUT --reference CONFIG.py:KEY --rule none --features efflite0 --seeds 0 1 2

For each row a dataset is made from the config's plan with the filters the row names, and compared with the reference, the same for all;
what is there is kept, so an interrupted run continues. Writes filters_NETWORK.json and filters_NETWORK.md into OUT.

    FD, KD   Frechet and kernel distance of images to the reference in a named feature network, KD x 1000
    mIoU     of the masks with a documented rule that draws masks, foreground and background
    ID       image diversity: mean squared distance of the features of two images of a class, over that of two reference images
    SD       shape diversity, as in Table 1

A row is the mean over the seeds, with the standard deviation where there are several.
"""

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import torch
from analyze import chosen_network
from mmseg.evaluation import IoUMetric
from tqdm import tqdm

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.analysis.distances.distribution_distances import distances
from mmbdg.analysis.distances.picture_features import drawn, picture_features
from mmbdg.analysis.images.labelled_images import LabelledImages
from mmbdg.analysis.opening import open_labelled_images
from mmbdg.analysis.statistics.mask_columns import foreground
from mmbdg.analysis.statistics.mask_statistics import mask_statistics, shape_diversity
from mmbdg.arguments import Parser, natural_int, positive_int
from mmbdg.compat.config import check_requirements, read_config
from mmbdg.datasets.annotated_latents import import_rule
from mmbdg.errors import InputError, plain_errors
from mmbdg.files import write_atomically, write_json
from mmbdg.machine import describe_machine, usable_device
from mmbdg.synthesis import Synthesis, synthesize

NONE = dict(
    truncation=None, classifier=None, class_map=None, min_confidence=0.0, uncertainty_rate=0.0, min_foreground=0.0, max_foreground=1.0
)
FASHION = 'configs/_base_/datasets/fashion32_seg_test.py:test_dataloader.dataset'
RULE = 'mmbdg.annotation.foreground.fashion_foreground'


def variants(plan: Synthesis) -> dict[str, Synthesis]:
    """Plans by the filters they use, in the paper's order and each alone."""
    truncated = dict(NONE, truncation=plan.truncation)
    rejected = dict(classifier=plan.classifier, class_map=plan.class_map, min_confidence=plan.min_confidence)
    uncertain = dict(uncertainty_rate=plan.uncertainty_rate)
    rows = {
        'no filter': NONE,
        'truncation': truncated,
        'uncertainty': NONE | uncertain,
        'rejection': NONE | rejected,
        'truncation, rejection': truncated | rejected,
        'truncation, rejection, uncertainty': truncated | rejected | uncertain,
    }
    if plan.classifier is None:
        rows = {name: row for name, row in rows.items() if 'rejection' not in name} | {'truncation, uncertainty': truncated | uncertain}
    whole = replace(plan, classifier=None)  # all candidates of a block are labelled: no more than are needed
    few = math.ceil(plan.num_per_class / (1 - plan.uncertainty_rate)) if whole.kept > plan.num_per_class else plan.candidates
    return {name: replace(plan, **row, **(dict(candidates=few) if row['classifier'] is None else {})) for name, row in rows.items()}


def with_rule(images: LabelledImages, rule: Callable[[np.ndarray], np.ndarray]) -> float:
    """mIoU of all masks' foreground with the rule's, in per cent, as mmseg counts it."""
    areas = [torch.zeros(2) for _ in range(4)]
    for i in range(len(images)):
        mask = images.mask(i)
        truth = np.where(mask == images.ignore, 255, rule(images.image(i)))
        predicted = foreground(mask, images.ignore).astype(np.int64)
        found = IoUMetric.intersect_and_union(torch.from_numpy(predicted), torch.from_numpy(truth.astype(np.int64)), 2, 255)
        areas = [total + area for total, area in zip(areas, found, strict=True)]
    return 100 * float(IoUMetric.total_area_to_metrics(*areas, metrics=['mIoU'])['IoU'].mean())


def spread(features: np.ndarray, classes: Sequence[int | None]) -> float:
    """Mean squared distance of two different samples of a class, averaged over classes: twice the trace of the class's covariance."""
    groups = [features[np.array([c == group for c in classes])] for group in sorted(set(classes))]
    return float(np.mean([2 * group.astype(np.float64).var(axis=0, ddof=1).sum() for group in groups if len(group) > 1]))


def figures(images: LabelledImages, reference: dict, network: object, rule: Callable | None, args: argparse.Namespace) -> dict:
    """One dataset's."""
    n = min(args.n, len(images), reference['n'])
    chosen = drawn(len(images), n, 'filters', 0)
    features = picture_features(images, chosen, network, args.device)
    found = distances(features['images'], reference['features'][drawn(reference['n'], n, 'filters', 0)])
    statistics = mask_statistics(images, progress=False)
    return dict(
        n=n,
        FD=found.frechet,
        KD=found.kernel,
        mIoU=with_rule(images, rule) if rule else None,
        ID=spread(features['images'], [images.class_of(int(i)) for i in chosen]) / reference['spread'],
        SD=float(np.mean(list(shape_diversity(statistics, progress=False).values()))),
    )


def as_table(rows: dict[str, list[dict]], network: str, seeds: int) -> str:
    """Markdown."""
    heads = dict(FD=f'FD-{network}', KD=f'KD-{network}', mIoU='mIoU with the rule', ID='image diversity', SD='SD')
    lines = ['| filters | ' + ' | '.join(heads.values()) + ' |', '| --- |' + ' --- |' * len(heads)]
    for name, found in rows.items():
        cells = []
        for key in heads:
            values = [figure[key] for figure in found if figure[key] is not None]
            cells.append('–' if not values else f'{mean(values):.2f}' + (f' ± {stdev(values):.2f}' if len(values) > 1 else ''))
        lines.append(f'| {name} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + f'\n\n{rows["no filter"][0]["n"]} samples a side; {seeds} seeds.\n'


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument('config', help='a config with synthesis=dict(...)')
    parser.add_argument('out', type=Path, help='folder of the datasets and the table')
    parser.add_argument('--reference', default=FASHION, help='real labelled images, as tools/analyze.py takes them')
    parser.add_argument('--rule', default=RULE, help='function that draws the mask of an image uint8 (H,W,3); "none" for none')
    parser.add_argument('--features', default='efflite0', choices=('efflite0', 'resnet_fashion32'), help='feature network')
    parser.add_argument('--inception', help='weights of the Inception-v3 of FID instead')
    parser.add_argument('--num-per-class', type=positive_int, default=100)
    parser.add_argument('--n', type=positive_int, default=5000, help='samples a side for distances')
    parser.add_argument('--seeds', type=natural_int, nargs='+', default=[0])
    parser.add_argument('--device', default='cpu')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    usable_device(args.device)
    cfg = read_config(args.config)
    if 'synthesis' not in cfg:
        raise InputError(f'{args.config} has no synthesis=dict(...)')
    check_requirements(cfg)
    plan = replace(Synthesis.from_config(cfg.synthesis), num_per_class=args.num_per_class)
    rule = None
    if args.rule != 'none':
        rule = import_rule(args.rule)
    args.classifier = None
    network = chosen_network(args)
    real = open_labelled_images(args.reference)
    chosen = drawn(len(real), min(args.n, len(real)), 'filters', 0)
    with tqdm(total=len(chosen), desc='reference', dynamic_ncols=True) as bar:
        features = picture_features(real, chosen, network, args.device, after_batch=bar.update)['images']
    reference = dict(n=len(chosen), features=features, spread=spread(features, [real.class_of(int(i)) for i in chosen]))
    rows: dict[str, list[dict]] = {}
    for name, variant in variants(plan).items():
        for seed in args.seeds:
            folder = args.out / f'{name.replace(", ", "_").replace(" ", "-")}_seed{seed}'
            synthesize(replace(variant, seed=seed), folder, args.device)
            rows.setdefault(name, []).append(dict(seed=seed, **figures(open_labelled_images(folder), reference, network, rule, args)))
    text = as_table(rows, network.name, len(args.seeds))
    real_figures = dict(name=real.name, size=len(real), SD=float(np.mean(list(shape_diversity(mask_statistics(real)).values()))))
    machine = describe_machine(torch.device(args.device))
    place = args.out / f'filters_{network.name}'
    write_json(place.with_suffix('.json'), dict(network=network.name, reference=real_figures, rows=rows, machine=machine))
    write_atomically(place.with_suffix('.md'), lambda part: part.write_text(text, encoding='utf-8'))
    print(text)


if __name__ == '__main__':
    with plain_errors('The same command goes on with what is missing'):
        main()
