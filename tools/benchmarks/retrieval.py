"""The sub-command ``retrieval``: cost of searching a large pool by vectors and by text."""

import argparse
import os
import resource
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from benchmarks.common import MIB, check_out, in_fresh_process, machine_lines, report, table
from mmbdg.addressed import generator_at
from mmbdg.arguments import natural_int, positive_float, positive_int
from mmbdg.errors import InputError
from mmbdg.machine import describe_machine, load_average
from mmbdg.pools.caption_table import TOKENIZERS, CaptionTable, phrase, write_entries
from mmbdg.pools.entry import Entry
from mmbdg.pools.faiss_index import load_faiss, new_index, set_search, train, train_rows

PART = 50_000
"""Number of vectors that are made at once."""
DIRECTIONS = 32
"""Number of directions of the noise within a cluster."""
ADJECTIVES = (
    *('red', 'green', 'blue', 'dark', 'bright', 'old', 'new', 'small', 'large', 'striped', 'plain', 'worn', 'wet', 'dry', 'soft', 'hard'),
)
PLACES = ('street', 'shop', 'garden', 'kitchen', 'museum', 'market', 'field', 'beach', 'forest', 'studio')
SYLLABLES = ('ba', 'co', 'di', 'fu', 'ga', 'he', 'jo', 'ka', 'li', 'mo', 'ne', 'po', 'ra', 'su', 'ti', 've')
QUERIES = {
    'one word': '"{rare}"',
    'two words (AND)': 'red AND "{rare}"',
    'two words (OR)': '"{rare}" OR "{other}"',
    'a common word': 'striped',
}


def clustered(first: int, number: int, dim: int, clusters: int, spread: float) -> np.ndarray:
    """Vectors of length 1 around centres, float32 (N,D), each a function of its number.

    They differ from their centre in few directions, the same for all. Independent noise in every direction would have no neighbours that
    an index could find; centres with few vectors would have neighbours that are too easy to find.
    """
    rng = generator_at('benchmark retrieval', 'centres', clusters, dim)
    centres, directions = (rng.standard_normal((rows, dim), dtype=np.float32) for rows in (clusters, DIRECTIONS))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    rng = generator_at('benchmark retrieval', first)
    vectors = centres[rng.integers(clusters, size=number)]
    vectors += spread / DIRECTIONS**0.5 * rng.standard_normal((number, DIRECTIONS), dtype=np.float32) @ directions
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def captions_from(first: int, number: int) -> Iterator[str]:
    """Captions of nine words; one of them is drawn from 4,096 words."""
    rng = generator_at('benchmark captions', first)
    drawn = zip(rng.integers(16, size=(number, 2)), rng.integers(16, size=(number, 3)), rng.integers(10, size=number), strict=True)
    for i, (adjectives, syllables, place) in enumerate(drawn):
        word = ''.join(SYLLABLES[j] for j in syllables)
        yield f'a {ADJECTIVES[adjectives[0]]} {ADJECTIVES[adjectives[1]]} {word} in a {PLACES[place]} number {(first + i) % 1000}'


def measure_vectors(factory: str, searches: list[str], args: dict[str, Any]) -> dict:
    """Build an index of a factory in this process, and search it with different parameters."""
    faiss = load_faiss()
    faiss.omp_set_num_threads(args['threads'])
    index, number, dim = new_index(factory, args['dim']), args['vectors'], args['dim']
    options = dict(dim=dim, clusters=args['clusters'], spread=args['spread'])
    starts = range(0, number, PART)
    if factory.startswith('HNSW'):
        set_search(index, f'efConstruction={args["construction"]}')
    before, seconds = resident(), dict(train=0.0, add=0.0)
    if not index.is_trained:
        chosen = train_rows(number)[:: max(1, number // 100_000)]
        parts = []
        for first in starts:
            own = chosen[(chosen >= first) & (chosen < first + PART)] - first
            parts.append(clustered(first, min(PART, number - first), **options)[own])
        begin = cpu_seconds()
        train(index, np.concatenate(parts), factory)
        seconds['train'] = cpu_seconds() - begin
        del parts
    for first in tqdm(starts, desc=factory, unit='part', leave=False, dynamic_ncols=True):
        vectors = clustered(first, min(PART, number - first), **options)
        begin = cpu_seconds()
        index.add(vectors)
        seconds['add'] += cpu_seconds() - begin
    del vectors
    memory = resident() - before
    queries, rows = clustered(number, args['queries'], **options), []
    for parameters in searches:
        set_search(index, parameters)
        index.search(queries[:1], 10)
        begin = cpu_seconds()
        found = np.concatenate([index.search(queries[i : i + 1], 10)[1] for i in range(len(queries))])
        rows.append(dict(parameters=parameters, milliseconds=1000 * (cpu_seconds() - begin) / len(queries), found=found.tolist()))
    return dict(factory=factory, seconds=seconds, memory_mib=memory / MIB, searches=rows)


def measure_captions(tokenizer: str, number: int, folder: Path) -> dict:
    """Build a full-text table and search it, also for a substring by a scan with LIKE."""
    path = folder / f'{tokenizer}.sqlite'
    texts = [text for first in range(0, number, PART) for text in captions_from(first, min(PART, number - first))]
    entries = [Entry(f'{i}', 1, text) for i, text in enumerate(texts)]
    begin = cpu_seconds()
    write_entries(path, entries)
    plain, bare = cpu_seconds() - begin, path.stat().st_size
    begin = cpu_seconds()
    write_entries(path, entries, (tokenizer,))
    build = cpu_seconds() - begin - plain
    rare, other = (text.split()[3] for text in texts[:2])
    rows = []
    with closing(CaptionTable(path)) as captions:
        queries = {name: text.replace('{rare}', rare).replace('{other}', other) for name, text in QUERIES.items()}
        if tokenizer == 'trigram':
            queries['a part of a word'] = phrase(rare[1:5])
        for name, query in queries.items():
            seconds, found = best_of(lambda query=query: captions.match(tokenizer, query))
            rows.append(dict(query=name, milliseconds=1000 * seconds, hits=len(found)))
    if tokenizer == 'trigram':
        with closing(sqlite3.connect(path)) as scanned:
            text = f'%{rare[1:5]}%'
            seconds, found = best_of(lambda: scanned.execute('SELECT position FROM entries WHERE caption LIKE ?', (text,)).fetchall())
        rows.append(dict(query='a part of a word, by LIKE without the table', milliseconds=1000 * seconds, hits=len(found)))
    return dict(tokenizer=tokenizer, build_seconds=build, table_mib=(path.stat().st_size - bare) / MIB, searches=rows)


def best_of(call: Any, times: int = 3) -> tuple[float, Any]:
    """CPU seconds of the fastest of several calls, and its result."""
    seconds = []
    for _ in range(times):
        begin = cpu_seconds()
        result = call()
        seconds.append(cpu_seconds() - begin)
    return min(seconds), result


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def resident() -> int:
    """Resident memory of this process in bytes."""
    return int(Path('/proc/self/statm').open().read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def retrieval_command(args: argparse.Namespace) -> None:
    """Measure, print tables and write JSON."""
    check_out(args.out)
    load_faiss()
    torch.set_num_threads(args.threads)
    factories = {'Flat': ['']}
    if args.hnsw:
        factories[f'HNSW{args.hnsw}'] = [f'efSearch={value}' for value in args.ef_search]
    if args.ivf:
        factories[f'IVF{args.ivf},Flat'] = [f'nprobe={value}' for value in args.nprobe]
    keys = ('vectors', 'dim', 'clusters', 'spread', 'queries', 'construction', 'threads', 'captions')
    settings = {key: getattr(args, key) for key in keys}
    result = dict(
        command='retrieval', settings=settings, environment=describe_machine(torch.device('cpu')) | dict(load_before=load_average())
    )
    result['vectors'] = []
    for factory, searches in factories.items():
        result['vectors'].append(done(factory, in_fresh_process(measure_vectors, factory, searches, settings)))
    exact = result['vectors'][0]['searches'][0]['found']
    for row in result['vectors']:
        for search in row['searches']:
            pairs = zip(search.pop('found'), exact, strict=True)
            search['recall_at_10'] = float(np.mean([len(set(found) & set(true)) / len(true) for found, true in pairs]))
    result['captions'] = []
    if args.captions:
        with tempfile.TemporaryDirectory(dir=args.scratch) as folder:
            for tokenizer in TOKENIZERS:
                result['captions'].append(done(tokenizer, in_fresh_process(measure_captions, tokenizer, args.captions, Path(folder))))
    result['environment']['load_after'] = load_average()
    report(result, as_text(result), args.out)


def done(what: str, found: Any) -> dict:
    """Result of a measuring process.

    Raises:
        InputError: The process was killed.
    """
    if isinstance(found, str):
        raise InputError(f'{what} was not measured: {found}; lower --vectors or --captions')
    return found


def as_text(result: dict) -> str:
    """Results as aligned Markdown tables."""
    settings = result['settings']
    rows = []
    for row in result['vectors']:
        for search in row['searches']:
            seconds = [f'{row["seconds"][part]:.1f}' for part in ('train', 'add')]
            cells = [f'{row["memory_mib"]:,.0f}', f'{search["milliseconds"]:.2f}', f'{search["recall_at_10"]:.3f}']
            rows.append([row['factory'], search['parameters'] or '-', *seconds, *cells])
    lines = [
        '{vectors:,} vectors of length {dim} around {clusters:,} centres (spread {spread}), {queries} queries one at a time, {threads} '
        'threads; CPU seconds'.format(**settings),
        *machine_lines(result['environment']),
        '',
        *table(['index', 'search', 'train s', 'add s', 'MiB', 'ms a query', 'recall@10'], rows),
    ]
    if result['captions']:
        rows = []
        for row in result['captions']:
            for search in row['searches']:
                build = [f'{row["build_seconds"]:.1f}', f'{row["table_mib"]:,.0f}']
                cells = [*build, search['query'], f'{search["milliseconds"]:.2f}', f'{search["hits"]:,}']
                rows.append([row['tokenizer'], *cells])
        lines += ['', f'{settings["captions"]:,} captions of nine words in SQLite FTS5; CPU seconds, the fastest of three', '']
        lines += table(['tokenizer', 'build s', 'MiB', 'query', 'ms', 'hits'], rows)
    return '\n'.join(lines)


def add_retrieval(commands: argparse._SubParsersAction) -> None:
    """Add the sub-command ``retrieval``."""
    command = commands.add_parser('retrieval', help='time, memory and recall of searches in a large pool')
    command.add_argument('--vectors', type=positive_int, default=1_000_000, help='number of vectors')
    command.add_argument('--dim', type=positive_int, default=512, help='their length')
    command.add_argument('--clusters', type=positive_int, default=1000, help='number of centres of the vectors')
    command.add_argument('--spread', type=positive_float, default=0.7, help='length of the noise that is added to a centre')
    command.add_argument('--queries', type=positive_int, default=100, help='number of queries, from the same clusters')
    command.add_argument('--hnsw', type=natural_int, default=16, help='links of HNSW; 0: not measured')
    command.add_argument('--construction', type=positive_int, default=40, help='efConstruction of HNSW')
    command.add_argument('--ef-search', type=positive_int, nargs='+', default=[64, 256], help='efSearch of HNSW')
    command.add_argument('--ivf', type=natural_int, default=1024, help='cells of IVF; 0: not measured')
    command.add_argument('--nprobe', type=positive_int, nargs='+', default=[1, 8, 32], help='numbers of searched cells of IVF')
    command.add_argument('--captions', type=natural_int, default=1_000_000, help='number of captions; 0: not measured')
    command.add_argument('--threads', type=positive_int, default=1, help='of the CPU')
    command.add_argument('--scratch', help='folder for the temporary table of captions; default: the system folder')
    command.add_argument('--out', type=Path, help='.json file to write')
    command.set_defaults(run=retrieval_command)
