"""tools/index_pool.py, tools/score_retrieval.py and tools/benchmark.py retrieval on the command line."""

import json
import sys

import numpy as np
import pytest
from conftest import ROOT, run_tool
from tiny_pools import captioned_folder, rows

CONFIG = """
synthesis = dict(
    source=dict(
        type='mmbdg.RetrievalSource', pool={pool!r}, index={index!r}, classes=['boot', 'bag'], mode='match', drop_nsfw=False, resolution=24
    ),
    num_per_class=3,
    candidates=2,
)
"""


def test_from_a_pool_to_a_dataset(tmp_path):
    pool, index = captioned_folder(tmp_path / 'pool', 12), tmp_path / 'pool_index'
    config = tmp_path / 'config.py'
    config.write_text(CONFIG.format(pool=str(pool), index=str(index)))
    result = run_tool('tools/score_retrieval.py', config, tmp_path / 'truth.csv', check=False)
    assert result.returncode == 2 and 'index it' not in result.stdout and 'tools/index_pool.py' in result.stdout
    result = run_tool('tools/index_pool.py', pool, config)
    assert f'12 entries of {pool} are indexed in {index}' in result.stdout
    assert 'columns that are not used: width' in result.stdout
    assert 'nothing has changed' in run_tool('tools/index_pool.py', pool).stdout
    right = [row['caption'].split()[2] for row in rows(12)]
    right[3] = 'none'  # the caption of this boot is wrong
    truth = [f'{row["key"]}.png,{name}' for row, name in zip(rows(12), right, strict=True)]
    (tmp_path / 'truth.csv').write_text('\n'.join(['file,class', *truth]))
    out = tmp_path / 'precision.json'
    result = run_tool('tools/score_retrieval.py', config, tmp_path / 'truth.csv', '--at', 1, 2, 10, '--out', out)
    measured = json.loads(out.read_text())
    assert measured['classes'] == dict(boot=dict(hits=4, precision=[1, 0.5, 0.75]), bag=dict(hits=4, precision=[1, 1, 1]))
    assert measured['mean'] == [1, 0.75, 0.875] and 'at 10' in result.stdout
    run_tool('tools/synthesize.py', config, tmp_path / 'out')
    lines = [json.loads(line) for line in (tmp_path / 'out/manifest.jsonl').read_text().splitlines()]
    assert [line['caption'] for line in lines] == [rows()[i]['caption'] for i in (0, 3, 6, 1, 4, 7)]


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['configs/synthesis/biggan32_fashion.py'], 'has no synthesis.source of the type mmbdg.RetrievalSource'),
        (['--tokenizers'], 'finds nothing'),
        (['--vectors', 'read'], 'needs the embedder'),
        (['--clip', 'nowhere'], 'there is no folder nowhere with a CLIP model'),
        (['--images', 'x'], 'takes no "images"'),
    ],
)
def test_wrong_options_of_indexing(tmp_path, options, message):
    pool = captioned_folder(tmp_path / 'pool', 2)
    result = run_tool('tools/index_pool.py', pool, *options, check=False)
    assert result.returncode == 2 and message in result.stdout, result.stdout


def test_the_benchmark(tmp_path, monkeypatch):
    """The figures of the benchmark, measured in this process."""
    pytest.importorskip('faiss', reason='pip install "mmbdg[clip]"')
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    from benchmarks import retrieval

    monkeypatch.setattr(retrieval, 'in_fresh_process', lambda measure, *given: measure(*given))
    import argparse

    parser = argparse.ArgumentParser()
    retrieval.add_retrieval(parser.add_subparsers())
    small = ['--vectors', '600', '--dim', '16', '--clusters', '12', '--queries', '20', '--hnsw', '8', '--ivf', '8', '--nprobe', '1', '8']
    args = parser.parse_args(['retrieval', *small, '--captions', '500', '--out', str(tmp_path / 'b.json')])
    args.run(args)
    measured = json.loads((tmp_path / 'b.json').read_text())
    recall = {(row['factory'], one['parameters']): one['recall_at_10'] for row in measured['vectors'] for one in row['searches']}
    assert recall['Flat', ''] == recall['IVF8,Flat', 'nprobe=8'] == 1 and recall['IVF8,Flat', 'nprobe=1'] < 1
    assert 0.9 < recall['HNSW8', 'efSearch=256'] <= 1
    hits = {(row['tokenizer'], one['query']): one['hits'] for row in measured['captions'] for one in row['searches']}
    texts = list(retrieval.captions_from(0, 500))
    word = texts[0].split()[3]
    assert hits['unicode61', 'one word'] == hits['trigram', 'one word'] == sum(word in text.split() for text in texts)
    assert hits['unicode61', 'a common word'] == sum('striped' in text.split() for text in texts) > 30
    part = sum(word[1:5] in text for text in texts)
    assert hits['trigram', 'a part of a word'] == hits['trigram', 'a part of a word, by LIKE without the table'] == part
    assert 'benchmarks.retrieval' in sys.modules and np.isfinite(measured['vectors'][0]['memory_mib'])
