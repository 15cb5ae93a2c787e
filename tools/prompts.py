"""Write the prompts of each class to a file, before images are generated.

    python tools/prompts.py configs/prompts/fashion32.py prompts.json
    python tools/prompts.py configs/prompts/in1k.py prompts.json --cfg-options prompts.per_class=50 prompts.seed=1
    python tools/prompts.py configs/prompts/in1k_language_model.py prompts.json --device cuda

Contexts come from slots (background, lighting, camera angle, relation), from a file of templates, or from a language model in a local
folder; some prompts end in a style. Each class has exactly per_class different prompts, each with the class's name and sense. You can edit
the file; a source checks it again. Run the same command again to resume an interrupted run. See docs/prompts.md.
"""

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import ConfigOptions, Parser
from mmbdg.compat.config import check_keys, check_parts, check_requirements, read_config
from mmbdg.errors import plain_errors
from mmbdg.sources.prompts import PromptPlan


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('config', help='a config with prompts=dict(...)')
    parser.add_argument('out', help='file of the prompts, JSON')
    parser.add_argument('--device', default='cpu', help='device of the language model, e.g. cuda; default: cpu')
    parser.add_argument('--force', action='store_true', help='replace an existing file')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config: prompts.key=value ...')
    args = parser.parse_args()
    cfg = read_config(args.config, args.cfg_options, ('prompts',))
    check_parts(cfg, 'prompts')
    check_keys(cfg, 'prompts')
    check_requirements(cfg)
    prompts = PromptPlan.from_config(cfg.prompts.to_dict()).run(args.out, args.device, args.force)
    first = next(iter(prompts.values()))
    print(f'wrote {args.out}: {len(first)} prompts of each of {len(prompts)} classes, such as "{first[0]}"')


if __name__ == '__main__':
    with plain_errors('Run the same command to resume'):
        main()
