"""Measure the precision of a retrieval from a pool whose true classes are known.

    python tools/score_retrieval.py configs/synthesis/retrieval_fashion32.py data/garment_pool/truth.csv
    python tools/score_retrieval.py CONFIG TRUTH.csv --at 10 100 1000 --out precision.json --cfg-options synthesis.source.mode=match

TRUTH.csv has the columns "file" (name of the entry in the pool) and "class" (id of its true class, or anything else for none). Precision
at k is the fraction of a class's first k hits whose true class is that class.
"""

from pathlib import Path

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import ConfigOptions, Parser, positive_int
from mmbdg.compat.config import check_keys, check_parts, check_requirements, read_config
from mmbdg.errors import plain_errors
from mmbdg.files import write_json
from mmbdg.sources.retrieval_precision import as_text, retrieval_precision
from mmbdg.synthesis import Synthesis
from mmbdg.synthesis.loading import load_source


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('config', help='a config with mmbdg.RetrievalSource')
    parser.add_argument('truth', help='.csv file with the true classes')
    parser.add_argument('--at', type=positive_int, nargs='+', default=[10, 100, 1000], help='values of k')
    parser.add_argument('--out', type=Path, help='.json file to write')
    parser.add_argument('--device', default='cpu', help='device of the embedder of the queries, e.g. cuda; default: cpu')
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config: synthesis.source.key=value ...'
    )
    args = parser.parse_args()
    cfg = read_config(args.config, args.cfg_options, ('synthesis',))
    check_parts(cfg, 'synthesis')
    check_keys(cfg, 'synthesis')
    check_requirements(cfg)
    result = retrieval_precision(load_source(Synthesis.from_config(cfg.synthesis), args.device), args.truth, args.at)
    if args.out:
        write_json(args.out, result)
    print(as_text(result))


if __name__ == '__main__':
    with plain_errors():
        main()
