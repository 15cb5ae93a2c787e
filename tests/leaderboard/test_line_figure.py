"""Points of the figures over size and depth, by hand, and what is refused."""

import json

import made_entries
import pytest

from mmbdg.confidence import half_width
from mmbdg.errors import InputError
from mmbdg.leaderboard.line_figure import lines_of


def written(folder, images, seed, figure):
    parts = [dict(dataset='SyntheticSegDataset', synthetic=True, images=images)]
    content = made_entries.result(seed=seed, figure=figure, training_set=parts, backbone=dict(type='ResNet', depth=18))
    content['checkpoint_sha256'] = made_entries.digest(images, seed)
    path = folder / f'{images}_{seed}.json'
    path.write_text(json.dumps(content))
    return path


def test_size(tmp_path):
    files = [written(tmp_path, images, seed, images / 10 + seed) for images in (100, 200) for seed in (0, 2)]
    (line,) = lines_of('size', files)
    assert line['name'] == 'ResNet-18' and [(point['x'], point['mean']) for point in line['points']] == [(100, 11.0), (200, 21.0)]
    assert half_width([10.0, 12.0]) == pytest.approx(12.7062, abs=1e-4)  # t(0.975; 1) = 12.7062, standard error 1
    for some, message in ((files[:3], 'no result of seed 2'), ([*files, files[0]], 'same checkpoint'), (files[:2], 'nothing to plot')):
        with pytest.raises(InputError, match=message):
            lines_of('size', some)
