"""Samples out to the annotator, masks back in.

    python tools/annotate.py sample configs/interpreter/biggan32_fashion.py OUT --per-class 5 --format labelme
    labelme OUT/images/biggan32 --labels OUT/labels.txt --validate-label exact
    python tools/annotate.py import OUT DST
    python tools/annotate.py check DST --config configs/interpreter/biggan32_fashion.py
    python tools/train.py configs/interpreter/biggan32_fashion.py --cfg-options train_dataloader.dataset.data_root=DST

``sample`` writes OUT/images/NAME/<class>/*.png to look at, OUT/latents/NAME/<class>/*.npy, and the project of an annotation tool:

    --format labelme   a JSON file beside each image; labels "foreground", "ignore" (pixels that do not count) and "background" (takes
                       away what was drawn before: holes, corrections)
    --format coco      OUT/coco/annotations.json
    --format cvat      OUT/cvat/annotations.zip for "Segmentation mask 1.1", OUT/cvat/labels.json for the label constructor
    --format png       nothing (default): draw for each image a mask of the same size and name into OUT/annotations/NAME/<class>/,
                       0 background, anything else foreground

With --rule the masks are drawn by a function of yours, image uint8 (R,R,3) -> bool (R,R), given by its import path. --truncation takes a
number or JSON, '{"threshold": 0.4, "definition": "scaled_truncnorm"}'; without it z is N(0, 1), as in the released annotations.

``import`` turns what the annotator gives back into DST/annotations, DST/latents and DST/images, with DST/contact_sheet.png to look at and
DST/report.json. SRC is OUT itself, or a file or folder that the tool exported; then --latents OUT says where the latents are. Pairs are
found by name. SRC may also be the released data of BigDatasetGAN: a folder with annotations.zip and latents.zip, or with both unpacked.
Images without any annotation are skipped; anything wrong is listed, all of it, and nothing is written (or, with --skip-bad, the rest).

``check`` looks through a set of annotated latents and prints a table; it exits with 2 and a list if the set is not fit to train on.
"""

import argparse
import json

from mmengine.config import DictAction

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.annotation import check_annotated_latents, import_annotations, write_project, write_samples
from mmbdg.annotation.importing import SOURCES
from mmbdg.annotation.projects import FORMATS, how_to_annotate
from mmbdg.assets import resolve
from mmbdg.compat.config import generator_config, read_config
from mmbdg.errors import InputError, plain_errors
from mmbdg.generators import fold_spectral_norm
from mmbdg.generators.build import build_generator
from mmbdg.registry import MODELS
from mmbdg.synthesis import Truncation


def add_sample(verbs: argparse._SubParsersAction) -> None:
    """The options of ``sample``."""
    verb = verbs.add_parser('sample', help='images and latents to annotate')
    verb.add_argument('config', help='config of the interpreter training: it names the generator, the classes and the set')
    verb.add_argument('out', help='folder to write')
    verb.add_argument('--per-class', type=int, default=5)
    verb.add_argument('--format', choices=FORMATS, default='png', help='of the annotation tool')
    verb.add_argument('--truncation', help='a number or JSON; default: none')
    verb.add_argument('--rule', help='import path of a function that draws the masks')
    verb.add_argument('--device', default='cpu')
    verb.add_argument('--cfg-options', nargs='+', action=DictAction, help='override parts of the config')
    verb.set_defaults(run=sample)


def sample(args: argparse.Namespace) -> None:
    """Write images, latents, a project and, by a rule, masks."""
    from mmbdg.datasets.annotated_latents import import_rule

    truncation = parse_truncation(args.truncation)
    cfg = read_config(args.config, args.cfg_options)
    if cfg.get('model', {}).get('type') != 'mmbdg.InterpreterTraining':
        raise InputError(f'{args.config} trains no interpreter; annotate.py sample takes the config of the interpreter training')
    data = cfg.train_dataloader.dataset
    generator = MODELS.build(cfg.model.generator)
    generator.init_weights()
    generator = fold_spectral_norm(generator.eval().to(args.device))
    seed = cfg.get('annotation_seed', 1)
    count = write_samples(
        args.out,
        data.name,
        generator,
        data.class_names,
        args.per_class,
        seed,
        truncation=truncation,
        rule=args.rule and import_rule(args.rule),
    )
    sampling = dict(per_class=args.per_class, seed=seed, truncation=truncation.plain if truncation else None, rule=args.rule)
    write_project(args.out, data.name, args.format, sampling)
    print(
        f'{count} samples in {args.out}; ' + (f'masks by {args.rule}' if args.rule else how_to_annotate(args.out, data.name, args.format))
    )


def parse_truncation(text: str | None) -> Truncation | None:
    """A number or a JSON object on the command line."""
    try:
        return Truncation.of(None if text is None else json.loads(text))
    except json.JSONDecodeError as error:
        raise InputError(f"""--truncation takes a number or JSON such as '{{"threshold": 0.4}}', got {text!r}""") from error


def add_import(verbs: argparse._SubParsersAction) -> None:
    """The options of ``import``."""
    verb = verbs.add_parser('import', help='annotations of a tool, or the released ones, to annotated latents')
    verb.add_argument('source', metavar='SRC', help='what the annotator gave back: a folder, a zip file or a JSON file')
    verb.add_argument('target', metavar='DST', help='folder to write')
    verb.add_argument('--from', dest='format', choices=SOURCES, help='default: recognised')
    verb.add_argument('--latents', metavar='OUT', help='folder with the latents; default: SRC')
    verb.add_argument('--name', help='of the set, if there are several')
    verb.add_argument('--skip-bad', action='store_true', help='import what is good and list the rest')
    verb.add_argument('--ignore-value', type=int, help='grey value in PNG masks of pixels that do not count; default: none')
    verb.add_argument(
        '--crowd', choices=['ignore', 'foreground'], default='ignore', help='what iscrowd in COCO means; Datumaro sets it on every mask'
    )
    verb.set_defaults(run=import_)


def import_(args: argparse.Namespace) -> None:
    """Bring annotations back."""
    report = import_annotations(
        args.source, args.target, args.format, args.latents, args.name, args.skip_bad, args.ignore_value, args.crowd
    )
    print('\n'.join(report.lines()))
    print(f'look at {args.target}/contact_sheet.png; all of this is in {args.target}/report.json')


def add_check(verbs: argparse._SubParsersAction) -> None:
    """The options of ``check``."""
    verb = verbs.add_parser('check', help='is a set of annotated latents fit to train on?')
    verb.add_argument('root', metavar='DST', help='folder with annotations/ and latents/')
    verb.add_argument('--config', help='config of the interpreter training: the sizes and classes of its generator')
    verb.add_argument('--name', help='of the set, if there are several')
    verb.add_argument('--cfg-options', nargs='+', action=DictAction, help='override parts of the config')
    verb.set_defaults(run=check)


def check(args: argparse.Namespace) -> None:
    """Print a table of a set, and all that is wrong with it."""
    sizes = {}
    if args.config:
        cfg = read_config(args.config, args.cfg_options)
        generator = build_generator(generator_config(cfg))
        sizes = dict(resolution=generator.resolution, latent_dim=generator.latent_dim, num_classes=generator.num_classes)
        data = cfg.get('train_dataloader', {}).get('dataset', {})
        sizes['allow_missing_classes'] = data.get('allow_missing_classes', False)
        args.name = args.name or data.get('name')
    found = check_annotated_latents(resolve(args.root), args.name, **sizes)
    print('\n'.join(found.lines()))
    if found.problems:
        raise InputError(f'{args.root} is not fit to train on; {len(found.problems)} faults:\n  ' + '\n  '.join(found.problems))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True, metavar='VERB')
    add_sample(verbs)
    add_import(verbs)
    add_check(verbs)
    args = parser.parse_args()
    args.run(args)


if __name__ == '__main__':
    with plain_errors():
        main()
