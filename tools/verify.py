"""Check every file of a synthetic dataset against its checksum, and repair damaged files.

    python tools/verify.py data/biggan_sim
    python tools/verify.py data/biggan_sim --processes 8 --json report.json
    python tools/verify.py data/biggan_sim --repair
    python tools/verify.py data/biggan_sim --repair --config configs/synthesis/biggan512_in1k.py --device cuda

All files are read. Checked are: the file exists; it is an image or a mask of the right size; the mask contains only valid labels; the
checksum is correct; the manifest contains no sample twice and none of another class; there is no file that is not in the manifest. logs/ is
not needed for the check.

--repair makes the damaged blocks again, with the same bytes as before. The plan of the synthesis is read from logs/plan.json, or from
--config (and --cfg-options, if they were used for the synthesis). Another generator, plan or version raises an error. Files that do not
belong to the dataset are moved to logs/foreign.

Exit code: 0 the dataset is complete, or was repaired; 1 it is damaged; 2 it could not be checked or repaired.
"""

import argparse
import os
import sys
from functools import partial
from pathlib import Path

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.analysis.statistics.ordered_map import ordered_map
from mmbdg.arguments import ConfigOptions, Parser, positive_int
from mmbdg.compat.config import check_keys, check_requirements, read_config
from mmbdg.errors import InputError, listed, plain_errors
from mmbdg.files import write_json
from mmbdg.storage.findings import Findings
from mmbdg.storage.verify import verify
from mmbdg.synthesis.plan import Synthesis
from mmbdg.synthesis.plan_file import read_plan
from mmbdg.synthesis.repair import repair


def parse_args() -> argparse.Namespace:
    processes = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else 1
    parser = Parser(__doc__)
    parser.add_argument('dataset', help='folder of a dataset written by tools/synthesize.py, in folders or shards')
    parser.add_argument('--repair', action='store_true', help='make damaged blocks again')
    parser.add_argument('--config', help='config with synthesis=dict(...) that made the dataset; default: the plan in logs/plan.json')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config: synthesis.key=value ...')
    parser.add_argument(
        '--device', default='cpu', help='device for --repair, e.g. cuda; use the device that made the dataset; default: cpu'
    )
    parser.add_argument('--processes', type=positive_int, default=processes, help='processes that read files; default: one per core')
    parser.add_argument('--json', help='JSON file for all findings')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if args.cfg_options and not args.config:
        raise InputError('--cfg-options changes a config: give --config')
    if (args.config or args.device != 'cpu') and not args.repair:
        raise InputError('--config and --device are options of --repair: give --repair')
    root, report = Path(args.dataset), report_path(args)
    each = partial(ordered_map, processes=args.processes, title='blocks')
    findings = verify(root, each)
    repaired = None
    print_findings(root, findings)
    if args.repair and not findings.whole:
        repaired = repair(root, chosen_plan(args), args.device, each=each)
        print_findings(root, repaired)
    if report:
        write_json(report, dict(dataset=str(root), **findings.as_json(), after_repair=repaired.as_json() if repaired else None))
    sys.exit(0 if (repaired or findings).whole else 1)


def report_path(args: argparse.Namespace) -> Path | None:
    """Path of the JSON report, or None without ``--json``.

    Raises:
        InputError: The path lies in the dataset outside logs/, or its folder does not exist.
    """
    if args.json is None:
        return None
    path, root = Path(args.json), Path(args.dataset).resolve()
    parents = path.resolve().parents
    if root in parents and root / 'logs' not in parents:
        raise InputError(
            f'{path} lies in the folder of the dataset, where no other files are allowed; give another --json, for example in '
            f'{args.dataset}/logs'
        )
    if not path.resolve().parent.is_dir():
        raise InputError(f'there is no folder {path.parent} for the report; create it, or give another --json')
    return path


def chosen_plan(args: argparse.Namespace) -> Synthesis:
    """Plan of the synthesis that made the dataset."""
    if not args.config:
        return read_plan(args.dataset)
    cfg = read_config(args.config, args.cfg_options, ('synthesis',))
    if 'synthesis' not in cfg:
        raise InputError(f'{args.config} has no synthesis=dict(...)')
    check_keys(cfg, 'synthesis')
    check_requirements(cfg)
    return Synthesis.from_config(cfg.synthesis)


def print_findings(root: Path, findings: Findings) -> None:
    """Print the findings as text."""
    looked = f'{findings.samples:,} samples in {findings.blocks:,} blocks, {findings.files:,} files'
    if findings.whole:
        print(f'{root} is whole: {looked}')
    else:
        problems = listed([str(problem) for problem in findings.problems])
        print(f'{root} is damaged, {len(findings.problems):,} errors ({looked} were checked):\n  {problems}')
    for what in findings.unchecked:
        print(f'not checked: {what}')


if __name__ == '__main__':
    with plain_errors():
        main()
