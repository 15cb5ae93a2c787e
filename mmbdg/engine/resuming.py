"""Selection of the checkpoint that ``--resume`` continues from."""

import re
from logging import WARNING
from pathlib import Path

from mmengine.config import Config
from mmengine.logging import print_log

from mmbdg.compat.checkpoint import read_checkpoint
from mmbdg.errors import InputError
from mmbdg.reading import read_text

NEEDED = ('meta', 'state_dict', 'message_hub')  # mmengine needs these keys to resume


def apply_resume(cfg: Config, resume: str | None) -> None:
    """Set ``cfg`` to resume from a checkpoint.

    The config's own ``load_from`` is replaced and its entry in ``requires`` is removed, because mmengine would resume from it. If there is
    no checkpoint, the training starts from the beginning, so that a re-queued job can always use the same command.

    A training without a fixed seed reuses the seed in the checkpoint, because samplers are built before mmengine reads the checkpoint.

    Args:
        cfg: Config of the training; changed in place.
        resume: Path of the checkpoint; 'auto': the newest complete one in the work dir; None: the settings of the config.

    Raises:
        InputError: There are checkpoints, but none can be read.
    """
    if resume == 'auto' or (resume is None and cfg.get('resume') and not cfg.get('load_from')):
        resume = newest_checkpoint(cfg.work_dir, *_places(cfg))
    if resume:
        cfg.resume, cfg.load_from = True, str(resume)
    if cfg.get('resume') and 'load_from' in cfg.get('requires', {}):
        del cfg.requires['load_from']  # needed only at the first start of the training
    source = cfg.get('load_from') if cfg.get('resume') else None
    if source and '://' not in str(source) and (cfg.get('randomness') or {}).get('seed') is None:
        seed = read_checkpoint(source).get('meta', {}).get('seed')
        cfg.randomness = dict(cfg.get('randomness') or {}, seed=seed)


def _places(cfg: Config) -> tuple[list[str], list[Path]]:
    """File name templates of checkpoints, and folders besides the work dir to look in."""
    hook = cfg.get('default_hooks', {}).get('checkpoint') or {}
    names = [hook.get('filename_tmpl'), 'iter_{}.pth', 'epoch_{}.pth']
    out_dir = hook.get('out_dir')
    return [name for name in names if name], [Path(out_dir) / Path(cfg.work_dir).name] if out_dir and '://' not in out_dir else []


def newest_checkpoint(work_dir: str, names: list[str], more_folders: list[Path]) -> str | None:
    """Find the newest readable checkpoint.

    Candidates are the one named in ``last_checkpoint``, those with more steps written after it (the training was killed before it updated
    ``last_checkpoint``), and those with fewer steps. Older files with more steps belong to an earlier training and are ignored.

    Args:
        work_dir: Work dir of the training.
        names: File name templates, e.g. ``iter_{}.pth``.
        more_folders: Folders to search besides the work dir.

    Returns:
        Path of the checkpoint; None if there is none and ``last_checkpoint`` does not exist.

    Raises:
        InputError: There are checkpoints, or ``last_checkpoint`` names one, but none can be read.
    """
    note = Path(work_dir) / 'last_checkpoint'
    noted = read_text(note).strip() if note.is_file() else ''
    if '://' in noted:
        return noted
    folders = dict.fromkeys([Path(work_dir), *more_folders, *([Path(noted).parent] if noted else [])])
    found = {path: _step(path.name, names) for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())}
    found = {path: step for path, step in found.items() if step is not None and path.is_file()}
    # In a copied or moved work dir the checkpoint still has the same file name.
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
        listed = ', '.join(map(str, order)) or f'{noted}, named in last_checkpoint, does not exist'
        raise InputError(
            f'--resume: none of the checkpoints of {work_dir} can be read ({listed}). Restore one and pass its path to --resume, or '
            'start from the beginning: without --resume, in another --work-dir'
        )
    return None


def _step(name: str, names: list[str]) -> int | None:
    """Number of steps in a checkpoint's file name, e.g. 6 for iter_6.pth; None if the name matches no template."""
    for template in names:
        if match := re.fullmatch(re.escape(template).replace(r'\{\}', r'(\d+)'), name):
            return int(match[1])
    return None


def _problem(path: Path) -> str:
    try:
        missing = [key for key in NEEDED if key not in read_checkpoint(path)]
    except InputError as error:
        return str(error)
    return f'it has no {", no ".join(missing)}' if missing else ''
