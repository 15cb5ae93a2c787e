"""Find the senses of class names before images are generated: a crane is a bird or a machine.

    python tools/class_senses.py find configs/prompts/fashion32.py senses.json       # candidates, scores, margin and choice of each class
    python tools/class_senses.py apply configs/prompts/fashion32.py senses.json classes.json   # the list of classes with the choices

Edit senses.json between the two commands. classes.json is the value of ``classes`` for tools/prompts.py and for sources without a
class-conditional generator. Run the same command again to resume an interrupted search.
"""

from pathlib import Path

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import ConfigOptions, Parser
from mmbdg.compat.config import check_keys, check_parts, check_requirements, read_config
from mmbdg.errors import InputError, plain_errors
from mmbdg.files import check_place
from mmbdg.sources.class_list import ClassList, write_class_list
from mmbdg.sources.sense_plan import SensePlan, summary
from mmbdg.sources.senses import chosen_classes, read_senses


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('command', choices=['find', 'apply'], help='find the senses, or write the list of classes with the chosen ones')
    parser.add_argument('config', help='a config with senses=dict(...)')
    parser.add_argument('senses', help='file of the senses, JSON: written by find, read by apply')
    parser.add_argument('classes', nargs='?', help='apply: file of the classes to write, JSON')
    parser.add_argument('--device', default='cpu', help='device of the networks, e.g. cuda; default: cpu')
    parser.add_argument('--force', action='store_true', help='replace an existing file')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config: senses.key=value ...')
    args = parser.parse_args()
    if (args.command == 'apply') != bool(args.classes):
        raise InputError('apply takes CONFIG, SENSES and CLASSES; find takes CONFIG and SENSES')
    cfg = read_config(args.config, args.cfg_options, ('senses',))
    check_parts(cfg, 'senses')
    check_keys(cfg, 'senses')
    check_requirements(cfg)
    plan = SensePlan.from_config(cfg.senses.to_dict())
    if args.command == 'find':
        senses = plan.run(args.senses, args.device, args.force)
        print('\n'.join([*summary(senses), f'look at {args.senses}, edit the choices, then: apply']))
        return
    classes = ClassList(plan.classes)
    chosen = chosen_classes(classes, read_senses(args.senses, classes))
    if Path(args.classes).exists() and not args.force:
        raise InputError(f'{args.classes} exists and may have been edited: choose another name, or replace it with --force')
    check_place(args.classes)
    write_class_list(args.classes, chosen)
    changed = sum(new.text != old.text for new, old in zip(chosen, classes, strict=True))
    print(f'wrote {args.classes}: {len(chosen)} classes, {changed} changed')


if __name__ == '__main__':
    with plain_errors('Run the same command to resume'):
        main()
