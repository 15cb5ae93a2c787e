"""What ``--resume`` means: which checkpoint a training goes on from."""

import re
from logging import WARNING
from pathlib import Path

from mmengine.config import Config
from mmengine.logging import print_log

from mmbdg.compat.checkpoint import read_checkpoint
from mmbdg.errors import InputError
from mmbdg.reading import read_text

NEEDED = ('meta', 'state_dict', 'message_hub')  # without them mmengine cannot resume


def apply_resume(cfg: Config, resume: str | None) -> None:
    """Set ``cfg`` to go on from a checkpoint: one that is named, or for 'auto' the newest whole one of the work dir.

    A config's ``load_from`` must go then, and so must its entry of ``requires``: mmengine would resume from it. Without any checkpoint
    the training starts as it would without ``--resume``, the usual command of a re-queued job.

    A training without a fixed seed goes on with the one it drew: the samplers are built before mmengine has read the checkpoint.

    Raises:
        InputError: There are checkpoints, and none can be read.
    """
    if resume == 'auto' or (resume is None and cfg.get('resume') and not cfg.get('load_from')):
        resume = newest_checkpoint(cfg.work_dir, *_places(cfg))
    if resume:
        cfg.resume, cfg.load_from = True, str(resume)
    if cfg.get('resume') and 'load_from' in cfg.get('requires', {}):
        del cfg.requires['load_from']  # what the training once started from
    source = cfg.get('load_from') if cfg.get('resume') else None
    if source and '://' not in str(source) and (cfg.get('randomness') or {}).get('seed') is None:
        seed = read_checkpoint(source).get('meta', {}).get('seed')
        cfg.randomness = dict(cfg.get('randomness') or {}, seed=seed)


def _places(cfg: Config) -> tuple[list[str], list[Path]]:
    """How checkpoints may be called, and where besides the work dir they may be."""
    hook = cfg.get('default_hooks', {}).get('checkpoint') or {}
    names = [hook.get('filename_tmpl'), 'iter_{}.pth', 'epoch_{}.pth']
    out_dir = hook.get('out_dir')
    return [name for name in names if name], [Path(out_dir) / Path(cfg.work_dir).name] if out_dir and '://' not in out_dir else []


def newest_checkpoint(work_dir: str, names: list[str], more_folders: list[Path]) -> str | None:
    """The newest checkpoint that can be read.

    The one that ``last_checkpoint`` names, or one with more steps that was written after it (the training was killed before it could note
    it), or else the next one below. Those with more steps that are older are of an earlier training in the same folder, and left alone.

    Args:
        work_dir: Of the training.
        names: ``iter_{}.pth``, ...
        more_folders: To look in besides the work dir.

    Returns:
        Its path; None if there is no sign of any.

    Raises:
        InputError: There are some, or were, and none can be read.
    """
    note = Path(work_dir) / 'last_checkpoint'
    noted = read_text(note).strip() if note.is_file() else ''
    if '://' in noted:
        return noted
    folders = dict.fromkeys([Path(work_dir), *more_folders, *([Path(noted).parent] if noted else [])])
    found = {path: _step(path.name, names) for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())}
    found = {path: step for path, step in found.items() if step is not None and path.is_file()}
    # A work dir that was copied or moved has it under the same name.
    last = next((path for path in (Path(work_dir) / Path(noted).name, Path(noted)) if path in found), None) if noted else None
    if last:
        since, steps = last.stat().st_mtime_ns, found[last]
        found = {p: s for p, s in found.items() if p == last or s < steps or (s > steps and p.stat().st_mtime_ns > since)}
        order = sorted(found, key=found.get, reverse=True)
    else:
        order = sorted(found, key=lambda path: (path.stat().st_mtime_ns, found[path]), reverse=True)
    for path in order:
        if not (problem := _problem(path)):
            return str(path)
        print_log(f'--resume skips {path}: {problem}', 'current', level=WARNING)
    if order or noted:
        listed = ', '.join(map(str, order)) or f'{noted}, which last_checkpoint names, is not there'
        raise InputError(
            f'--resume: none of the checkpoints of {work_dir} can be read ({listed}). Bring one back and resume from it by its name, or '
            'start from the beginning: without --resume, in another --work-dir'
        )
    return None


def _step(name: str, names: list[str]) -> int | None:
    """6 for iter_6.pth; None for another file."""
    for template in names:
        if match := re.fullmatch(re.escape(template).replace(r'\{\}', r'(\d+)'), name):
            return int(match[1])
    return None


def _problem(path: Path) -> str:
    try:
        missing = [key for key in NEEDED if key not in read_checkpoint(path)]
    except InputError as error:
        return str(error)
    return f'it holds no {", no ".join(missing)}' if missing else ''
