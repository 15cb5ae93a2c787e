"""Run a study (configs/studies) and make its table: all rows, columns and seeds, with mean, spread and paired differences.

    python tools/study.py configs/studies/frozen_fpn.py work_dirs/frozen_fpn --dry-run      # lists the steps and estimates the time
    python tools/study.py configs/studies/frozen_fpn.py work_dirs/frozen_fpn --jobs 2
    python tools/study.py configs/studies/frozen_fpn.py work_dirs/frozen_fpn --seeds 0 --rows DenseCL joint --columns 0.1

If the command is run again, only missing steps run. The result of a step is kept if its command, its config, the checksums of its inputs
and the code that it uses are unchanged; otherwise a message says what has changed. An interrupted training continues from its last
checkpoint.

After each cell, NAME.json (every run), NAME.md, NAME.tex and NAME.png are written to OUT; NAME is the name of the config. Valid cells that
--seeds, --rows and --columns leave out remain in these files. docs/studies.md describes how to write a study.
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
    parser.add_argument('out', type=Path, help='folder for the steps and the tables of the study')
    parser.add_argument('--seeds', nargs='+', type=natural_int, help='seeds to run; default: all seeds of the study')
    parser.add_argument('--rows', nargs='+', help='names of the rows to run; default: all')
    parser.add_argument('--columns', nargs='+', help='names of the columns to run; default: all')
    parser.add_argument('--jobs', type=positive_int, default=1, help='number of steps that run at the same time; default: 1')
    parser.add_argument('--steps', type=Path, help='folder of the steps; several studies can share it; default: OUT/steps')
    parser.add_argument('--dry-run', action='store_true', help='list the steps that would run; the minutes are estimated from earlier runs')
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
        raise InputError(f'none of the rows {", ".join(rows)} has one of the columns {", ".join(columns)}; choose others')
    runner.check_configs(everything)
    if args.dry_run:
        print('\n'.join(runner.missing(wanted, args.jobs)))
        return
    check_place(args.out / 'study.json')
    with at_work(args.out, 'study') as free, at_work(runner.steps, 'study') as free_steps:
        if not (free and free_steps):
            raise InputError(f'another run is active in {args.out if not free else runner.steps}: wait until it ends, or stop it')
        runner.keep_valid([cell for cell in everything if cell not in wanted])
        tqdm.monitor_interval = 0  # no monitor thread, because this process forks
        with tqdm(total=len(wanted), unit='cell', dynamic_ncols=True) as bar:

            def done(cell: object) -> None:
                bar.set_postfix_str(str(cell))
                bar.update()

            text = runner.run(wanted, args.jobs, done)
    print(text)
    print('\n'.join(runner.compared()), end='')
    print(f'\nfigures, tables and plot: {args.out / runner.name}.json, .md, .tex, .png')


if __name__ == '__main__':
    with plain_errors('The same command continues with the missing steps'):
        main()
