"""Look at a labelled generator or a dataset on a page of this machine, mark samples, and correct masks with a brush.

    python tools/explore.py                                        # the embedded labelled generator fashion32
    python tools/explore.py work_dirs/my_labelled_generator --classifier CONFIG --reference CONFIG.py:KEY
    python tools/explore.py work_dirs/biggan32_fashion --labelled-generator fashion32

The page shows the samples of a class with the outlines of their masks, the uncertainty of the ensemble, feature maps as colours, nearest
real images (--reference) and the columns of Table 1, and what truncation and filters change. Marked samples of a dataset become a selection
(mmbdg.SyntheticSegDataset(selection='NAME')); those of a generator are written to --out/to_annotate, as tools/annotate.py sample writes
them. A corrected mask is saved with its latent in --out/annotated, which the interpreter's training reads:

    python tools/train.py configs/interpreter/biggan32_fashion.py --cfg-options train_dataloader.dataset.data_root=OUT/annotated

The page is served on 127.0.0.1 only. docs/explore.md describes it. It needs starlette and uvicorn: pip install "mmbdg[explore]".
"""

import argparse
import re
from pathlib import Path

from analyze import CONFIGS, GARMENTS, classifier_config

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.analysis.distances.feature_networks import classifier_features, efficientnet_lite0
from mmbdg.analysis.images.stored_images import StoredImages
from mmbdg.analysis.opening import open_labelled_images
from mmbdg.arguments import Bounded, Parser, natural_int, positive_int
from mmbdg.errors import InputError, plain_errors
from mmbdg.explorer import AnnotationFolder, DatasetView, GeneratorView, Reference, View
from mmbdg.explorer.app import Explorer
from mmbdg.explorer.dataset_view import generator_of
from mmbdg.explorer.server import serve
from mmbdg.files import check_place, sha256
from mmbdg.machine import usable_device
from mmbdg.sources import LabelledGenerator

EMBEDDED = 'fashion32'
REAL_GARMENTS = f'{CONFIGS / "transfer" / "fashion" / "fpn_r18_frozen.py"}:train_dataloader.dataset'
"""The images that the embedded generator was trained on."""


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument(
        'source',
        nargs='?',
        default=EMBEDDED,
        help='labelled generator (name or folder) or folder of a dataset of tools/synthesize.py; default: %(default)s',
    )
    parser.add_argument('--out', type=Path, help='folder for masks and samples; default: work_dirs/explore/NAME')
    parser.add_argument(
        '--name', help='name of the set of annotated latents; default: that of the generator and its resolution, e.g. biggan32'
    )
    parser.add_argument(
        '--labelled-generator', metavar='NAME_OR_FOLDER', help='labelled generator that made the dataset, for latents and features'
    )
    parser.add_argument('--reference', help='real images, given as in tools/analyze.py; default: those of fashion32')
    parser.add_argument('--n', type=positive_int, default=5000, help='largest number of real images; default: %(default)s')
    parser.add_argument(
        '--classifier', metavar='CONFIG', help='config of a classifier, for rejection sampling and for the features of --reference'
    )
    parser.add_argument('--classifier-checkpoint', help='checkpoint of the classifier, if the config names none')
    parser.add_argument(
        '--per-page', type=Bounded(int, 1, 500), default=48, help='samples of a page, and candidates of a block; default: %(default)s'
    )
    parser.add_argument('--seed', type=natural_int, help='first seed of the latents; default: that of the labelled generator')
    parser.add_argument(
        '--port', type=Bounded(int, 0, 65535), default=8765, help='port of the page, 0 for a free one; default: %(default)s'
    )
    parser.add_argument('--device', default='cpu', help='device of the networks, e.g. cuda; default: cpu')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    device = usable_device(args.device)
    view = opened(args)
    if isinstance(view, GeneratorView):
        view.generator.to(device)
    elif view.generator:
        view.generator.generator.to(device)
    out = args.out or Path('work_dirs') / 'explore' / re.sub(r'[^\w.-]+', '-', Path(args.source).resolve().name)
    if any((folder / 'dataset.json').exists() for folder in (out, *out.parents)):
        raise InputError(f'{out} lies in the folder of a dataset, where no other files are allowed; give another --out')
    folder = AnnotationFolder(out, args.name or set_name(view), view)
    check_place(out / 'explorer')
    folders = [out] + ([view.stored.root] if isinstance(view, DatasetView) else [])
    serve(Explorer(view, folder, reference_of(args)), args.port, folders)


def opened(args: argparse.Namespace) -> View:
    """Open what is shown."""
    if (Path(args.source) / 'dataset.json').is_file():
        images = StoredImages(args.source)
        if args.seed is not None:
            raise InputError('--seed is for a labelled generator: the samples of a dataset are given')
        generator = generator_of(images, args.labelled_generator, args.per_page) if args.labelled_generator else None
        return DatasetView(images, args.per_page, generator)
    if args.labelled_generator:
        raise InputError(f'--labelled-generator is for a dataset, and {args.source} is none (it has no dataset.json)')
    options = {} if args.seed is None else dict(seed=args.seed)
    generator = LabelledGenerator.load(args.source, **options)
    weights = LabelledGenerator.find(args.source) / 'generator.safetensors'
    return GeneratorView(generator, args.source, args.per_page, chosen_classifier(args), sha256(weights))


def set_name(view: View) -> str:
    """Name of the set as the configs of this repository name it: the generator's type and its resolution."""
    made_by = view.generator if isinstance(view, DatasetView) else view
    if made_by is None:
        return 'dataset'
    return f'{LabelledGenerator.card(made_by.name)["generator"]["type"].rpartition(".")[2].lower()}{view.catalogue.resolution}'


def chosen_classifier(args: argparse.Namespace) -> dict | None:
    """Config of the classifier; None if there is none."""
    if args.classifier:
        return classifier_config(args.classifier, args.classifier_checkpoint)
    return classifier_config(*GARMENTS[:2]) if args.source == EMBEDDED else None


def reference_of(args: argparse.Namespace) -> Reference | None:
    """Real images with their feature network; None if there are none."""
    source = args.reference or (REAL_GARMENTS if args.source == EMBEDDED else None)
    if source is None:
        return None
    config = chosen_classifier(args)
    name = Path(args.classifier or GARMENTS[0]).stem
    size = None if args.classifier else GARMENTS[2]
    network = classifier_features(config, name, size) if config else efficientnet_lite0()
    images = open_labelled_images(source)
    images.name = images.name if args.reference else 'training images of the generator'
    return Reference(images, network, args.n, args.device)


if __name__ == '__main__':
    with plain_errors():
        main()
