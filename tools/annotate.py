"""Write samples for manual annotation, and import, make or check annotated latents.

    python tools/annotate.py sample configs/interpreter/biggan32_fashion.py OUT --per-class 5 --format labelme
    labelme OUT/images/biggan32 --labels OUT/labels.txt --validate-label exact
    python tools/annotate.py import OUT DST
    python tools/annotate.py check DST --config configs/interpreter/biggan32_fashion.py
    python tools/train.py configs/interpreter/biggan32_fashion.py --cfg-options train_dataloader.dataset.data_root=DST

``sample`` writes images, OUT/images/NAME/<class>/*.png, their latents, OUT/latents/NAME/<class>/*.npy, and a project of an annotation tool:

    --format labelme   a JSON file beside each image; the labels are "foreground", "ignore" (pixels that do not count) and "background"
                       (removes what was drawn before: for holes and corrections)
    --format coco      OUT/coco/annotations.json
    --format cvat      OUT/cvat/annotations.zip for "Segmentation mask 1.1", OUT/cvat/labels.json for the label constructor
    --format png       no project (default): for each image, save a mask of the same size and name in OUT/annotations/NAME/<class>/;
                       0 is background, any other value is foreground

--pick selects the samples from a larger number of candidates: the most diverse ones, or those with the largest disagreement of an
ensemble. --rule draws the masks: the import path of a function of yours, image uint8 (R,R,3) -> mask bool (R,R), or a segmentor of mmseg
that stands in for an annotator, as CONFIG.py:CHECKPOINT.
--truncation takes a number or JSON, '{"threshold": 0.4, "definition": "scaled_truncnorm"}'. Default: model.truncation of the config
(None: z is N(0, 1), as in the released annotations).

    python tools/annotate.py auto OUT

proposes a mask of the salient object for each image in OUT/auto/NAME/<class>/, and adds it to the project of labelme, COCO or CVAT. A
person then corrects the masks there. In a project with --format png, copy the good masks from OUT/auto yourself.

``import`` converts finished annotations to DST/annotations, DST/latents and DST/images. It also writes DST/contact_sheet.png for a check by
eye, and DST/report.json. SRC is OUT, or a file or folder that the annotation tool exported; then --latents OUT names the folder with the
latents. Masks and latents are matched by file name. SRC may also be the released data of BigDatasetGAN: a folder with annotations.zip and
latents.zip, packed or unpacked. Images without an annotation are skipped. If there are errors, all of them are listed and nothing is
written; with --skip-bad, the samples without errors are written.

    python tools/annotate.py encode CONFIG SRC DST

makes annotated latents from annotated images: the tokens of a VQGAN, or clean latents with noise of a diffusion model, with the masks. SRC
contains images/<class>/ and masks/<class>/, or annotated samples of another generator: images/NAME/<class>/ and annotations/NAME/<class>/.

``check`` checks a folder of annotated latents and prints a table. If the latents cannot be used for training, it lists the errors and exits
with code 2.
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
from mmbdg.annotation.rules import import_rule
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
    """Add the sub-command ``sample``."""
    verb = verbs.add_parser('sample', help='write images and latents to annotate')
    verb.add_argument('config', help='config of the interpreter training; it names the generator, the classes and the set of samples')
    verb.add_argument('out', help='folder to write')
    verb.add_argument('--per-class', type=positive_int, default=5, help='number of samples per class; default: 5')
    add_picks(verb)
    verb.add_argument('--format', choices=FORMATS, default='png', help='project format of the annotation tool; default: png')
    verb.add_argument('--truncation', help='truncation, a number or JSON; default: model.truncation of the config')
    verb.add_argument('--rule', help='what draws the masks: import path of a function, or CONFIG.py:CHECKPOINT')
    verb.add_argument('--device', default='cpu', help='device of the generator, e.g. cuda; default: cpu')
    verb.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config')
    verb.set_defaults(run=sample)


def sample(args: argparse.Namespace) -> None:
    """Write images, latents, an annotation project and, with ``--rule``, masks."""
    cfg = interpreter_config(args.config, args.cfg_options, 'name', 'class_names')
    truncation = parse_truncation(args.truncation) if args.truncation else Truncation.of(cfg.model.get('truncation'))
    data, seed = cfg.train_dataloader.dataset, cfg.get('annotation_seed', 1)
    names = class_names(data.class_names)
    check_free(args.out, data.name)  # before the selection, which can take long
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
    """Print and return the indices of each class selected by ``--pick``; None for the first samples of each class."""
    from mmbdg.annotation import pick
    from mmbdg.sources import LabelledGenerator

    if (args.pick == 'uncertain') != bool(args.labelled_generator):
        raise InputError('--pick uncertain and --labelled-generator go together: its ensemble gives the uncertainty; give both or none')
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
    """Add the options that select which samples are written."""
    verb.add_argument(
        '--pick',
        choices=('random', 'diverse', 'uncertain'),
        default='random',
        help='random: the first samples of each class (default); diverse: the samples that represent the candidates best; uncertain: the '
        'samples with the largest disagreement of an ensemble',
    )
    verb.add_argument('--candidates', type=positive_int, metavar='K', help='candidates per class for --pick; default: 10 times --per-class')
    verb.add_argument('--labelled-generator', metavar='NAME_OR_FOLDER', help='labelled generator whose ensemble --pick uncertain uses')


def parse_truncation(text: str) -> Truncation | None:
    """Parse a truncation from the command line: a number or a JSON object."""
    try:
        content = parsed_json(text, '--truncation')
    except InputError as error:
        raise InputError(f"""--truncation takes a number or JSON such as '{{"threshold": 0.4}}', got {text!r}""") from error
    return Truncation.of(content)


def auto(args: argparse.Namespace) -> None:
    """Propose masks."""
    from mmbdg.annotation.saliency import Saliency, propose_masks

    count = propose_masks(args.out, Saliency(resolve(args.model)), args.threshold)
    print(f'{count} masks in {args.out}/auto; check and correct them before you use them as {args.out}/annotations')


def add_auto(verbs: argparse._SubParsersAction) -> None:
    """Add the sub-command ``auto``."""
    from mmbdg.annotation.saliency import MODEL

    verb = verbs.add_parser('auto', help='propose masks by salient object detection')
    verb.add_argument('out', help='folder written by the sub-command sample; the masks are written to OUT/auto/NAME/<class>/')
    verb.add_argument('--model', default=MODEL, help='ONNX file of a U2-Net, or package://...; default: %(default)s')
    verb.add_argument('--threshold', type=fraction, default=0.5, help='minimum saliency of an object pixel, 0 to 1; default: 0.5')
    verb.set_defaults(run=auto)


def encode(args: argparse.Namespace) -> None:
    """Make annotated latents from annotated images."""
    from mmbdg.annotation.encode import encode_annotated_images, read_annotated_images

    cfg = interpreter_config(args.config, args.cfg_options, 'name', 'class_names', 'resolution')
    if Path(args.target).exists():
        raise InputError(f'{args.target} exists already and is not overwritten; choose another folder')
    data = cfg.train_dataloader.dataset
    folders = next((hook['folders'] for hook in cfg.get('custom_hooks', []) if hook.get('folders')), None)
    names = class_names(data.class_names)
    if isinstance(data.class_names, str):
        folders = folder_names(data.class_names)
    images = read_annotated_images(resolve(args.source), names, data.resolution, folders, args.name)
    generator = build_generator(cfg.model.generator)
    generator.init_weights()
    seed = cfg.get('annotation_seed', 1)
    done = encode_annotated_images(images, args.target, data.name, generator.eval().to(args.device), names, args.batch_size, seed)
    print('reconstruction error: mean difference to the original image in grey levels (0 to 255), of the whole image and of the object')
    for class_id in sorted({one.class_id for one in done}):
        own = [one for one in done if one.class_id == class_id]
        of_object = [one.object_error for one in own if one.object_error >= 0]  # not nan
        print(
            f'{names[class_id]}: {len(own)} images, {sum(one.error for one in own) / len(own):.1f}, '
            + (f'{sum(of_object) / len(of_object):.1f}' if of_object else 'no object')
        )
    print(f'{len(done)} annotated latents in {args.target}; compare {args.target}/images with the original images before you train on them')


def add_encode(verbs: argparse._SubParsersAction) -> None:
    """Add the sub-command ``encode``."""
    verb = verbs.add_parser('encode', help='make annotated latents from annotated images with the encoder of a VQGAN or a diffusion model')
    verb.add_argument('config', help='config of the interpreter training; it names the generator, the classes and the set of samples')
    verb.add_argument('source', metavar='SRC', help='folder with images/ and annotations/ (annotated samples) or images/ and masks/')
    verb.add_argument('target', metavar='DST', help='folder to write')
    verb.add_argument('--name', help='name of the set in SRC; needed if SRC contains several sets')
    verb.add_argument('--batch-size', type=positive_int, default=8, help='images per batch; default: 8')
    verb.add_argument('--device', default='cpu', help='device of the encoder, e.g. cuda; default: cpu')
    verb.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config')
    verb.set_defaults(run=encode)


def add_import(verbs: argparse._SubParsersAction) -> None:
    """Add the sub-command ``import``."""
    verb = verbs.add_parser('import', help='convert annotations (of an annotation tool, or the released ones) to annotated latents')
    verb.add_argument('source', metavar='SRC', help='finished annotations: a folder, a zip file or a JSON file')
    verb.add_argument('target', metavar='DST', help='folder to write')
    verb.add_argument('--from', dest='format', choices=IMPORT_FORMATS, help='format of SRC; default: detected')
    verb.add_argument('--latents', metavar='OUT', help='folder with the latents; default: SRC')
    verb.add_argument('--name', help='name of the set; needed if there are several sets')
    verb.add_argument('--skip-bad', action='store_true', help='import the samples without errors and list the others')
    verb.add_argument('--ignore-value', type=pixel_value, help='grey value of ignored pixels in PNG masks; default: none')
    verb.add_argument(
        '--crowd',
        choices=['ignore', 'foreground'],
        default='ignore',
        help='meaning of iscrowd in COCO files; default: ignore. Use foreground for files of Datumaro, which sets iscrowd on every mask',
    )
    verb.set_defaults(run=import_)


def import_(args: argparse.Namespace) -> None:
    """Convert finished annotations to annotated latents."""
    report = import_annotations(
        args.source, args.target, args.format, args.latents, args.name, args.skip_bad, args.ignore_value, args.crowd
    )
    print('\n'.join(report.lines()))
    print(f'check {args.target}/contact_sheet.png by eye; this report is also in {args.target}/report.json')


def add_check(verbs: argparse._SubParsersAction) -> None:
    """Add the sub-command ``check``."""
    verb = verbs.add_parser('check', help='check whether annotated latents can be used for training')
    verb.add_argument('root', metavar='DST', help='folder with annotations/ and latents/')
    verb.add_argument('--config', help='config of the interpreter training; sizes and classes are compared with those of its generator')
    verb.add_argument('--name', help='name of the set; needed if there are several sets')
    verb.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config')
    verb.set_defaults(run=check)


def check(args: argparse.Namespace) -> None:
    """Print a table of a set of annotated latents, and all errors."""
    sizes = {}
    if args.config:
        cfg = read_config(args.config, args.cfg_options)
        check_keys(cfg, 'generator', 'model')
        generator = build_generator(generator_config(cfg))
        data = cfg.get('train_dataloader', {}).get('dataset', {})
        latent_dim = data.get('latent_dim') or generator.latent_dim  # annotated images of a diffusion model have noise too
        sizes = dict(resolution=generator.resolution, latent_dim=latent_dim, num_classes=generator.num_classes)
        sizes['allow_missing_classes'] = data.get('allow_missing_classes', False)
        args.name = args.name or data.get('name')
    found = check_annotated_latents(resolve(args.root), args.name, **sizes)
    print('\n'.join(found.lines()))
    if found.problems:
        raise InputError(f'{args.root} cannot be used for training; {len(found.problems)} errors:\n  ' + '\n  '.join(found.problems))


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
