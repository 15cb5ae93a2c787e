import os

import pytest
import torch
from mmengine.config import Config

from mmbdg.engine.resuming import apply_resume, newest_checkpoint
from mmbdg.errors import InputError

NAMES = ['iter_{}.pth', 'epoch_{}.pth']


def save(path, written, seed=7):
    torch.save(dict(meta=dict(iter=1, epoch=0, seed=seed), state_dict=dict(a=torch.ones(100)), message_hub={}), path)
    os.utime(path, (written, written))


def cut(path):
    size, time = path.stat().st_size, path.stat().st_mtime
    with path.open('r+b') as file:
        file.truncate(size // 2)
    os.utime(path, (time, time))


def newest(folder):
    path = newest_checkpoint(folder, NAMES, [])
    return path and os.path.basename(path)


@pytest.fixture
def folder(tmp_path):
    """A folder with three checkpoints. ``last_checkpoint`` names the last one."""
    for step in (9, 10, 11):
        save(tmp_path / f'iter_{step}.pth', 1000 + step)
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'iter_11.pth'))
    return tmp_path


def test_the_last_one(folder):
    save(folder / 'best_acc_iter_12.pth', 2000)  # a best checkpoint holds no optimiser
    save(folder / 'iter_11-abcdef12.pth', 2000)  # a published checkpoint
    (folder / 'iter_12.pth.77-ab.part').write_bytes(b'half')
    assert newest(folder) == 'iter_11.pth'


def test_one_that_is_cut_off_is_skipped_and_named(folder, monkeypatch):
    said = []
    monkeypatch.setattr('mmbdg.engine.resuming.print_log', lambda message, *_, **__: said.append(message))
    cut(folder / 'iter_11.pth')
    assert newest(folder) == 'iter_10.pth'
    assert f'skips {folder}/iter_11.pth' in said.pop()
    torch.save(dict(state_dict={}), folder / 'iter_10.pth')  # weights only
    assert newest(folder) == 'iter_9.pth'
    assert 'it has no meta, no message_hub' in said.pop()


def test_killed_before_it_was_noted(folder):
    save(folder / 'iter_12.pth', 1500)
    assert newest(folder) == 'iter_12.pth'
    cut(folder / 'iter_12.pth')
    assert newest(folder) == 'iter_11.pth'


def test_an_earlier_training_in_the_same_folder_is_left_alone(folder):
    save(folder / 'iter_500.pth', 10)
    assert newest(folder) == 'iter_11.pth'
    for step in (9, 10, 11):
        cut(folder / f'iter_{step}.pth')
    with pytest.raises(InputError, match='none of the checkpoints'):
        newest(folder)


def test_copied_and_moved_work_dirs(folder, tmp_path):
    """Modification times of copies and a ``last_checkpoint`` with the old path do not change which checkpoint is newest."""
    copy = tmp_path / 'copy'
    copy.mkdir()
    for step in (11, 10, 9):
        save(copy / f'iter_{step}.pth', 2000 - step)
    (copy / 'last_checkpoint').write_text(str(tmp_path / 'iter_11.pth'))
    assert newest_checkpoint(copy, NAMES, []) == str(copy / 'iter_11.pth')
    (copy / 'last_checkpoint').write_text('/not/there/iter_11.pth')
    assert newest_checkpoint(copy, NAMES, []) == str(copy / 'iter_11.pth')


def test_without_a_note(folder):
    (folder / 'last_checkpoint').unlink()
    assert newest(folder) == 'iter_11.pth'
    save(folder / 'iter_3.pth', 5000)  # a new training began in the folder
    assert newest(folder) == 'iter_3.pth'


def test_nothing_and_nothing_readable(folder, tmp_path):
    assert newest(tmp_path / 'new') is None
    (tmp_path / 'other').mkdir()
    assert newest(tmp_path / 'other') is None
    for path in folder.glob('*.pth'):
        cut(path)
    with pytest.raises(InputError, match=r'none of the checkpoints of .*iter_11.pth, .*iter_10.pth, .*iter_9.pth\)\. Restore one'):
        newest(folder)
    for path in folder.glob('*.pth'):
        path.unlink()
    with pytest.raises(InputError, match=r'iter_11.pth, named in last_checkpoint, does not exist'):
        newest(folder)


def config(folder, **more):
    return Config(dict(work_dir=str(folder), load_from='weights.pth', resume=False, requires=dict(load_from='download it')) | more)


def test_resume_replaces_load_from(folder, tmp_path):
    cfg = config(folder)
    apply_resume(cfg, 'auto')
    assert cfg.resume and cfg.load_from == str(folder / 'iter_11.pth') and not cfg.requires
    cfg = config(folder)
    apply_resume(cfg, str(folder / 'iter_9.pth'))
    assert cfg.resume and cfg.load_from == str(folder / 'iter_9.pth')
    cfg = config(tmp_path / 'new')  # there is no checkpoint: the same as without --resume
    apply_resume(cfg, 'auto')
    assert not cfg.resume and cfg.load_from == 'weights.pth' and cfg.requires
    cfg = config(folder)
    apply_resume(cfg, None)
    assert not cfg.resume and cfg.load_from == 'weights.pth'
    cfg = Config(dict(work_dir=str(folder), load_from=None, resume=True))  # a config with resume=True
    apply_resume(cfg, None)
    assert cfg.load_from == str(folder / 'iter_11.pth')


def test_the_seed_that_was_drawn_is_kept(folder):
    for given, expected in ((None, 7), (3, 3)):
        cfg = config(folder, randomness=dict(seed=given, deterministic=True))
        apply_resume(cfg, 'auto')
        assert cfg.randomness == dict(seed=expected, deterministic=True)
    for own in (dict(), dict(resume=True, load_from=str(folder / 'iter_9.pth'))):  # mmengine's own resume keeps the seed too
        cfg = config(folder, **own)
        apply_resume(cfg, None if own else 'auto')
        assert cfg.randomness == dict(seed=7)


def test_other_places_of_checkpoints(folder, tmp_path):
    name = folder.name
    (tmp_path / 'disk' / name).mkdir(parents=True)
    save(tmp_path / 'disk' / name / 'step5.pth', 9000)
    (folder / 'last_checkpoint').unlink()
    hook = dict(type='CheckpointHook', out_dir=str(tmp_path / 'disk'), filename_tmpl='step{}.pth')
    cfg = config(folder, default_hooks=dict(checkpoint=hook))
    apply_resume(cfg, 'auto')
    assert cfg.load_from == str(tmp_path / 'disk' / name / 'step5.pth')
