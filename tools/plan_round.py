"""Plan a round of synthesis: how many samples of each class a learner needs next, from its scores by class (docs/steered_synthesis.md).

    python tools/plan_round.py work_dirs/learner_0/test.json rounds/1.json --total 300 --after data/round_0
    python tools/plan_round.py work_dirs/learner_1/test.json rounds/2.json --total 300 --after data/round_0 data/round_1 --power 2
    python tools/plan_round.py work_dirs/learner_0/test.json rounds/1.json --total 300 --after data/round_0 --power 0  # uniform (control)
    python tools/plan_round.py work_dirs/learner_0/test.json rounds/1.json --total 300 --after data/round_0 --by entropy
    python tools/synthesize.py configs/synthesis/biggan32_fashion.py data/round_1 --plan rounds/1.json

RESULT is a file of tools/test.py on validation images, not on the test images: a plan that follows from the test set spoils the test. The
samples of a class are in proportion to (1 - score / 100) ** power. The score is the IoU of the class, or the accuracy of a classifier.
With --by entropy it is the certainty of the predictions, 1 - entropy / largest possible entropy, which needs no masks (tools/test.py
--entropy).

--after takes the datasets of all earlier rounds; the plan begins after their samples. The same files and options give the same plan.
"""

from pathlib import Path

import mmbdg  # noqa: F401
from mmbdg.arguments import Bounded, Parser, natural_int, positive_int
from mmbdg.errors import plain_errors
from mmbdg.files import check_place, sha256, write_json
from mmbdg.leaderboard.scores_by_class import scores_by_class
from mmbdg.markdown import markdown_table, plain_markdown
from mmbdg.synthesis.round_plan import SKIP, Rule, plan_round


def percent_or_skip(text: str) -> float | str:
    """Parse the value of --missing."""
    return SKIP if text == SKIP else Bounded(float, 0, 100)(text)


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('result', metavar='RESULT', help='file of tools/test.py with the scores of the learner by class')
    parser.add_argument('out', metavar='PLAN.json', type=Path, help='file for the plan')
    parser.add_argument(
        '--by', choices=('score', 'entropy'), default='score', help='IoU or accuracy; or the entropy of the predictions; default: score'
    )
    parser.add_argument('--total', type=positive_int, required=True, help='number of samples of the round')
    parser.add_argument('--after', nargs='+', default=[], metavar='DATASET', help='datasets of all earlier rounds, in their order')
    parser.add_argument(
        '--power', type=Bounded(float, 0, 100), default=1.0, help='power of the weakness; 0: equal numbers in all classes; default: 1'
    )
    parser.add_argument('--minimum', type=natural_int, default=0, help='smallest number of samples of a class; default: 0')
    parser.add_argument(
        '--missing',
        type=percent_or_skip,
        metavar='PERCENT',
        help='score to assume for classes that the result has none of; "skip": make no samples of them; default: an error',
    )
    parser.add_argument('--seed', type=natural_int, help='seed of the samples; default: that of the earlier rounds, else 0')
    args = parser.parse_args()
    check_place(args.out)
    found = scores_by_class(args.result, certainty=args.by == 'entropy')
    rule = Rule(power=args.power, minimum=args.minimum, missing=args.missing)
    result = dict(file=Path(args.result).name, sha256=sha256(args.result), **found.result)
    plan = plan_round(found.scores, args.total, rule, args.after, args.seed, found.figure, result)
    write_json(args.out, plan)
    rows = [[plain_markdown(one['name']), f'{one["score"]:.1f}', f'{one["first"]:,}', f'{one["samples"]:,}'] for one in plan['classes']]
    print(markdown_table(['class', f'{found.figure} (%)', 'first index', 'samples'], rows))
    print(f'\nround {plan["round"]}, {plan["total"]:,} samples: {args.out}')


if __name__ == '__main__':
    with plain_errors():
        main()
