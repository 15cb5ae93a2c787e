"""Visualisation hooks in two processes with tools/train.py."""

import json
import sys

from conftest import ROOT, run_processes
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

sys.path.append(str(ROOT / 'tests' / 'engine'))
from test_seeing import config


def test_the_first_process_looks_alone(tmp_path):
    """Only the first process runs the hooks. They make no collective call, for which the first process would wait for ever."""
    cfg = config(tmp_path, iterations=2)
    cfg.merge_from_dict(dict(train_dataloader=dict(batch_size=2), custom_hooks=[dict(hook, interval=1) for hook in cfg.custom_hooks]))
    cfg.dump(tmp_path / 'config.py')
    command = ('tools/train.py', tmp_path / 'config.py', '--work-dir', tmp_path / 'out', '--launcher', 'pytorch', '--tensorboard')
    run_processes(2, *command)
    (events,) = (tmp_path / 'out').rglob('events.out.tfevents.*')
    written = EventAccumulator(str(events)).Reload()
    assert [event.step for event in written.Scalars('embedding/neck_uniformity')] == [0, 1, 2]
    assert set(written.Tags()['images']) == {'predictions', 'predictions_synthetic', 'correspondence'}
    history = json.loads((tmp_path / 'out' / 'embedding.json').read_text())['history']
    assert [entry['step'] for entry in history] == [0, 1, 2]
    assert len(list((tmp_path / 'out').rglob('correspondence_*.png'))) == 3
