"""Compare early with full rejection: agreement of the kept samples, distance to real images, diversity and time, in one run.

    python tools/compare_rejection.py configs/synthesis/biggan32_fashion_early.py figures.json --features resnet_fashion32
    python tools/compare_rejection.py CONFIG OUT.json --blocks 5 --seeds 0 1 2 --classes 0 3 7 --device cuda

CONFIG is a synthesis whose RejectionSampling has early=... . For each seed, its first blocks are judged with early and with full rejection
alternately. Nothing is labelled except one block, for the time of the labels. Figures in OUT.json, for each seed:

    agreement        percentage of the samples kept by full rejection that early rejection keeps too
    confidence       mean confidence of the classifier in the kept samples
    KD, ID           kernel distance (x 1000) of the kept images to the reference, and image diversity, see tools/compare_dataset.py
    judging          seconds for each sample that rejection keeps, without labels; and the ratio of both, early to full
    with_labels      the same with the time of the labels, which is the same for both
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

import numpy as np
from analyze import chosen_network
from compare_dataset import FASHION, spread
from tqdm import tqdm

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.analysis.distances.distribution_distances import kernel_distance
from mmbdg.analysis.distances.picture_features import drawn, picture_features
from mmbdg.analysis.opening import open_labelled_images
from mmbdg.arguments import ConfigOptions, Parser, natural_int, positive_int
from mmbdg.compat.config import check_keys, check_requirements, read_config
from mmbdg.errors import InputError, plain_errors
from mmbdg.files import check_place, write_json
from mmbdg.machine import describe_machine, usable_device
from mmbdg.synthesis import Synthesis
from mmbdg.synthesis.block import BlockMaker, Judged
from mmbdg.synthesis.loading import build_maker, wanted_classes
from mmbdg.synthesis.pipeline import threads

EARLY, FULL = 'early', 'full'


def both_plans(plan: Synthesis) -> dict[str, Synthesis]:
    """The plan, and the same with full rejection.

    Raises:
        InputError: The plan has no RejectionSampling with early rejection.
    """
    if not any(entry.get('early') for entry in plan.filters):
        raise InputError('this comparison needs a RejectionSampling with early rejection: set early=True or early=dict(keep=0.2)')
    full = [{key: value for key, value in entry.items() if key != 'early'} for entry in plan.filters]
    return {EARLY: plan, FULL: plan.changed(filters=full)}


class Kept:
    """What one kind of rejection keeps, and its time.

    Args:
        maker: Maker of the blocks.
    """

    def __init__(self, maker: BlockMaker) -> None:
        self.maker, self.samples, self.confidences = maker, [], []

    def judge(self, class_id: int, block: int) -> Judged:
        """Judge a block."""
        left = self.maker.judge(class_id, self.maker.candidates(class_id, block))
        self.samples += [(class_id, index) for index in left.indices]
        self.confidences += [left.scores[index]['classifier_score'] for index in left.indices]
        return left

    def seconds(self) -> float:
        """Seconds for each kept sample, without labels."""
        stages = self.maker.stages.seconds
        return sum(stages.get(stage, 0.0) for stage in ('coarse', 'generate', 'classify')) / len(self.samples)


def figures_of_seed(plan: Synthesis, network: object, reference: dict, args: argparse.Namespace) -> dict:
    """Figures of one seed, see the module docstring."""
    kept = {name: Kept(build_maker(each, args.device)) for name, each in both_plans(plan).items()}
    maker = kept[FULL].maker
    class_ids = wanted_classes(plan, maker.catalogue)
    for one in kept.values():  # warm-up
        one.maker.judge(class_ids[0], maker.candidates(class_ids[0], args.blocks)[: plan.batch_size])
        one.maker.stages.seconds.clear(), one.maker.stages.images.clear()
    blocks = [(class_id, block) for block in range(args.blocks) for class_id in class_ids]
    for number, (class_id, block) in enumerate(tqdm(blocks, unit='block', desc=f'seed {plan.seed}', dynamic_ncols=True)):
        for name in (EARLY, FULL) if number % 2 else (FULL, EARLY):
            left = kept[name].judge(class_id, block)
    maker.label(class_id, left.indices[: plan.batch_size], left)
    labelling = maker.stages.seconds['label'] / maker.stages.images['label']
    found: dict = dict(
        seed=plan.seed,
        kept=len(kept[FULL].samples),
        agreement=100 * len(set(kept[EARLY].samples) & set(kept[FULL].samples)) / len(kept[FULL].samples),
        confidence={name: mean(one.confidences) for name, one in kept.items()},
    )
    features = features_of(maker, sorted({sample for one in kept.values() for sample in one.samples}), network, args.device)
    for name, one in kept.items():
        own = np.stack([features[sample] for sample in one.samples])
        n = min(len(own), reference['n'])
        chosen = drawn(len(own), n, 'filters', 0)
        other = reference['features'][drawn(reference['n'], n, 'filters', 0)]
        found.setdefault('KD', {})[name] = 1000 * kernel_distance(other, own[chosen])
        found.setdefault('ID', {})[name] = spread(own, [class_id for class_id, _ in one.samples]) / reference['spread']
    judging = {name: one.seconds() for name, one in kept.items()}
    labelled = {name: seconds + labelling for name, seconds in judging.items()}
    for key, seconds in dict(judging=judging, with_labels=labelled).items():
        found[key] = dict(seconds, ratio=seconds[EARLY] / seconds[FULL])
    found['stage_seconds'] = {name: dict(one.maker.stages.seconds) for name, one in kept.items()}
    return found


def features_of(maker: BlockMaker, samples: Sequence[tuple[int, int]], network: object, device: str) -> dict[tuple[int, int], np.ndarray]:
    """Features of the images of samples by (class, index)."""
    found = {}
    for class_id in sorted({class_id for class_id, _ in samples}):
        indices = [index for of, index in samples if of == class_id]
        for start in range(0, len(indices), maker.plan.batch_size):
            part = indices[start : start + maker.plan.batch_size]
            images = list(maker.source.draw(class_id, part).images.permute(0, 2, 3, 1).cpu().numpy())
            found |= zip([(class_id, index) for index in part], network.features(images, device), strict=True)
    return found


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument('config', help='config with synthesis=dict(...) and early rejection')
    parser.add_argument('out', type=Path, help='JSON file for the figures')
    parser.add_argument('--blocks', type=positive_int, default=2, help='blocks of each class and seed; default: 2')
    parser.add_argument('--seeds', type=natural_int, nargs='+', default=[0, 1, 2], help='seeds of the latents; default: 0 1 2')
    parser.add_argument('--classes', type=natural_int, nargs='+', help='class indices; default: those of the config')
    parser.add_argument('--reference', default=FASHION, help='real images, given as in tools/analyze.py; default: %(default)s')
    parser.add_argument(
        '--features', default='efflite0', choices=('efflite0', 'resnet_fashion32'), help='feature network; default: efflite0'
    )
    parser.add_argument('--inception', help="weights of FID's Inception-v3, used instead of --features")
    parser.add_argument('--device', default='cpu', help='device of all networks, e.g. cuda; default: cpu')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config: synthesis.key=value ...')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    device = usable_device(args.device)
    check_place(args.out)
    cfg = read_config(args.config, args.cfg_options, ('synthesis',))
    if 'synthesis' not in cfg:
        raise InputError(f'{args.config} has no synthesis=dict(...); give a config such as configs/synthesis/biggan32_fashion_early.py')
    check_keys(cfg, 'synthesis')
    check_requirements(cfg)
    plan = Synthesis.from_config(cfg.synthesis)
    plan = plan.changed(classes=args.classes) if args.classes else plan
    both_plans(plan)
    args.classifier = None
    network, real = chosen_network(args), open_labelled_images(args.reference)
    with threads(plan.threads):
        features = picture_features(real, range(len(real)), network, args.device, kinds=('images',))['images']
        reference = dict(n=len(real), features=features, spread=spread(features, [real.class_of(i) for i in range(len(real))]))
        about = dict(config=args.config, reference=args.reference, network=network.name, blocks=args.blocks, candidates=plan.candidates)
        rows = []
        for seed in args.seeds:
            rows.append(figures_of_seed(plan.changed(seed=seed), network, reference, args))
            print({key: value for key, value in rows[-1].items() if key != 'stage_seconds'})
            write_json(args.out, dict(**about, rows=rows, machine=describe_machine(device)))  # a stopped run leaves the finished seeds


if __name__ == '__main__':
    with plain_errors():
        main()
