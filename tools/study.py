"""Make a table: every row, column and seed of a study (configs/studies), with mean, spread and paired differences.

    python tools/study.py configs/studies/frozen_fpn.py work_dirs/frozen_fpn --dry-run      # what would run, and how long
    python tools/study.py configs/studies/frozen_fpn.py work_dirs/frozen_fpn --jobs 2
    python tools/study.py configs/studies/frozen_fpn.py work_dirs/frozen_fpn --seeds 0 --rows DenseCL joint --columns 0.1

Run again, it makes what is missing. A step is kept if its command, its config, the checksums of its inputs and the code that it reaches are
the same; otherwise a line says what has changed. A training that was interrupted goes on from its last checkpoint.

Written into OUT, after each cell: NAME.json (every run), NAME.md, NAME.tex and NAME.png; NAME is the config's. Cells that --seeds, --rows
and --columns leave out stay in them as long as they are valid. docs/studies.md says how a study is written.
"""

from pathlib import Path

from tqdm import tqdm

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import ConfigOptions, Parser, natural_int, positive_int
from mmbdg.errors import InputError, plain_errors
from mmbdg.files import check_place
from mmbdg.studies import StudyRunner, read_study
from mmbdg.studies.study import chosen
from mmbdg.synthesis.job import at_work

TOOLS = Path(__file__).parent


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('study', help='config with study=dict(...)')
    parser.add_argument('out', type=Path, help='folder of the study: its steps and its tables')
    parser.add_argument('--seeds', nargs='+', type=natural_int, help="some of the study's seeds; default: all")
    parser.add_argument('--rows', nargs='+', help="names of some of the study's rows; default: all")
    parser.add_argument('--columns', nargs='+', help="names of some of the study's columns; default: all")
    parser.add_argument('--jobs', type=positive_int, default=1, help='number of steps that run at the same time')
    parser.add_argument('--steps', type=Path, help='folder of the steps, which studies may share; default: OUT/steps')
    parser.add_argument('--dry-run', action='store_true', help='list what would run, with minutes estimated from what ran before')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override variables of the study')
    args = parser.parse_args()
    study = read_study(args.study, TOOLS, args.cfg_options)
    rows = chosen('row', args.rows, [row.name for row in study.rows])
    columns = chosen('column', args.columns, [column.name for column in study.columns])
    seeds = chosen('seed', args.seeds, study.seeds)
    runner = StudyRunner(study, args.study, args.out, TOOLS, args.steps, say=tqdm.write)
    everything = runner.cells([row.name for row in study.rows], [column.name for column in study.columns], study.seeds)
    wanted = runner.cells(rows, columns, seeds)
    if not wanted:
        raise InputError(f'no row of {", ".join(rows)} has a column of {", ".join(columns)}')
    runner.check_configs(everything)
    if args.dry_run:
        print('\n'.join(runner.missing(wanted, args.jobs)))
        return
    check_place(args.out / 'study.json')
    with at_work(args.out, 'study') as free, at_work(runner.steps, 'study') as free_steps:
        if not (free and free_steps):
            raise InputError(f'another run is at work in {args.out if not free else runner.steps}: let it end, or stop it first')
        runner.keep_valid([cell for cell in everything if cell not in wanted])
        tqdm.monitor_interval = 0  # no thread in a process that forks
        with tqdm(total=len(wanted), unit='cell', dynamic_ncols=True) as bar:

            def done(cell: object) -> None:
                bar.set_postfix_str(str(cell))
                bar.update()

            text = runner.run(wanted, args.jobs, done)
    print(text)
    print('\n'.join(runner.compared()), end='')
    print(f'\nfigures, tables and drawing: {args.out / runner.name}.json, .md, .tex, .png')


if __name__ == '__main__':
    with plain_errors('The same command goes on with what is missing'):
        main()
