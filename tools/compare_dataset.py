"""Measure a dataset: distance to real images, agreement of the masks with a rule, diversity, recognised samples, copies.

    python tools/compare_dataset.py data/garments figures.json --features resnet_fashion32
    python tools/compare_dataset.py DATASET OUT.json --reference CONFIG.py:KEY --rule none --features efflite0

Figures in OUT.json:

    FD, KD   Frechet and kernel distance of the images to the reference, in the features of a named network; KD is multiplied by 1000
    mIoU     agreement of the masks with those drawn by a rule, foreground and background, in percent
    ID       image diversity: mean squared distance of the features of two images of a class, relative to that of two reference images
    SD       shape diversity, as in Table 1
    recognised   percentage of the samples that a classifier (--judge) assigns to their class
    copies   percentage of the samples that are closer to an image of --copies-of than half the median distance of such an image to its
             nearest other one

mIoU and SD are null for a dataset without masks.

The study configs/studies/filters.py makes one dataset for each filter of a synthesis and measures each of them with this tool.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from analyze import GARMENTS, chosen_network, classifier_config
from mmseg.evaluation import IoUMetric
from tqdm import tqdm

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.analysis.distances.distribution_distances import distances
from mmbdg.analysis.distances.nearest import nearest, nearest_other
from mmbdg.analysis.distances.picture_features import drawn, picture_features
from mmbdg.analysis.images.labelled_images import LabelledImages
from mmbdg.analysis.opening import open_labelled_images
from mmbdg.analysis.statistics.mask_columns import foreground
from mmbdg.analysis.statistics.mask_statistics import mask_statistics, shape_diversity
from mmbdg.annotation.rules import import_rule
from mmbdg.arguments import Parser, positive_int
from mmbdg.classifiers import Classifier, build_classifier
from mmbdg.errors import InputError, plain_errors
from mmbdg.files import check_place, write_json
from mmbdg.machine import describe_machine, usable_device

FASHION = 'configs/_base_/datasets/fashion32_seg_test.py:test_dataloader.dataset'
RULE = 'mmbdg.annotation.foreground.fashion_foreground'
BATCH = 64


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
    features = picture_features(images, chosen, network, args.device, kinds=('images',))
    found = distances(features['images'], reference['features'][drawn(reference['n'], n, 'filters', 0)])
    statistics = mask_statistics(images, progress=False) if images.has_masks else None
    return dict(
        n=n,
        FD=found.frechet,
        KD=found.kernel,
        mIoU=with_rule(images, rule) if rule and images.has_masks else None,
        ID=spread(features['images'], [images.class_of(int(i)) for i in chosen]) / reference['spread'],
        SD=float(np.mean(list(shape_diversity(statistics, progress=False).values()))) if statistics else None,
        recognised=recognised(images, chosen, args.judge, args.device) if args.judge else None,
        copies=copies(features['images'], args.copies_of, network, args) if args.copies_of else None,
    )


def recognised(images: LabelledImages, chosen: Sequence[int], judge: Classifier, device: str) -> float:
    """Percentage of samples that a classifier with the same classes, in the same order, assigns to their class."""
    right = 0
    for start in range(0, len(chosen), BATCH):
        part = [int(i) for i in chosen[start : start + BATCH]]
        batch = torch.from_numpy(np.stack([images.image(i) for i in part])).permute(0, 3, 1, 2).to(device)
        right += int((judge.probabilities(batch).argmax(1).cpu() == torch.tensor([images.class_of(i) for i in part])).sum())
    return 100 * right / len(chosen)


def copies(features: np.ndarray, others: LabelledImages, network: object, args: argparse.Namespace) -> float:
    """Percentage of samples that are closer to one of the other images than half the median distance between neighbours among these."""
    chosen = drawn(len(others), min(args.copies_n, len(others)), 'copies', 0)
    known = picture_features(others, chosen, network, args.device, kinds=('images',))['images']
    yardstick = np.median(nearest_other(known).distance)
    return 100 * float((nearest(features, known).distance < yardstick / 2).mean())


def judge_of(args: argparse.Namespace, images: LabelledImages) -> Classifier | None:
    """The classifier of --judge, with its own preprocessing.

    Raises:
        InputError: Its config or weights are wrong, or it has another number of classes than the dataset.
    """
    if args.judge is None:
        if args.judge_checkpoint:
            raise InputError('--judge-checkpoint belongs to a classifier: give --judge')
        return None
    path, weights, size = GARMENTS if args.judge == 'resnet_fashion32' else (args.judge, None, None)
    judge = build_classifier(classifier_config(path, args.judge_checkpoint or weights), size)
    if judge.num_classes != len(images.classes):
        raise InputError(f'the judge has {judge.num_classes} classes, {images.name} has {len(images.classes)}; they must be the same')
    return judge


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument('dataset', help='folder of a synthetic dataset, or another dataset as in tools/analyze.py')
    parser.add_argument('out', type=Path, help='JSON file for the figures')
    parser.add_argument('--reference', default=FASHION, help='real labelled images, given as in tools/analyze.py; default: %(default)s')
    parser.add_argument(
        '--rule',
        default=RULE,
        help='import path of a function that draws the mask of an image uint8 (H,W,3), CONFIG.py:CHECKPOINT of a segmentor, or "none"; '
        'default: %(default)s',
    )
    parser.add_argument(
        '--features', default='efflite0', choices=('efflite0', 'resnet_fashion32'), help='feature network; default: efflite0'
    )
    parser.add_argument('--inception', help="weights of FID's Inception-v3, used instead of --features")
    parser.add_argument(
        '--n', type=positive_int, default=5000, help='maximum number of samples per dataset for the distances; default: 5000'
    )
    parser.add_argument(
        '--judge', metavar='CONFIG', help='config of a classifier with the classes of the dataset, or "resnet_fashion32"; default: none'
    )
    parser.add_argument('--judge-checkpoint', metavar='FILE', help='weights of the judge; default: those that its config names')
    parser.add_argument(
        '--copies-of', metavar='SOURCE', help='images of which copies are searched, given as in tools/analyze.py; default: none'
    )
    parser.add_argument(
        '--copies-n', type=positive_int, default=10_000, help='maximum number of these images, drawn at random; default: 10000'
    )
    parser.add_argument('--device', default='cpu', help='device of the feature network, e.g. cuda; default: cpu')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    usable_device(args.device)
    check_place(args.out)
    rule = None if args.rule == 'none' else import_rule(args.rule)
    args.classifier = None
    images, real = open_labelled_images(args.dataset), open_labelled_images(args.reference)
    args.copies_of = open_labelled_images(args.copies_of) if args.copies_of else None
    network = chosen_network(args)
    args.judge = judge_of(args, images)
    chosen = drawn(len(real), min(args.n, len(real)), 'filters', 0)
    with tqdm(total=len(chosen), desc='reference', dynamic_ncols=True) as bar:
        features = picture_features(real, chosen, network, args.device, after_batch=bar.update, kinds=('images',))['images']
    reference = dict(n=len(chosen), features=features, spread=spread(features, [real.class_of(int(i)) for i in chosen]))
    found = figures(images, reference, network, rule, args)
    machine = describe_machine(torch.device(args.device))
    about = dict(dataset=args.dataset, reference=args.reference, network=network.name)
    write_json(args.out, dict(**about, figures=found, machine=machine))
    print(', '.join(f'{name} {value}' for name, value in found.items()))


if __name__ == '__main__':
    with plain_errors():
        main()
