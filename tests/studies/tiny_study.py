"""A study of fast tools: one adds numbers, the other averages the results of others."""

import json
from pathlib import Path

from mmbdg.studies import StudyRunner, code_version, read_study, recipe

ADD = """
import json, os, sys, time
from pathlib import Path
config, out, *more = sys.argv[1:]
options = dict(option.split('=') for option in more[more.index('--cfg-options') + 1:])
out = Path(out)
out.mkdir(parents=True, exist_ok=True)
with open(Path(__file__).with_name('notes.txt'), 'a') as file:
    file.write(json.dumps(dict(tool='add', resumed='--resume' in more, options=options)) + '\\n')
time.sleep(float(options.pop('randomness.sleep', 0)))
if options.get('val_interval') == '13':
    os.write(1, b'error: thirteen is refused' + bytes([10]))
    sys.exit(2)
total = sum(float(value) for value in options.values())
(out / 'last.txt').write_text('sum.txt')
(out / 'sum.txt').write_text(str(total))
"""
READ = """
import json, sys
from pathlib import Path
source, out = sys.argv[1:]
with open(Path(__file__).with_name('notes.txt'), 'a') as file:
    file.write(json.dumps(dict(tool='read')) + '\\n')
Path(out).parent.mkdir(parents=True, exist_ok=True)
Path(out).write_text(json.dumps(dict(metrics={'score': float(Path(source).read_text()), 'nothing': None})))
"""
CONFIG = """
iterations = 1
train_cfg = dict(max_iters=iterations, val_interval=1)
randomness = dict(seed=0)
"""
STUDY = dict(
    rows=[
        dict(
            name=name,
            steps=[
                dict(
                    name='add',
                    tool='add.py',
                    arguments=['{config}', '{out}'],
                    config='CONFIG',
                    options={'randomness.seed': '{seed}', 'train_cfg.val_interval': number},
                    outputs=dict(sum='@last.txt'),
                    resume=['--resume'],
                ),
                dict(name='read', tool='read.py', arguments=['{add.sum}', '{out}/figures.json']),
            ],
        )
        for name, number in (('small', 1), ('large', 10))
    ],
    columns=[dict(name=str(n), options=dict(iterations=n), value=float(n)) for n in (100, 200)],
    varied='add',
    figures=[dict(name='score', read='figures.json:metrics.score', unit='points')],
)


class TinyStudy:
    """The study, its tools and its folder. The tools write what they did to ``notes``."""

    def __init__(self, root: Path) -> None:
        self.root, self.tools, self.out, self.lines = root, root / 'tools', root / 'out', []
        self.tools.mkdir()
        (self.tools / 'add.py').write_text(ADD)
        (self.tools / 'read.py').write_text(READ)
        (root / 'config.py').write_text(CONFIG)
        self.content = json.loads(json.dumps(STUDY).replace('"CONFIG"', json.dumps(str(root / 'config.py'))))

    @property
    def config(self) -> Path:
        return self.root / 'tiny.py'

    def read(self):
        text = repr(self.content)
        self.config.write_text(f'study = {text}\n')
        return read_study(self.config, self.tools)

    def runner(self):
        self.lines = []
        for cached in (code_version.checksum, code_version._imports, code_version._tree, recipe._plain):
            cached.cache_clear()  # as in a new process
        return StudyRunner(self.read(), str(self.config), self.out, self.tools, say=self.lines.append)

    def cells(self, runner, rows=('small', 'large'), columns=('100', '200'), seeds=(0, 1, 2)):
        return runner.cells(list(rows), list(columns), list(seeds))

    def run(self, jobs=1, **part):
        """Run a part of the study. Returns what the tools did, and the runner."""
        runner = self.runner()
        wanted, everything = self.cells(runner, **part), self.cells(runner)
        runner.keep_valid([cell for cell in everything if cell not in wanted])
        runner.run(wanted, jobs)
        return self.notes(), runner

    def notes(self):
        path = self.tools / 'notes.txt'
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        path.unlink(missing_ok=True)
        return lines
