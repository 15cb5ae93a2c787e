"""Samples out to the annotator.

    python tools/annotate.py sample configs/interpreter/biggan32_fashion.py OUT --per-class 5

writes OUT/images/NAME/<class>/*.png to look at and OUT/latents/NAME/<class>/*.npy. Draw for each image a mask of the same size and name
(0 background, anything else foreground) into OUT/annotations/NAME/<class>/ and train the interpreter on OUT. With --rule the masks are
drawn by a function of yours, image uint8 (R,R,3) -> bool (R,R), given by its import path. --pick chooses among more candidates.

    python tools/annotate.py auto OUT

draws masks to begin with into OUT/auto/NAME/<class>/, by what stands out in each image; a person corrects them.

    python tools/annotate.py encode CONFIG SRC DST

makes annotated latents of annotated images: tokens of a VQGAN, with the masks. SRC holds images/<class>/ and masks/<class>/, or a set of
annotated samples of another generator: images/NAME/<class>/ and annotations/NAME/<class>/.
"""

import argparse
from pathlib import Path

from mmengine.config import DictAction

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.annotation import check_free, write_samples
from mmbdg.compat.config import read_config
from mmbdg.errors import InputError, plain_errors
from mmbdg.generators import ClassConditionalGenerator, fold_spectral_norm
from mmbdg.registry import MODELS


def sample(args: argparse.Namespace) -> None:
    """Write images, latents and, by a rule, masks."""
    from mmbdg.datasets.annotated_latents import import_rule

    cfg = read_config(args.config, args.cfg_options)
    if cfg.get('model', {}).get('type') != 'mmbdg.InterpreterTraining':
        raise InputError(f'{args.config} trains no interpreter; annotate.py sample takes the config of the interpreter training')
    data = cfg.train_dataloader.dataset
    check_free(args.out, data.name)  # before a long pick
    generator = MODELS.build(cfg.model.generator)
    generator.init_weights()
    generator = fold_spectral_norm(generator.eval().to(args.device))
    count = write_samples(
        args.out,
        data.name,
        generator,
        data.class_names,
        args.per_class,
        cfg.get('annotation_seed', 1),
        rule=args.rule and import_rule(args.rule),
        indices=picked(args, generator, data.class_names, cfg.get('annotation_seed', 1)),
    )
    print(
        f'{count} samples in {args.out}; '
        + (f'masks by {args.rule}' if args.rule else f'now draw masks into {args.out}/annotations/{data.name}/<class>/')
    )


def picked(
    args: argparse.Namespace, generator: ClassConditionalGenerator, class_names: list[str], seed: int, truncation: float | None = None
) -> list[list[int]] | None:
    """The indices of each class that ``--pick`` asks for, printed; None for the first ones."""
    from mmbdg.annotation import pick
    from mmbdg.synthesis import LabelledGenerator

    if (args.pick == 'uncertain') != bool(args.labelled_generator):
        raise InputError('--pick uncertain and --labelled-generator go together: the doubts are those of its ensemble')
    if args.pick == 'random':
        return None
    if args.pick == 'diverse':
        indices = pick.diverse(generator, args.per_class, seed, truncation, args.candidates)
    else:
        labelled = LabelledGenerator.load(args.labelled_generator, seed=seed, truncation=truncation).to(args.device)
        pick.check_same_generator(labelled, generator, class_names)
        indices = pick.uncertain(labelled, args.per_class, args.candidates)
    for name, chosen in zip(class_names, indices, strict=True):
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
    verb.add_argument('--candidates', type=int, metavar='K', help='of each class, to pick from (default: 10 times --per-class)')
    verb.add_argument('--labelled-generator', metavar='NAME_OR_FOLDER', help='whose ensemble: with --pick uncertain')


def auto(args: argparse.Namespace) -> None:
    """Write masks to begin with."""
    from mmbdg.annotation.saliency import Saliency, propose_masks
    from mmbdg.assets import resolve

    count = propose_masks(args.out, Saliency(resolve(args.model)), args.threshold)
    print(f'{count} masks in {args.out}/auto; look at them and correct them before they become {args.out}/annotations')


def add_auto(verbs: argparse._SubParsersAction) -> None:
    """``auto`` and its options."""
    from mmbdg.annotation.saliency import MODEL

    verb = verbs.add_parser('auto', help='masks to begin with, by what stands out in an image')
    verb.add_argument('out', help='folder that sample wrote; the masks go to OUT/auto/NAME/<class>/')
    verb.add_argument('--model', default=MODEL, help='ONNX file of a U2-Net, or package://... (default: %(default)s)')
    verb.add_argument('--threshold', type=float, default=0.5, help="saliency, 0 to 1, from which on a pixel is the object's")
    verb.set_defaults(run=auto)


def encode(args: argparse.Namespace) -> None:
    """Write annotated latents of annotated images."""
    from mmbdg.annotation.encode import encode_annotated_images, read_annotated_images

    cfg = read_config(args.config, args.cfg_options)
    if cfg.get('model', {}).get('type') != 'mmbdg.InterpreterTraining':
        raise InputError(f'{args.config} trains no interpreter; annotate.py encode takes the config of the interpreter training of a VQGAN')
    if Path(args.target).exists():
        raise InputError(f'{args.target} is there already and is not overwritten; choose another folder')
    data = cfg.train_dataloader.dataset
    folders = next((hook['folders'] for hook in cfg.get('custom_hooks', []) if hook.get('folders')), None)
    images = read_annotated_images(args.source, data.class_names, data.resolution, folders, args.name)
    generator = MODELS.build(cfg.model.generator)
    generator.init_weights()
    done = encode_annotated_images(images, args.target, data.name, generator.eval().to(args.device), data.class_names, args.batch_size)
    print('what the tokens keep: mean difference to the image in grey levels (0 to 255), everywhere and on the object')
    for class_id in sorted({one.class_id for one in done}):
        own = [one for one in done if one.class_id == class_id]
        of_object = [one.object_error for one in own if one.object_error >= 0]  # not nan
        print(
            f'{data.class_names[class_id]}: {len(own)} images, {sum(one.error for one in own) / len(own):.1f}, '
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
    verb.add_argument('--batch-size', type=int, default=8)
    verb.add_argument('--device', default='cpu')
    verb.add_argument('--cfg-options', nargs='+', action=DictAction, help='override parts of the config')
    verb.set_defaults(run=encode)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True, metavar='VERB')
    verb = verbs.add_parser('sample', help='images and latents to annotate')
    verb.add_argument('config', help='config of the interpreter training: it names the generator, the classes and the set')
    verb.add_argument('out', help='folder to write')
    verb.add_argument('--per-class', type=int, default=5)
    add_picks(verb)
    verb.add_argument('--rule', help='import path of a function that draws the masks')
    verb.add_argument('--device', default='cpu')
    verb.add_argument('--cfg-options', nargs='+', action=DictAction, help='override parts of the config')
    verb.set_defaults(run=sample)
    add_auto(verbs)
    add_encode(verbs)
    args = parser.parse_args()
    args.run(args)


if __name__ == '__main__':
    with plain_errors():
        main()
