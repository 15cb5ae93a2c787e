"""Report on a labelled dataset: Table 1, histograms, mean shapes, samples, nearest reference images.

    python tools/analyze.py work_dirs/biggan32_fashion
    python tools/analyze.py work_dirs/biggan-sim --reference CONFIG.py:test_dataloader.dataset --inception weights.pth --device cuda
    python tools/analyze.py instances.json:images --reference work_dirs/biggan-sim --features efflite0 --n 2000

A dataset is a folder written by tools/synthesize.py, CONFIG.py:KEY (any mmseg dataset in a config), or INSTANCES.json:IMAGE_FOLDER.
Writes report.json (all numbers), report.md and report.html (one self-contained file) to --out.
"""

import argparse
import os
import re
from pathlib import Path

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.analysis.distances.distribution_distances import MIN_FRECHET, torch_fidelity
from mmbdg.analysis.distances.feature_networks import FeatureNetwork, classifier_features, efficientnet_lite0, inception
from mmbdg.analysis.distances.picture_features import drawn
from mmbdg.analysis.images.image_part import ImagePart
from mmbdg.analysis.images.labelled_images import LabelledImages
from mmbdg.analysis.opening import open_labelled_images
from mmbdg.analysis.report.report import ReportSettings, analyse
from mmbdg.analysis.report.report_html import as_html
from mmbdg.analysis.report.report_text import as_markdown
from mmbdg.analysis.statistics.mask_columns import MIN_PIXELS
from mmbdg.arguments import Parser, natural_int, positive_int
from mmbdg.compat.config import check_keys, read_config
from mmbdg.errors import InputError, plain_errors
from mmbdg.files import write_atomically, write_json
from mmbdg.machine import usable_device

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
GARMENTS = (CONFIGS / '_base_' / 'models' / 'resnet_fashion32.py', 'mmbdg://fashion32/classifier.safetensors', 32)


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument('dataset', help='dataset to analyse: a folder, CONFIG.py:KEY or INSTANCES.json:IMAGE_FOLDER')
    parser.add_argument('--reference', help='dataset to compare with, usually real images; given in the same way as the dataset')
    parser.add_argument('--selection', help='name of a selection of the dataset (tools/select_samples.py); only its samples are analysed')
    parser.add_argument('--reference-selection', help='name of a selection of the reference')
    parser.add_argument('--out', help='folder of the report; default: work_dirs/analysis/NAME, or NAME-SELECTION with --selection')
    parser.add_argument('--name', help='name of the dataset in the report')
    parser.add_argument('--reference-name', help='name of the reference in the report')
    network = parser.add_mutually_exclusive_group()
    network.add_argument(
        '--features',
        default='efflite0',
        choices=('efflite0', 'resnet_fashion32', 'none'),
        help='feature network of the distances: EfficientNet-Lite0 from its package (default), the garment classifier of this package, or '
        'none: no distances',
    )
    network.add_argument(
        '--inception', metavar='WEIGHTS', help="weights of FID's Inception-v3, pt_inception-2015-12-05-6726825d.pth, for FID and KID"
    )
    network.add_argument(
        '--classifier',
        metavar='CONFIG',
        help='config of a classifier as feature network: classifier=dict(...) or model=dict(...) of mmpretrain, torchvision or timm',
    )
    parser.add_argument('--classifier-checkpoint', help='checkpoint of the classifier, if the config names none')
    parser.add_argument('--classifier-size', type=positive_int, help="classifier's input size in pixels; default: that of its library")
    parser.add_argument(
        '--n',
        type=positive_int,
        default=5000,
        help=f'maximum number of samples per set for distances; no Frechet distance below {MIN_FRECHET}; default: %(default)s',
    )
    parser.add_argument('--max-samples', type=positive_int, help='number of randomly drawn samples per set to analyse; default: all')
    parser.add_argument(
        '--min-pixels', type=positive_int, default=MIN_PIXELS, help='minimum size of an instance in pixels; default: %(default)s'
    )
    parser.add_argument(
        '--processes',
        type=positive_int,
        default=len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else 1,
        help='number of processes; default: one per core',
    )
    parser.add_argument('--device', default='cpu', help='device of the feature network, e.g. cuda; default: cpu')
    parser.add_argument('--batch-size', type=positive_int, default=32, help='batch size of the feature network; default: 32')
    parser.add_argument('--seed', type=natural_int, default=0, help='seed of random selections; default: 0')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if args.reference is None and (unused := [f'--{name}' for name in ('inception', 'classifier') if getattr(args, name)]):
        raise InputError(f'{unused[0]} sets the feature network for distances to a reference: give --reference')
    if args.reference is None and args.reference_selection:
        raise InputError('--reference-selection selects samples of a reference: give --reference')
    usable_device(args.device)
    out = prepared_folder(args)
    images = opened(args.dataset, args.selection, args.name, 'dataset', args)
    reference = opened(args.reference, args.reference_selection, args.reference_name, 'reference', args) if args.reference else None
    network = chosen_network(args) if reference is not None else None
    if network:
        n = min(args.n, len(images), len(reference))
        print(f'{network.kernel} of {n} samples a side' + (f'; no {network.frechet} below {MIN_FRECHET}' if n < MIN_FRECHET else ''))
    settings = ReportSettings(args.n, args.seed, args.min_pixels, args.processes, args.batch_size, args.device)
    report = analyse(images, reference, network, settings)
    write_json(out / 'report.json', report.numbers)
    markdown, html = as_markdown(report), as_html(report)
    write_atomically(out / 'report.md', lambda part: part.write_text(markdown, encoding='utf-8'))
    write_atomically(out / 'report.html', lambda part: part.write_text(html, encoding='utf-8'))
    print(markdown.split('\n## ')[0])
    print(f'report.json, report.md and report.html are in {out}')


def prepared_folder(args: argparse.Namespace) -> Path:
    """Create the folder of the report and check that it is writable before the analysis starts."""
    name = Path(args.dataset.rpartition(':')[0] or args.dataset).resolve().stem + (f'-{args.selection}' if args.selection else '')
    out = Path(args.out or Path('work_dirs') / 'analysis' / re.sub(r'[^\w.-]+', '-', name))
    if (out / 'dataset.json').exists() or any(
        (parent / 'dataset.json').exists() and parent / 'logs' not in out.parents for parent in out.parents
    ):
        raise InputError(f'{out} lies in the folder of a dataset, where no other files are allowed; give another --out')
    out.mkdir(parents=True, exist_ok=True)
    if not os.access(out, os.W_OK):
        raise InputError(f'{out} is not writable; give another --out')
    return out


def opened(source: str, selection: str | None, name: str | None, role: str, args: argparse.Namespace) -> LabelledImages:
    """Open a dataset, or the part of it to analyse, with its name in the report."""
    images = open_labelled_images(source, selection)
    if args.max_samples and args.max_samples < len(images):
        images = ImagePart(images, drawn(len(images), args.max_samples, 'analysed', args.seed, role))
    images.name = name or images.name
    return images


def chosen_network(args: argparse.Namespace) -> FeatureNetwork | None:
    """Feature network of the distances; None for no distances.

    Raises:
        InputError: The network is not installed, or its weights are missing or do not fit.
    """
    if args.inception:
        network = inception(args.inception)
    elif args.classifier:
        network = classifier(args.classifier, args.classifier_checkpoint, args.classifier_size)
    elif args.features == 'resnet_fashion32':
        network = classifier(*GARMENTS)
    elif args.features == 'efflite0':
        network = efficientnet_lite0()
    else:
        return None
    torch_fidelity('metric_kid')
    return network


def classifier(path: str | os.PathLike, checkpoint: str | None, size: int | None) -> FeatureNetwork:
    """Feature network from the classifier of a config; it has the name of the config."""
    return classifier_features(classifier_config(path, checkpoint), Path(path).stem, size)


def classifier_config(path: str | os.PathLike, checkpoint: str | None) -> dict:
    """Config of the classifier in a config file, with its checkpoint."""
    cfg = read_config(str(path))
    check_keys(cfg, 'classifier', 'model')
    config = cfg.get('classifier') or cfg.get('model')
    if not isinstance(config, dict):
        raise InputError(f'{path} has neither classifier=dict(...) nor model=dict(...); give the config of a classifier')
    if checkpoint:
        key = dict(mmpretrain='checkpoint', torchvision='weights', timm='weights').get(config.get('type'))
        config = config | ({key: checkpoint} if key else dict(init_cfg=dict(type='Pretrained', checkpoint=checkpoint)))
    return config


if __name__ == '__main__':
    with plain_errors():
        main()
