"""Select samples of a finished dataset by criteria that compare all samples of a class, or of the whole dataset.

    python tools/select_samples.py data/garments configs/selections/certain.py
    python tools/select_samples.py data/garments configs/selections/certain.py --name half --cfg-options fraction=0.5
    python tools/analyze.py data/garments --selection half

The files of the dataset are not changed. Writes selections/NAME.txt in the folder of the dataset, one line per selected sample, and NAME.md
and NAME.json with the number of samples per class after each step. To use the selection, give its name:
mmbdg.SyntheticSegDataset(selection='NAME'), or --selection NAME in tools/analyze.py and the converters. After samples were added to the
dataset, run the same command again.
"""

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import ConfigOptions, Parser
from mmbdg.compat.config import check_keys, check_parts, check_requirements, read_config
from mmbdg.errors import plain_errors
from mmbdg.synthesis.selections import SelectionPlan, select


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('dataset', help='folder of a finished dataset, in folders or shards')
    parser.add_argument('config', help='a config with selection=dict(...)')
    parser.add_argument('--name', help='name of the selection; default: the one in the config')
    parser.add_argument(
        '--force', action='store_true', help='replace a selection of the same name that other steps made or that is damaged'
    )
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config: selection.key=value ...')
    args = parser.parse_args()
    cfg = read_config(args.config, args.cfg_options, ('selection',))
    check_parts(cfg, 'selection')
    check_keys(cfg, 'selection')
    check_requirements(cfg)
    config = cfg.selection.to_dict() | ({} if args.name is None else dict(name=args.name))
    select(args.dataset, SelectionPlan.from_config(config), args.force, progress=True)


if __name__ == '__main__':
    with plain_errors('Run the same command again'):
        main()
