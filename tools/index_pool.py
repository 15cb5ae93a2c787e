"""Index a pool of images with captions, so that mmbdg.RetrievalSource can search it.

    python tools/index_pool.py data/pool --clip data/clip/ViT-B-16
    python tools/index_pool.py data/pool configs/synthesis/retrieval_fashion32.py
    python tools/index_pool.py data/pool --clip FOLDER --factory IVF4096,Flat --tokenizers unicode61 trigram --device cuda
    python tools/index_pool.py data/pool                                 # captions only, for text match; needs no CLIP
    python tools/index_pool.py data/clip_retrieval --images data/images --clip FOLDER --vectors read

POOL is a folder of images with captions.csv, tar shards (webdataset, img2dataset), images with KEY.txt or KEY.json beside each
(img2dataset's "files"), or the output of clip-retrieval's "inference". Every image and caption is embedded once. Run the same command
again to resume a killed run, or to embed new entries after a change of the pool. Entries with a broken or missing image or caption raise an
error; with --skip-broken they are left out and listed. See docs/retrieval.md.
"""

from collections.abc import Mapping
from typing import Any

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import ConfigOptions, Parser, positive_int
from mmbdg.compat.config import check_keys, check_parts, read_config
from mmbdg.errors import InputError, plain_errors
from mmbdg.pools import LAYOUTS, build_index, default_index
from mmbdg.pools.caption_table import TOKENIZERS
from mmbdg.sources.build import source_class
from mmbdg.sources.retrieval_source import RetrievalSource


def retrieval_config(path: str, options: Mapping[str, Any] | None) -> dict:
    """Read ``synthesis.source`` of a config with a retrieval source.

    Raises:
        InputError: The config does not have a retrieval source.
    """
    cfg = read_config(path, options, ('synthesis',))
    check_parts(cfg, 'synthesis')
    check_keys(cfg, 'synthesis')
    source = cfg.synthesis.to_dict().get('source')
    if not isinstance(source, dict) or source_class(source) is not RetrievalSource:
        raise InputError(f'{path} has no synthesis.source of the type mmbdg.RetrievalSource')
    return source


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('pool', help='folder of the pool')
    parser.add_argument('config', nargs='?', help='a config with mmbdg.RetrievalSource; its embedder, index and tokenizer are used')
    parser.add_argument('--index', help="folder of the index; default: the config's, else POOL_index")
    parser.add_argument('--clip', help='folder of a CLIP model in the layout of open_clip')
    parser.add_argument('--factory', default='Flat', help="faiss's factory string; default: Flat, which is exact")
    parser.add_argument('--tokenizers', nargs='*', choices=TOKENIZERS, help="full-text tables; default: the config's, else unicode61")
    parser.add_argument('--layout', choices=sorted(LAYOUTS), help='default: found out')
    parser.add_argument('--images', help="folder of the images, for clip-retrieval's layout")
    parser.add_argument(
        '--vectors', choices=('computed', 'read'), default='computed', help='"read" uses the embeddings of the pool; default: computed'
    )
    parser.add_argument('--skip-broken', action='store_true', help='leave out unusable entries and list them in left_out.jsonl')
    parser.add_argument('--batch-size', type=positive_int, default=64, help='number of images or captions in a batch; default: 64')
    parser.add_argument('--device', default='cpu', help='device of the embedder, e.g. cuda; default: cpu')
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config: synthesis.source.key=value ...'
    )
    args = parser.parse_args()
    source = retrieval_config(args.config, args.cfg_options) if args.config else {}
    given = dict(layout=args.layout, images=args.images)
    pool = (source['pool'] if isinstance(source.get('pool'), dict) else {}) | {key: value for key, value in given.items() if value}
    tokenizers = args.tokenizers if args.tokenizers is not None else [source.get('tokenizer', 'unicode61')]
    build_index(
        pool | dict(folder=args.pool),
        args.index or source.get('index') or default_index(args.pool),
        dict(type='mmbdg.OpenCLIP', folder=args.clip) if args.clip else source.get('embedder'),
        args.factory,
        tokenizers,
        args.vectors,
        args.skip_broken,
        args.batch_size,
        args.device,
    )


if __name__ == '__main__':
    with plain_errors('Run the same command to resume'):
        main()
