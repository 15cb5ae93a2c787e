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
    content = dict(
        config=CONFIG,
        labels=len(DOMAINS[domain].by_name[name].labels),
        mIoU=values,
        mean=mean(values),
        checkpoints=[digest(run, name, seed) for seed in range(len(values))],
        test_set=dict(images=100, sha256=digest(domain, name)),
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
