"""Convert interpreters trained with BigDatasetGAN's released code to a labelled generator.

    python tools/convert_interpreter.py configs/interpreter/biggan512_fgbg.py OUT checkpoint_latest.pth [MORE.pth ...]

Each checkpoint is a state dict of ``BigdatasetGANModel``, with or without its generator, and becomes one member of the ensemble. CONFIG
defines the generator, its weights and the classes. Unknown and missing tensors raise an error. LabelledGenerator.load and
tools/synthesize.py accept OUT. The released code trains FG/BG heads on latents without truncation.
"""

from pathlib import Path

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import ConfigOptions, Parser
from mmbdg.compat.config import check_requirements, interpreter_config
from mmbdg.compat.init_configs import PUBLISHED_WEIGHTS
from mmbdg.engine import ExportLabelledGeneratorHook
from mmbdg.errors import InputError, plain_errors
from mmbdg.generators.build import build_generator
from mmbdg.interpreter.released import BigDatasetGANAdapter
from mmbdg.registry import MODELS
from mmbdg.sources import LabelledGenerator
from mmbdg.storage.label_spaces import label_space


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('config', help='config of the interpreter training for the same generator')
    parser.add_argument('out', type=Path, help='folder to write')
    parser.add_argument('checkpoints', nargs='+', help='checkpoints of the released code, one per member')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config')
    args = parser.parse_args()
    cfg = interpreter_config(args.config, args.cfg_options)
    export = next((hook for hook in cfg.get('custom_hooks') or [] if hook.get('type') == 'mmbdg.ExportLabelledGeneratorHook'), None)
    if export is None:
        raise InputError(f'{args.config} has no mmbdg.ExportLabelledGeneratorHook in its custom_hooks; add one, it defines the classes')
    if args.out.exists():
        raise InputError(f'{args.out} exists already and is not overwritten; choose another folder')
    cfg.requires = {key: how for key, how in cfg.get('requires', {}).items() if key != 'annotated'}
    check_requirements(cfg)

    adapter = BigDatasetGANAdapter()
    sizes = adapter.generator_config(adapter.read(args.checkpoints[0]), args.checkpoints[0])
    generator = build_generator(cfg.model.generator)
    generator.init_weights()
    interpreter = dict(
        type='mmbdg.InterpreterEnsemble',
        num_members=len(args.checkpoints),
        member=dict(cfg.model.interpreter.member.to_dict(), **sizes),
        init_cfg=dict(type=PUBLISHED_WEIGHTS, checkpoint=args.checkpoints, source=adapter.name),
    )
    if interpreter['member'].pop('stride', 1) != 1:
        raise InputError(f'the head of {args.config} has another stride than the released heads; give the config of the published head')
    ensemble = MODELS.build({**generator.interpreter_sizes(), **interpreter})
    ensemble.init_weights()

    card = ExportLabelledGeneratorHook(**{key: value for key, value in export.items() if key != 'type'}).card
    space = label_space('fgbg' if ensemble.num_outputs == 1 else cfg.train_dataloader.dataset.label_space, card['classes'])
    if ensemble.num_outputs not in (1, space.num_classes):
        raise InputError(
            f'{args.checkpoints[0]} has {ensemble.num_outputs} outputs, but the label space of {args.config} has {space.num_classes} '
            'labels; give a config with the same label space'
        )
    LabelledGenerator.write(
        args.out,
        (cfg.model.generator.to_dict(), generator.state_dict()),
        (interpreter, ensemble.state_dict()),
        labels=list(space.classes),
        **card,
    )
    print(f'{len(args.checkpoints)} interpreters with their generator in {args.out}')


if __name__ == '__main__':
    with plain_errors():
        main()
