"""The code in docs/synthesis.md that reads a dataset without mmbdg works as printed."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, plan_of, run_tool
from programs import run_programs

from mmbdg.storage.stored import StoredDataset
from mmbdg.synthesis import synthesize

BLOCKED = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] == 'mmbdg':
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Block())
"""
# Code that prints the content of a block's dataset, by the class that the block imports.
QUESTIONS = {
    'BaseSegDataset': """
items = [dataset[i] for i in range(len(dataset))]
answer = [[item['img_path'], item['img'].sum(), np.unique(item['gt_seg_map']), (item['gt_seg_map'] == 1).sum()] for item in items]
""",
    'CocoDataset': """
items = [dataset[i] for i in range(len(dataset))]
answer = [[item['img_path'], item['img'].sum(), item['gt_bboxes_labels'], item['gt_masks'].areas.sum()] for item in items]
""",
    'CustomDataset': """
answer = [[item['img_path'], item['img'].sum(), item['gt_label']] for item in (dataset[i] for i in range(len(dataset)))]
""",
    'ImageFolder': """
answer = [[path, np.asarray(dataset[i][0]).sum(), label] for i, (path, label) in enumerate(dataset.samples)]
""",
}
IMPORTS = """
import torch
import torchvision
import mmcv.transforms
import mmengine.dataset
assert 'mmbdg' not in sys.modules
"""
PRINT = "\nprint('ANSWER', json.dumps(answer, default=lambda value: np.asarray(value).tolist()))"


def blocks() -> list[tuple[str, str]]:
    """Language and code of each code block of the section, in order."""
    section = (ROOT / 'docs/synthesis.md').read_text().split('## Read it with plain OpenMMLab')[1].split('\n## ')[0]
    return re.findall(r'```(\w+)\n(.*?)```', section, re.DOTALL)


def program(code: str) -> str:
    """A block of Python, after which the content of its dataset is printed; mmbdg cannot be imported."""
    (question,) = [text for name, text in QUESTIONS.items() if f'import {name}\n' in code]
    return f'{BLOCKED}\n{code}\nimport json\nimport numpy as np\n{question}{PRINT}'


def printed(result: subprocess.CompletedProcess) -> list:
    """Content of the dataset that a program printed."""
    assert result.returncode == 0, result.stderr[-3000:]
    return json.loads(result.stdout.split('ANSWER')[1])


@pytest.fixture(scope='module')
def stored(tiny_labelled_generator, tmp_path_factory) -> StoredDataset:
    """A tiny dataset at the path used in the page, after the page's shell commands."""
    root = tmp_path_factory.mktemp('reader')
    plan = plan_of(str(tiny_labelled_generator), num_per_class=3, candidates=4, ignore_above=0.004)
    synthesize(plan, root / 'data/fashion_sim')
    for language, code in blocks():
        if language == 'bash':
            for line in code.strip().splitlines():
                python, script, *arguments = shlex.split(line)
                assert python == 'python'
                extra = ['--min-pixels', '1'] if 'coco' in script else []  # the images have 16 px
                run_tool(ROOT / script, *arguments, *extra, cwd=root)
    return StoredDataset(root / 'data/fashion_sim')


def code_with(name: str) -> str:
    (code,) = [code for language, code in blocks() if language == 'python' and name in code]
    return code


def code_without_the_suffix() -> str:
    code, left_out = re.subn(r"img_suffix='.png',\s", 'serialize_data=False, ', code_with('BaseSegDataset'))
    assert left_out == 1
    return code


@pytest.fixture(scope='module')
def read(stored) -> dict[str, subprocess.CompletedProcess]:
    """What the blocks print, by name of the reader, each in a process forked from one new interpreter, into which no mmbdg is imported."""
    codes = {name: code_with(f'import {name}\n') for name in QUESTIONS} | dict(without_suffix=code_without_the_suffix())
    return run_programs({name: program(code) for name, code in codes.items()}, f'{BLOCKED}\n{IMPORTS}', stored.root.parents[1])


def test_every_block_is_run():
    assert sorted(language for language, _ in blocks()) == ['bash'] * 2 + ['python'] * 4
    for name in QUESTIONS:
        assert code_with(f'import {name}\n')


def test_mmseg(stored, read):
    answer = printed(read['BaseSegDataset'])
    lines = {f'data/fashion_sim/images/{line["slug"]}/{line["id"]}.png': line for line in stored.lines}
    assert [item[0] for item in answer] == sorted(lines) and len(answer) == 9
    for path, pixels, values, foreground in answer:
        line = lines[path]
        mask = stored.mask(line)
        assert (pixels, values, foreground) == (stored.image(line).sum(), np.unique(mask).tolist(), (mask == 1).sum())
    assert any(255 in item[2] for item in answer)


def test_mmseg_without_the_suffix_reads_nothing(read):
    """Without ``img_suffix`` mmseg finds no images, so the page must set it."""
    assert printed(read['without_suffix']) == []


def test_mmdet(stored, read):
    pytest.importorskip('mmdet', reason='pip install "mmbdg[det]"')
    answer = printed(read['CocoDataset'])
    assert len(answer) == len(stored.lines)
    for (path, pixels, labels, area), line in zip(answer, stored.lines, strict=True):
        assert path == f'data/fashion_sim/images/{line["slug"]}/{line["id"]}.png'
        assert pixels == stored.image(line).sum() and area == (stored.mask(line) == 1).sum()
        assert set(labels) == ({line['class']} if area else set())


@pytest.mark.parametrize('reader', ['CustomDataset', 'ImageFolder'])
def test_image_folder(reader, stored, read):
    answer = printed(read[reader])
    folders = sorted({line['slug'] for line in stored.lines})
    lines = {(line['slug'], line['id']): line for line in stored.lines}
    assert len(answer) == len(lines)
    for path, pixels, label in answer:
        line = lines[Path(path).parent.name, Path(path).stem]
        assert label == folders.index(line['slug']) and pixels == stored.image(line).sum()
