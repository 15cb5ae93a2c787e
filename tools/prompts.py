"""Write the prompts by which images of each class are generated, before any image is made.

    python tools/prompts.py configs/prompts/fashion32.py prompts.json
    python tools/prompts.py configs/prompts/in1k.py prompts.json --cfg-options prompts.per_class=50 prompts.seed=1
    python tools/prompts.py configs/prompts/in1k_language_model.py prompts.json --device cuda

Contexts come from slots (background, lighting, camera angle, relation), from a file of templates, or from a language model in a local
folder; some prompts end in a style. Each class has exactly per_class different prompts, each with the class's name in its sense. Edit the
file as you like; a source reads it and checks it again. An interrupted run goes on when it is started again. See docs/prompts.md.
"""

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import ConfigOptions, Parser
from mmbdg.compat.config import check_parts, check_requirements, read_config
from mmbdg.errors import plain_errors
from mmbdg.sources.prompts import PromptPlan


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('config', help='a config with prompts=dict(...)')
    parser.add_argument('out', help='file of the prompts, JSON')
    parser.add_argument('--device', default='cpu', help='where a language model computes, e.g. cuda')
    parser.add_argument('--force', action='store_true', help='replace a file that exists')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config: prompts.key=value ...')
    args = parser.parse_args()
    cfg = read_config(args.config, args.cfg_options, ('prompts',))
    check_parts(cfg, 'prompts')
    check_requirements(cfg)
    prompts = PromptPlan.from_config(cfg.prompts.to_dict()).run(args.out, args.device, args.force)
    first = next(iter(prompts.values()))
    print(f'wrote {args.out}: {len(first)} prompts of each of {len(prompts)} classes, such as "{first[0]}"')


if __name__ == '__main__':
    with plain_errors('The same command goes on'):
        main()
