"""Check a synthetic dataset: every file, line and count, against its checksums. Mend what is damaged.

    python tools/verify.py data/biggan_sim
    python tools/verify.py data/biggan_sim --processes 8 --json report.json
    python tools/verify.py data/biggan_sim --repair
    python tools/verify.py data/biggan_sim --repair --config configs/synthesis/biggan512_in1k.py --device cuda

Every file is read: it must be there, be an image or a mask of the dataset's size, hold labels that exist, and have its checksum. The
manifest may name no sample twice and none of another class; there may be no file that it does not name. logs/ is not needed.

--repair makes damaged blocks again and ends with the bytes that the dataset had. What made it is in logs/plan.json, or is named with
--config (and --cfg-options, if they were given when it was made); another generator, plan or version is refused. Files that do not
belong to the dataset are moved to logs/foreign.

Exit code: 0 the dataset is whole, or is again; 1 it is damaged; 2 it could not be checked, or not be mended.
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
    parser.add_argument('dataset', help='folder of a dataset of tools/synthesize.py, in folders or shards')
    parser.add_argument('--repair', action='store_true', help='make damaged blocks again')
    parser.add_argument('--config', help='config with the synthesis=dict(...) that made the dataset; default: what logs/plan.json says')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config: synthesis.key=value ...')
    parser.add_argument('--device', default='cpu', help='where damaged blocks are made, e.g. cuda: as it was when the dataset was made')
    parser.add_argument('--processes', type=positive_int, default=processes, help='that read files at once; default: one for each core')
    parser.add_argument('--json', help='file to write with everything that was found')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if args.cfg_options and not args.config:
        raise InputError('--cfg-options changes a config: give --config')
    if (args.config or args.device != 'cpu') and not args.repair:
        raise InputError('--config and --device say how damaged blocks are made again: give --repair')
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
    """Of the report, seen to be outside the dataset.

    Raises:
        InputError: It lies in the dataset, or its folder is not there.
    """
    if args.json is None:
        return None
    path, root = Path(args.json), Path(args.dataset).resolve()
    parents = path.resolve().parents
    if root in parents and root / 'logs' not in parents:
        raise InputError(f'{path} lies in the dataset, which holds nothing but itself; give another --json, or one in {args.dataset}/logs')
    if not path.resolve().parent.is_dir():
        raise InputError(f'there is no folder {path.parent} for the report')
    return path


def chosen_plan(args: argparse.Namespace) -> Synthesis:
    """What made the dataset."""
    if not args.config:
        return read_plan(args.dataset)
    cfg = read_config(args.config, args.cfg_options, ('synthesis',))
    if 'synthesis' not in cfg:
        raise InputError(f'{args.config} has no synthesis=dict(...)')
    check_keys(cfg, 'synthesis')
    check_requirements(cfg)
    return Synthesis.from_config(cfg.synthesis)


def print_findings(root: Path, findings: Findings) -> None:
    """For people."""
    looked = f'{findings.samples:,} samples in {findings.blocks:,} blocks, {findings.files:,} files'
    if findings.whole:
        print(f'{root} is whole: {looked}')
    else:
        problems = listed([str(problem) for problem in findings.problems])
        print(f'{root} is damaged, {len(findings.problems):,} things are wrong ({looked} were looked at):\n  {problems}')
    for what in findings.unchecked:
        print(f'not checked: {what}')


if __name__ == '__main__':
    with plain_errors():
        main()
