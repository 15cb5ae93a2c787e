import random

import numpy as np
import pytest
import torch
from drawn_shapes import disc, rectangle
from image_sets import CLASSES, Drawn, drawn

from mmbdg.analysis.statistics import mask_statistics as module
from mmbdg.analysis.statistics.mask_outline import mask_outline, resample, unit_box
from mmbdg.analysis.statistics.mask_statistics import COLUMNS, mask_statistics, measure_mask, shape_diversity, summary
from mmbdg.analysis.statistics.mean_shapes import crop_to_box
from mmbdg.analysis.statistics.ordered_map import ordered_map
from mmbdg.errors import InputError


def test_a_square_and_two_discs():
    row, outline, crop = measure_mask(rectangle(0, 0, 32, 32).astype(np.uint8))
    assert row == dict(IN=1, MI=0.25, BI=0.25, MB=1, PL=4, SC=4)
    assert outline.shape == (128, 2) and (crop == 255).all()
    two = (disc(8, 48, 6) | disc(32, 16, 14)).astype(np.uint8)
    row, outline, crop = measure_mask(two)
    assert row['IN'] == 2 and row['MI'] == two.mean() and row['PL'] == pytest.approx(np.pi, rel=0.02)
    large = unit_box(mask_outline(disc(32, 16, 14)))  # PL, SC and the outline use the larger component only
    assert np.array_equal(outline, resample(large, 128)) and np.array_equal(crop, crop_to_box(two > 0, 32))


@pytest.mark.parametrize(
    'mask', [np.zeros((8, 8), np.uint8), np.full((8, 8), 255, np.uint8), np.full((8, 8), 65535, np.uint16)], ids=['empty', '255', '65535']
)
def test_no_foreground(mask):
    row, outline, crop = measure_mask(mask, ignore=65535 if mask.dtype == np.uint16 else 255)
    assert [row[name] for name in ('IN', 'MI', 'BI')] == [0, 0, 0] and np.isnan([row[name] for name in ('MB', 'PL', 'SC')]).all()
    assert outline is None and not crop.any()


def test_many_labels_are_one_foreground():
    mask = np.zeros((64, 64), np.uint16)
    mask[:20, :20], mask[20:40, :20], mask[60:] = 300, 255, 65535
    row, _, _ = measure_mask(mask, ignore=65535)
    assert row == dict(IN=1, MI=800 / 4096, BI=800 / 4096, MB=1, PL=4, SC=4)


def test_statistics_of_a_set_by_hand():
    samples = drawn()
    samples[4] = (samples[4][0], np.zeros((48, 64), np.uint8), 0)
    statistics = mask_statistics(Drawn(samples), progress=False)
    rows = [measure_mask(mask)[0] for _, mask, _ in samples]
    for name in COLUMNS:
        np.testing.assert_array_equal(statistics.columns[name], np.float32([row[name] for row in rows]))
    assert statistics.class_ids.tolist() == [0] * 6 + [1] * 6 + [2] * 6
    assert np.isnan(statistics.outlines[4]).all() and np.isnan(statistics.columns['uncertainty'][0])
    assert statistics.has_foreground.tolist() == [i != 4 for i in range(18)]
    found = summary(statistics, progress=False)
    assert list(found['classes']) == list(CLASSES)
    first = found['classes']['round']
    assert (first['n'], first['without_foreground']) == (6, 1)
    assert first['MI'] == pytest.approx(np.mean([row['MI'] for row in rows[:6]]))  # an empty mask has a coverage of 0
    assert first['PL'] == pytest.approx(np.mean([row['PL'] for i, row in enumerate(rows[:6]) if i != 4]))  # and no length
    assert first['uncertainty'] == pytest.approx(0.03)
    assert found['all']['n'] == 18 and found['all']['IN'] == pytest.approx(np.mean([row['IN'] for row in rows]))
    assert found['all']['SD'] == pytest.approx(np.mean([row['SD'] for row in found['classes'].values()]))


def test_diversity_of_classes_by_hand():
    statistics = mask_statistics(Drawn(drawn(3)), progress=False)
    found = shape_diversity(statistics, progress=False)
    for c, name in enumerate(CLASSES):
        outlines = [measure_mask(mask)[1] for _, mask, class_id in drawn(3) if class_id == c]
        distances = []
        for i in range(3):
            for j in range(i):
                squared = ((outlines[i][:, None] - outlines[j][None]) ** 2).sum(axis=2)
                distances.append(squared.min(axis=0).sum() + squared.min(axis=1).sum())
        assert found[name] == pytest.approx(np.mean(distances), rel=1e-4)
    assert found['rough'] > found['round']


def test_images_without_classes_are_one_group():
    statistics = mask_statistics(Drawn(drawn(2), classes=()), progress=False)
    found = summary(statistics, progress=False)
    assert found['classes'] == {} and found['all']['n'] == 6 and found['all']['SD'] > 0


def test_single_images_have_no_diversity():
    found = summary(mask_statistics(Drawn(drawn(1)), progress=False), progress=False)
    assert found['all']['SD'] is None and all(row['SD'] is None for row in found['classes'].values())


def test_number_of_processes_changes_nothing():
    images = Drawn(drawn(20))
    one, three = mask_statistics(images, 1, progress=False), mask_statistics(images, 3, progress=False)
    for name, column in one.columns.items():
        np.testing.assert_array_equal(column, three.columns[name])
    np.testing.assert_array_equal(one.outlines, three.outlines)
    np.testing.assert_array_equal(one.crops, three.crops)
    assert summary(one, processes=1, progress=False) == summary(three, processes=3, progress=False)


def refuse_seven(i):
    if i == 7:
        raise InputError('number 7 is cut off')
    return i


@pytest.mark.parametrize('processes', [1, 2])
def test_bad_input_stays_plain(processes):
    with pytest.raises(InputError, match='^number 7 is cut off$'):
        list(ordered_map(refuse_seven, 20, processes))
    assert list(ordered_map(refuse_seven, 7, processes)) == list(range(7))
    with pytest.raises(InputError, match='at least 1'):
        list(ordered_map(refuse_seven, 7, 0))


def test_nobody_elses_random_numbers_are_used():
    torch.manual_seed(3), random.seed(3), np.random.seed(3)
    expected = torch.initial_seed(), torch.rand(1), random.random(), np.random.rand()
    torch.manual_seed(3), random.seed(3), np.random.seed(3)
    summary(mask_statistics(Drawn(drawn(2)), 2, progress=False), processes=2, progress=False)
    assert (torch.initial_seed(), torch.rand(1), random.random(), np.random.rand()) == expected


def test_wrong_sets():
    with pytest.raises(InputError, match='drawn contains no images'):
        mask_statistics(Drawn([]), progress=False)
    coloured = [(image, image, class_id) for image, _, class_id in drawn(1)]
    with pytest.raises(InputError, match=r'mask of 0 in drawn is uint8 \(48, 64, 3\)'):
        mask_statistics(Drawn(coloured), progress=False)


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'shapely', None)
    with pytest.raises(InputError, match='pip install shapely'):
        module.measure_mask(drawn(1)[0][1])


def test_memory_of_a_sample_is_what_is_said():
    statistics = mask_statistics(Drawn(drawn(1)), progress=False)
    arrays = [statistics.class_ids, statistics.outlines, statistics.crops, *statistics.columns.values()]
    assert sum(array.nbytes for array in arrays) / len(statistics) <= 2.1 * 1000
