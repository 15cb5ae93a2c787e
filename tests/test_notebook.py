"""The notebook docs/tutorials/embedded_world.ipynb runs from top to bottom."""

import re

import nbformat
from conftest import ROOT
from nbclient import NotebookClient

PATH = ROOT / 'docs/tutorials/embedded_world.ipynb'


def printed(notebook: nbformat.NotebookNode) -> str:
    return '\n'.join(output.text for cell in notebook.cells for output in cell.get('outputs', ()) if output.get('name') == 'stdout')


def test_embedded_world():
    stored = nbformat.read(PATH, 4)
    notebook = nbformat.read(PATH, 4)
    NotebookClient(notebook, timeout=300, resources=dict(metadata=dict(path=str(PATH.parent)))).execute()
    text = printed(notebook)
    assert '60 samples; ' in text and 'blocks.jsonl dataset.json images logs manifest.jsonl masks' in text
    first, last = map(float, re.search(r'first ten iterations ([\d.]+), of the last ten ([\d.]+)', text).groups())
    assert last < 0.85 * first
    assert len(re.findall(r'image/png', str(notebook))) == 3
    # The stored outputs are those of the same cells; figures differ in the last digits from processor to processor.
    assert re.sub(r'[\d.]+', '', printed(stored))[:300] == re.sub(r'[\d.]+', '', text)[:300]


def test_it_is_small():
    assert PATH.stat().st_size < 100_000
