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

--pick chooses among more candidates: those that cover them best, or those an ensemble disagrees on most. With --rule the masks are drawn
by a function of yours, image uint8 (R,R,3) -> bool (R,R), given by its import path. --truncation takes a number or JSON,
 '{"threshold": 0.4, "definition": "scaled_truncnorm"}'; without it the config's model.truncation counts (None: z is N(0, 1),
as in the released annotations).

    python tools/annotate.py auto OUT

draws masks to begin with into OUT/auto/NAME/<class>/, by what stands out in each image, and puts them into the project of labelme, COCO or
CVAT; a person corrects them there. A png project is left alone: copy from OUT/auto what is good.

``import`` turns what the annotator gives back into DST/annotations, DST/latents and DST/images, with DST/contact_sheet.png to look at and
DST/report.json. SRC is OUT itself, or a file or folder that the tool exported; then --latents OUT says where the latents are. Pairs are
found by name. SRC may also be the released data of BigDatasetGAN: a folder with annotations.zip and latents.zip, or with both unpacked.
Images without any annotation are skipped; anything wrong is listed, all of it, and nothing is written (or, with --skip-bad, the rest).

    python tools/annotate.py encode CONFIG SRC DST

makes annotated latents of annotated images: tokens of a VQGAN, with the masks. SRC holds images/<class>/ and masks/<class>/, or a set of
annotated samples of another generator: images/NAME/<class>/ and annotations/NAME/<class>/.

``check`` looks through a set of annotated latents and prints a table; it exits with 2 and a list if the set is not fit to train on.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.annotation import (
    check_annotated_latents,
    check_free,
    import_annotations,
    write_project,
    write_samples,
)
from mmbdg.annotation.importing import FORMATS as IMPORT_FORMATS
from mmbdg.annotation.projects import FORMATS, how_to_annotate
from mmbdg.arguments import ConfigOptions, Parser, fraction, pixel_value, positive_int
from mmbdg.assets import resolve
from mmbdg.assets.class_lists import class_names, folder_names
from mmbdg.compat.config import (
    check_keys,
    check_requirements,
    generator_config,
    interpreter_config,
    read_config,
)
from mmbdg.compat.config_options import value_at
from mmbdg.errors import InputError, plain_errors
from mmbdg.generators import ClassConditionalGenerator, fold_spectral_norm
from mmbdg.generators.build import build_generator
from mmbdg.reading import parsed_json
from mmbdg.sources import Truncation


def add_sample(verbs: argparse._SubParsersAction) -> None:
    """The options of ``sample``."""
    verb = verbs.add_parser('sample', help='images and latents to annotate')
    verb.add_argument('config', help='config of the interpreter training: it names the generator, the classes and the set')
    verb.add_argument('out', help='folder to write')
    verb.add_argument('--per-class', type=positive_int, default=5)
    add_picks(verb)
    verb.add_argument('--format', choices=FORMATS, default='png', help='of the annotation tool')
    verb.add_argument('--truncation', help='a number or JSON; default: what the config trains on')
    verb.add_argument('--rule', help='import path of a function that draws the masks')
    verb.add_argument('--device', default='cpu')
    verb.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config')
    verb.set_defaults(run=sample)


def sample(args: argparse.Namespace) -> None:
    """Write images, latents, a project and, by a rule, masks."""
    from mmbdg.datasets.annotated_latents import import_rule

    cfg = interpreter_config(args.config, args.cfg_options, 'name', 'class_names')
    truncation = parse_truncation(args.truncation) if args.truncation else Truncation.of(cfg.model.get('truncation'))
    data, seed = cfg.train_dataloader.dataset, cfg.get('annotation_seed', 1)
    names = class_names(data.class_names)
    check_free(args.out, data.name)  # before a long pick
    check_requirements(cfg, [value_at(cfg.model.generator, ['init_cfg', 'checkpoint'])])
    generator = build_generator(cfg.model.generator)
    generator.init_weights()
    generator = fold_spectral_norm(generator.eval().to(args.device))
    count = write_samples(
        args.out,
        data.name,
        generator,
        names,
        args.per_class,
        seed,
        truncation=truncation,
        rule=args.rule and import_rule(args.rule),
        indices=picked(args, generator, names, seed, truncation),
        folders=folder_names(data.class_names) if isinstance(data.class_names, str) else None,
    )
    sampling = dict(per_class=args.per_class, seed=seed, truncation=truncation.plain if truncation else None, rule=args.rule)
    write_project(args.out, data.name, args.format, sampling)
    print(
        f'{count} samples in {args.out}; ' + (f'masks by {args.rule}' if args.rule else how_to_annotate(args.out, data.name, args.format))
    )


def picked(
    args: argparse.Namespace, generator: ClassConditionalGenerator, names: Sequence[str], seed: int, truncation: Truncation | None
) -> list[list[int]] | None:
    """The indices of each class that ``--pick`` asks for, printed; None for the first ones."""
    from mmbdg.annotation import pick
    from mmbdg.sources import LabelledGenerator

    if (args.pick == 'uncertain') != bool(args.labelled_generator):
        raise InputError('--pick uncertain and --labelled-generator go together: the doubts are those of its ensemble')
    if args.pick == 'random':
        return None
    if args.pick == 'diverse':
        indices = pick.diverse(generator, args.per_class, seed, truncation, args.candidates)
    else:
        labelled = LabelledGenerator.load(args.labelled_generator, seed=seed, truncation=truncation).to(args.device)
        pick.check_same_generator(labelled, generator, names)
        indices = pick.uncertain(labelled, args.per_class, args.candidates)
    for name, chosen in zip(names, indices, strict=True):
        print(f'{name}: {" ".join(map(str, chosen))}')
    return indices


def add_picks(verb: argparse.ArgumentParser) -> None:
    """Options that choose which samples are written."""
    verb.add_argument(
        '--pick',
        choices=('random', 'diverse', 'uncertain'),
        default='random',
        help='the first samples of each class; those that cover the candidates best; those an ensemble disagrees on most',
    )
    verb.add_argument('--candidates', type=positive_int, metavar='K', help='of each class, to pick from (default: 10 times --per-class)')
    verb.add_argument('--labelled-generator', metavar='NAME_OR_FOLDER', help='whose ensemble: with --pick uncertain')


def parse_truncation(text: str) -> Truncation | None:
    """A number or a JSON object on the command line."""
    try:
        content = parsed_json(text, '--truncation')
    except InputError as error:
        raise InputError(f"""--truncation takes a number or JSON such as '{{"threshold": 0.4}}', got {text!r}""") from error
    return Truncation.of(content)


def auto(args: argparse.Namespace) -> None:
    """Write masks to begin with."""
    from mmbdg.annotation.saliency import Saliency, propose_masks

    count = propose_masks(args.out, Saliency(resolve(args.model)), args.threshold)
    print(f'{count} masks in {args.out}/auto; look at them and correct them before they become {args.out}/annotations')


def add_auto(verbs: argparse._SubParsersAction) -> None:
    """``auto`` and its options."""
    from mmbdg.annotation.saliency import MODEL

    verb = verbs.add_parser('auto', help='masks to begin with, by what stands out in an image')
    verb.add_argument('out', help='folder that sample wrote; the masks go to OUT/auto/NAME/<class>/')
    verb.add_argument('--model', default=MODEL, help='ONNX file of a U2-Net, or package://... (default: %(default)s)')
    verb.add_argument('--threshold', type=fraction, default=0.5, help="saliency, 0 to 1, from which on a pixel is the object's")
    verb.set_defaults(run=auto)


def encode(args: argparse.Namespace) -> None:
    """Write annotated latents of annotated images."""
    from mmbdg.annotation.encode import encode_annotated_images, read_annotated_images

    cfg = interpreter_config(args.config, args.cfg_options, 'name', 'class_names', 'resolution')
    if Path(args.target).exists():
        raise InputError(f'{args.target} is there already and is not overwritten; choose another folder')
    data = cfg.train_dataloader.dataset
    folders = next((hook['folders'] for hook in cfg.get('custom_hooks', []) if hook.get('folders')), None)
    names = class_names(data.class_names)
    if isinstance(data.class_names, str):
        folders = folder_names(data.class_names)
    images = read_annotated_images(args.source, names, data.resolution, folders, args.name)
    generator = build_generator(cfg.model.generator)
    generator.init_weights()
    done = encode_annotated_images(images, args.target, data.name, generator.eval().to(args.device), names, args.batch_size)
    print('what the tokens keep: mean difference to the image in grey levels (0 to 255), everywhere and on the object')
    for class_id in sorted({one.class_id for one in done}):
        own = [one for one in done if one.class_id == class_id]
        of_object = [one.object_error for one in own if one.object_error >= 0]  # not nan
        print(
            f'{names[class_id]}: {len(own)} images, {sum(one.error for one in own) / len(own):.1f}, '
            + (f'{sum(of_object) / len(of_object):.1f}' if of_object else 'no object')
        )
    print(f'{len(done)} annotated latents in {args.target}; compare {args.target}/images with the originals before you train on them')


def add_encode(verbs: argparse._SubParsersAction) -> None:
    """``encode`` and its options."""
    verb = verbs.add_parser('encode', help="annotated images through VQGAN's encoder to annotated latents")
    verb.add_argument('config', help='config of the interpreter training: it names the VQGAN, the classes and the set')
    verb.add_argument('source', metavar='SRC', help='folder with images/ and annotations/ (annotated samples) or images/ and masks/')
    verb.add_argument('target', metavar='DST', help='folder to write')
    verb.add_argument('--name', help='of the set in SRC, if it holds several')
    verb.add_argument('--batch-size', type=positive_int, default=8)
    verb.add_argument('--device', default='cpu')
    verb.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config')
    verb.set_defaults(run=encode)


def add_import(verbs: argparse._SubParsersAction) -> None:
    """The options of ``import``."""
    verb = verbs.add_parser('import', help='annotations of a tool, or the released ones, to annotated latents')
    verb.add_argument('source', metavar='SRC', help='what the annotator gave back: a folder, a zip file or a JSON file')
    verb.add_argument('target', metavar='DST', help='folder to write')
    verb.add_argument('--from', dest='format', choices=IMPORT_FORMATS, help='default: recognised')
    verb.add_argument('--latents', metavar='OUT', help='folder with the latents; default: SRC')
    verb.add_argument('--name', help='of the set, if there are several')
    verb.add_argument('--skip-bad', action='store_true', help='import what is good and list the rest')
    verb.add_argument('--ignore-value', type=pixel_value, help='grey value in PNG masks of pixels that do not count; default: none')
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
    verb.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config')
    verb.set_defaults(run=check)


def check(args: argparse.Namespace) -> None:
    """Print a table of a set, and all that is wrong with it."""
    sizes = {}
    if args.config:
        cfg = read_config(args.config, args.cfg_options)
        check_keys(cfg, 'generator', 'model')
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
    parser = Parser(__doc__)
    verbs = parser.add_subparsers(required=True, metavar='VERB')
    add_sample(verbs)
    add_auto(verbs)
    add_encode(verbs)
    add_import(verbs)
    add_check(verbs)
    args = parser.parse_args()
    args.run(args)


if __name__ == '__main__':
    with plain_errors():
        main()
