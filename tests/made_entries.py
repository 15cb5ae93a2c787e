"""Entries of the leaderboard with figures made up for tests."""

import hashlib
import json
from pathlib import Path
from statistics import mean

from mmbdg.leaderboard import DOMAINS
from mmbdg.leaderboard.entry import FORMAT

CONFIG = 'configs/benchmark/fashion/fpn_r18_biggan-off.py'


def digest(*text: object) -> str:
    """A checksum."""
    return hashlib.sha256(repr(text).encode()).hexdigest()


def figures(name: str, values: list[float], domain: str, run: str, **changed: object) -> dict:
    """Figures of a task."""
    task = DOMAINS[domain].by_name[name]
    images, checksum = task.test_set or (100, digest(domain, name))
    content = dict(
        config=CONFIG,
        labels=len(task.labels),
        mIoU=values,
        mean=mean(values),
        checkpoints=[digest(run, name, seed) for seed in range(len(values))],
        test_set=dict(images=images, sha256=checksum),
    )
    return content | changed


def content(method: str = 'a method', tasks: dict[str, list[float]] | None = None, domain: str = 'fashion', **changed: object) -> dict:
    """JSON content of an entry with three seeds."""
    tasks = tasks or dict(fgbg=[90.0, 91.0, 92.0])
    made = dict(
        format=FORMAT,
        domain=domain,
        method=method,
        pretraining='random',
        backbone='ResNet-18',
        data=dict(training=['annotated'], pretraining=[], synthetic=0, images=0, labels=0, masks=50),
        seeds=list(range(len(next(iter(tasks.values()))))),
        tasks={name: figures(name, values, domain, method) for name, values in tasks.items()},
        date='2026-11-01',
        version='0.8.0',
    )
    return made | changed


def written(folder: Path, *entries: dict) -> Path:
    """Write entries to a folder as 0.json, 1.json, ..."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, entry in enumerate(entries):
        (folder / f'{number}.json').write_text(json.dumps(entry))
    return folder


def result(task: str = 'fgbg', seed: int | None = 0, figure: float = 90.0, domain: str = 'fashion', **changed: object) -> dict:
    """Content of a file of tools/test.py."""
    known = DOMAINS[domain].by_name[task]
    images, checksum = known.test_set or (100, digest('set', task))
    made = dict(
        config=CONFIG,
        checkpoint='x.pth',
        checkpoint_sha256=digest(task, seed),
        seed=seed,
        version='0.8.0',
        test_set=dict(images=images, labels=list(known.labels), sha256=checksum),
        metrics=dict(aAcc=99.0, mIoU=figure, mAcc=95.0),
    )
    return made | changed


HOSTILE = dict(
    leads_out=dict(docs='../../outside/x.md'),
    absolute=dict(docs='/etc/hostname'),
    script=dict(docs='javascript:alert(1)'),
    many_seeds=dict(seeds=list(range(10**5))),
    large_seed=dict(seeds=[10**400, 1, 2]),
    large_figure=dict(tasks=dict(fgbg=figures('fgbg', [90.0, 91.0, 92.0], 'fashion', 'x', mean=10**400))),
    deep=dict(data=json.loads('{"a":' * 500 + '1' + '}' * 500)),
    many_tasks=dict(tasks={f'x{i}': {} for i in range(2000)}),
    long_text=dict(method='<b>' * 10**5),
    controls=dict(method='a\x1b[2J\x00b'),
)
"""Changes that make an entry hostile."""
