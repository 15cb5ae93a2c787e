"""Samples out to the annotator.

    python tools/annotate.py sample configs/interpreter/biggan32_fashion.py OUT --per-class 5

writes OUT/images/NAME/<class>/*.png to look at and OUT/latents/NAME/<class>/*.npy. Draw for each image a mask of the same size and name
(0 background, anything else foreground) into OUT/annotations/NAME/<class>/ and train the interpreter on OUT. With --rule the masks are
drawn by a function of yours, image uint8 (R,R,3) -> bool (R,R), given by its import path.
"""

import argparse

from mmengine.config import DictAction

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.annotation import write_samples
from mmbdg.assets.class_lists import class_names
from mmbdg.compat.config import read_config
from mmbdg.errors import InputError, plain_errors
from mmbdg.generators import fold_spectral_norm
from mmbdg.registry import MODELS


def sample(args: argparse.Namespace) -> None:
    """Write images, latents and, by a rule, masks."""
    from mmbdg.datasets.annotated_latents import import_rule

    cfg = read_config(args.config, args.cfg_options)
    if cfg.get('model', {}).get('type') != 'mmbdg.InterpreterTraining':
        raise InputError(f'{args.config} trains no interpreter; annotate.py sample takes the config of the interpreter training')
    data = cfg.train_dataloader.dataset
    generator = MODELS.build(cfg.model.generator)
    generator.init_weights()
    generator = fold_spectral_norm(generator.eval().to(args.device))
    count = write_samples(
        args.out,
        data.name,
        generator,
        class_names(data.class_names),
        args.per_class,
        cfg.get('annotation_seed', 1),
        rule=args.rule and import_rule(args.rule),
    )
    print(
        f'{count} samples in {args.out}; '
        + (f'masks by {args.rule}' if args.rule else f'now draw masks into {args.out}/annotations/{data.name}/<class>/')
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True, metavar='VERB')
    verb = verbs.add_parser('sample', help='images and latents to annotate')
    verb.add_argument('config', help='config of the interpreter training: it names the generator, the classes and the set')
    verb.add_argument('out', help='folder to write')
    verb.add_argument('--per-class', type=int, default=5)
    verb.add_argument('--rule', help='import path of a function that draws the masks')
    verb.add_argument('--device', default='cpu')
    verb.add_argument('--cfg-options', nargs='+', action=DictAction, help='override parts of the config')
    verb.set_defaults(run=sample)
    args = parser.parse_args()
    args.run(args)


if __name__ == '__main__':
    with plain_errors():
        main()
