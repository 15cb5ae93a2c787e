"""Choose samples of a finished dataset by comparing whole classes, or the whole dataset. The dataset's files stay as they are.

    python tools/select_samples.py data/garments configs/selections/certain.py
    python tools/select_samples.py data/garments configs/selections/certain.py --name half --cfg-options fraction=0.5
    python tools/analyze.py data/garments --selection half

Writes selections/NAME.txt in the dataset's folder, a line for each sample, and beside it NAME.md and NAME.json with what each step left of
each class. Readers take the name: mmbdg.SyntheticSegDataset(selection='NAME'), tools/analyze.py and the converters --selection NAME.
After samples were added to the dataset, the same command chooses again.
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
    parser.add_argument('--force', action='store_true', help='replace a selection of this name that other steps made, or that is damaged')
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
