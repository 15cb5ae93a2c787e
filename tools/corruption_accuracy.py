"""Measure a checkpoint under the published corruptions of Hendrycks and Dietterich (2019), at five severities, and without corruption.

    python tools/corruption_accuracy.py configs/robustness/classifier_corruptions.py mmbdg/assets/fashion32/classifier.safetensors OUT.json
    python tools/corruption_accuracy.py CONFIG CHECKPOINT OUT.json --corruptions fog frost --severities 1 3 5

The pipeline of CONFIG's test_dataloader has an mmbdg.CorruptImage, whose corruption and severity this tool sets. OUT.json has all figures,
and OUT.md beside it a table. The mean figure is the mean over corruptions of the mean over severities, as published; it is in percent and
not divided by that of another network. A corrupted image depends on the seed, the index of the image, the corruption and the severity only.
Needs imagecorruptions: pip install "mmbdg[corruptions]"
"""

from importlib.metadata import version
from pathlib import Path

import torch
from mmengine.runner import Runner
from tqdm import tqdm

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import Bounded, Parser
from mmbdg.compat.checkpoint import checkpoint_file, load_strict, read_checkpoint, tensors_under
from mmbdg.datasets.corrupt_image import SEVERITIES, CorruptImage, corruptions_library
from mmbdg.engine.config_changes import TEST_CHANGES
from mmbdg.engine.launch import add_common_arguments, build_runner, exit_process_group, load_config
from mmbdg.engine.work_dir import prepare_work_dir
from mmbdg.errors import InputError, nearest, plain_errors
from mmbdg.files import check_place, sha256, write_atomically, write_json
from mmbdg.machine import describe_machine
from mmbdg.markdown import markdown_table

METRICS = ('accuracy/top1', 'mIoU')
"""Metrics of classifiers and segmentors, of which the first that is there is the default."""
KINDS = ('noise', 'blur', 'weather', 'digital')
"""Kinds of corruptions by the library's names."""

Values = dict[str, dict[int, float]]
"""Figure by corruption and severity."""


def corruption_in(runner: Runner) -> CorruptImage:
    """The one step of the test pipeline that corrupts.

    Raises:
        InputError: There is none, or several, or the dataset is within a wrapper.
    """
    pipeline = getattr(runner.test_dataloader.dataset, 'pipeline', None)
    steps = [step for step in getattr(pipeline, 'transforms', ()) if isinstance(step, CorruptImage)]
    if len(steps) != 1:
        raise InputError(
            f'the pipeline of test_dataloader.dataset has {len(steps)} steps mmbdg.CorruptImage; this tool needs one, see '
            'configs/robustness/classifier_corruptions.py'
        )
    return steps[0]


def metric_in(found: dict[str, float], wanted: str | None) -> str:
    """Name of the metric to tabulate.

    Raises:
        InputError: There is no such metric, or none of the default ones.
    """
    name = wanted or next((name for name in METRICS if name in found), None)
    if name not in found:
        what = f'there is no metric {name}{nearest(name, found)}' if name else 'choose one with --metric'
        raise InputError(f'{what}; the test measures {", ".join(found)}')
    return name


def measure(runner: Runner, step: CorruptImage, corruptions: list[str], severities: list[int], wanted: str | None) -> tuple:
    """Test the model for each corruption and severity.

    Returns:
        Name of the metric, its value without corruption, and those with.
    """
    step.choose(None, severities[0])
    found = runner.test()
    metric = metric_in(found, wanted)
    clean, values = float(found[metric]), Values()
    for corruption in tqdm(corruptions, desc='corruptions', dynamic_ncols=True, disable=runner.rank != 0):
        values[corruption] = {}
        for severity in severities:
            step.choose(corruption, severity)
            values[corruption][severity] = float(runner.test()[metric])
    return metric, clean, values


def means(values: Values) -> dict[str, float]:
    """Mean over the severities by corruption."""
    return {corruption: sum(found.values()) / len(found) for corruption, found in values.items()}


def mean_by_kind(values: Values) -> dict[str, float]:
    """Mean over the corruptions of each kind, for kinds of which all corruptions were measured."""
    of_corruption, found = means(values), {}
    for kind in KINDS:
        members = corruptions_library().get_corruption_names(kind)
        if all(name in of_corruption for name in members):
            found[kind] = sum(of_corruption[name] for name in members) / len(members)
    return found


def as_table(metric: str, clean: float, values: Values) -> str:
    """Markdown table of the figures: a row for each corruption, a column for each severity."""
    of_corruption, severities = means(values), list(next(iter(values.values())))
    rows = [['none', *[''] * len(severities), f'{clean:.1f}']]
    rows += [[name, *(f'{value:.1f}' for value in found.values()), f'{of_corruption[name]:.1f}'] for name, found in values.items()]
    by_severity = [sum(found[severity] for found in values.values()) / len(values) for severity in severities]
    rows.append(['mean', *(f'{value:.1f}' for value in by_severity), f'{sum(by_severity) / len(by_severity):.1f}'])
    return markdown_table([f'corruption ({metric})', *map(str, severities), 'mean'], rows)


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('config', help='config file whose test pipeline has an mmbdg.CorruptImage')
    parser.add_argument('checkpoint', help='checkpoint of a training with the same network')
    parser.add_argument('out', type=Path, help='JSON file for the figures; the table is written beside it, as .md')
    parser.add_argument('--corruptions', nargs='+', metavar='NAME', help='names of imagecorruptions; default: the 15 of ImageNet-C')
    parser.add_argument(
        '--severities',
        nargs='+',
        type=Bounded(int, min(SEVERITIES), max(SEVERITIES)),
        default=list(SEVERITIES),
        help='whole numbers from 1 to 5; default: all',
    )
    parser.add_argument('--metric', help=f'metric of the test to tabulate; default: the first of {", ".join(METRICS)} that is there')
    add_common_arguments(parser)
    args = parser.parse_args()
    names = args.corruptions or corruptions_library().get_corruption_names()
    for what, chosen in (('--corruptions', names), ('--severities', args.severities)):
        if len(set(chosen)) != len(chosen):
            raise InputError(f'{what} names one twice: {" ".join(map(str, chosen))}')
    for name in names:
        CorruptImage(name)  # raises for an unknown one
    if args.out.suffix == '.md':
        raise InputError(f'{args.out} is where the table would be written: name the JSON file, e.g. {args.out.with_suffix(".json")}')
    cfg = load_config(args, TEST_CHANGES)
    if not cfg.get('test_dataloader'):
        raise InputError(f'{args.config} has no test_dataloader; a checkpoint cannot be evaluated without one')
    cfg.test_dataloader.pop('persistent_workers', None)  # such workers would keep the first corruption
    check_place(args.out)
    prepare_work_dir(cfg)
    runner = build_runner(cfg)
    step = corruption_in(runner)
    model = getattr(runner.model, 'module', runner.model)
    load_strict(model, tensors_under(read_checkpoint(args.checkpoint), '', args.checkpoint), args.checkpoint)
    metric, clean, values = measure(runner, step, names, args.severities, args.metric)
    if runner.rank == 0:
        content = dict(
            config=args.config,
            checkpoint=args.checkpoint,
            checkpoint_sha256=sha256(checkpoint_file(args.checkpoint)),
            images=len(runner.test_dataloader.dataset),
            metric=metric,
            seed=step.seed,
            clean=clean,
            mean=sum(means(values).values()) / len(values),
            mean_by_kind=mean_by_kind(values),
            mean_by_corruption=means(values),
            values=values,
            libraries={name: version(name) for name in ('imagecorruptions-imaug', 'scikit-image', 'numpy')},
            machine=describe_machine(next((p.device for p in model.parameters()), torch.device('cpu'))),
        )
        table = as_table(metric, clean, values)
        write_json(args.out, content)
        write_atomically(args.out.with_suffix('.md'), lambda part: part.write_text(f'{table}\n', encoding='utf-8'))
        print(table)
    exit_process_group()


if __name__ == '__main__':
    with plain_errors():
        main()
