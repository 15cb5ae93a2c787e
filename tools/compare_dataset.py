"""Measure a labelled dataset: distance to real images, agreement of the masks with a rule, and diversity.

    python tools/compare_dataset.py data/garments figures.json --features resnet_fashion32
    python tools/compare_dataset.py DATASET OUT.json --reference CONFIG.py:KEY --rule none --features efflite0

Figures in OUT.json:

    FD, KD   Frechet and kernel distance of the images to the reference, in the features of a named network; KD is multiplied by 1000
    mIoU     agreement of the masks with those drawn by a rule, foreground and background, in percent
    ID       image diversity: mean squared distance of the features of two images of a class, relative to that of two reference images
    SD       shape diversity, as in Table 1

The study configs/studies/filters.py makes one dataset for each filter of a synthesis and measures each of them with this tool.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

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
from mmbdg.arguments import Parser, positive_int
from mmbdg.datasets.annotated_latents import import_rule
from mmbdg.errors import plain_errors
from mmbdg.files import check_place, write_json
from mmbdg.machine import describe_machine, usable_device

FASHION = 'configs/_base_/datasets/fashion32_seg_test.py:test_dataloader.dataset'
RULE = 'mmbdg.annotation.foreground.fashion_foreground'


def with_rule(images: LabelledImages, rule: Callable[[np.ndarray], np.ndarray]) -> float:
    """mIoU in percent between the foreground of all masks and that drawn by the rule, computed by mmseg's IoUMetric."""
    areas = [torch.zeros(2) for _ in range(4)]
    for i in range(len(images)):
        mask = images.mask(i)
        truth = np.where(mask == images.ignore, 255, rule(images.image(i)))
        predicted = foreground(mask, images.ignore).astype(np.int64)
        found = IoUMetric.intersect_and_union(torch.from_numpy(predicted), torch.from_numpy(truth.astype(np.int64)), 2, 255)
        areas = [total + area for total, area in zip(areas, found, strict=True)]
    return 100 * float(IoUMetric.total_area_to_metrics(*areas, metrics=['mIoU'])['IoU'].mean())


def spread(features: np.ndarray, classes: Sequence[int | None]) -> float:
    """Mean squared distance of two samples of a class (twice the trace of its covariance matrix), averaged over the classes."""
    groups = [features[np.array([c == group for c in classes])] for group in sorted(set(classes))]
    return float(np.mean([2 * group.astype(np.float64).var(axis=0, ddof=1).sum() for group in groups if len(group) > 1]))


def figures(images: LabelledImages, reference: dict, network: object, rule: Callable | None, args: argparse.Namespace) -> dict:
    """Figures of one dataset, as listed in the module docstring, and the number of samples used for the distances (``n``)."""
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


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument('dataset', help='folder of a synthetic dataset, or another dataset as in tools/analyze.py')
    parser.add_argument('out', type=Path, help='JSON file for the figures')
    parser.add_argument('--reference', default=FASHION, help='real labelled images, given as in tools/analyze.py; default: %(default)s')
    parser.add_argument(
        '--rule',
        default=RULE,
        help='import path of a function that draws the mask of an image uint8 (H,W,3), or "none"; default: %(default)s',
    )
    parser.add_argument(
        '--features', default='efflite0', choices=('efflite0', 'resnet_fashion32'), help='feature network; default: efflite0'
    )
    parser.add_argument('--inception', help="weights of FID's Inception-v3, used instead of --features")
    parser.add_argument(
        '--n', type=positive_int, default=5000, help='maximum number of samples per dataset for the distances; default: 5000'
    )
    parser.add_argument('--device', default='cpu', help='device of the feature network, e.g. cuda; default: cpu')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    usable_device(args.device)
    check_place(args.out)
    rule = None if args.rule == 'none' else import_rule(args.rule)
    args.classifier = None
    network = chosen_network(args)
    images, real = open_labelled_images(args.dataset), open_labelled_images(args.reference)
    chosen = drawn(len(real), min(args.n, len(real)), 'filters', 0)
    with tqdm(total=len(chosen), desc='reference', dynamic_ncols=True) as bar:
        features = picture_features(real, chosen, network, args.device, after_batch=bar.update)['images']
    reference = dict(n=len(chosen), features=features, spread=spread(features, [real.class_of(int(i)) for i in chosen]))
    found = figures(images, reference, network, rule, args)
    machine = describe_machine(torch.device(args.device))
    about = dict(dataset=args.dataset, reference=args.reference, network=network.name)
    write_json(args.out, dict(**about, figures=found, machine=machine))
    print(', '.join(f'{name} {value}' for name, value in found.items()))


if __name__ == '__main__':
    with plain_errors():
        main()
