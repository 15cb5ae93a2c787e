import json

import pytest
import torch

from mmbdg.synthesis.job import Job
from mmbdg.synthesis.stages import Stages
from mmbdg.synthesis.throughput import Throughput, collect


def of_rank(rank: int, tmp_path) -> Throughput:
    seconds, images = dict(generate=2.0, classify=1.0, label=3.0, write=9.0), dict(generate=20, classify=20, label=2, write=2)
    throughput = Throughput(tmp_path, Job(rank, 2, 'a'), 'cpu', 1, Stages(torch.device('cpu'), seconds, images))
    throughput.add(dict(candidates=20, after_rejection=2, after_uncertainty=2, kept=2), 2)
    return throughput


def test_cost_of_a_kept_image_beside_the_naive_order(tmp_path):
    """The reported cost without early rejection: 20 candidates at 1.5 s to label and 1 s to judge all, without writing."""
    record = of_rank(0, tmp_path).record()
    assert record['naive_seconds'] == pytest.approx(20 * 1.5 + 1) and record['computing_seconds'] == pytest.approx(6)
    assert '3 s per kept image, 15.5 s if every candidate' in of_rank(0, tmp_path).text()


def test_the_longest_process_counts(tmp_path):
    for rank, age in ((0, 50.0), (1, 20.0)):
        throughput = of_rank(rank, tmp_path)
        throughput.start -= age
        throughput.cpu_start -= age / 2
        throughput.write()
    collect(tmp_path, Job(1, 2, 'a'), [])
    total = json.loads((tmp_path / 'throughput.json').read_text())
    assert total['seconds'] == pytest.approx(50, abs=5) and total['written'] == 4
    assert total['written_per_second'] == pytest.approx(4 / total['seconds'])
    assert total['cpu_seconds'] == pytest.approx(35, abs=5)  # CPU times are summed
    assert total['cpu_seconds_per_kept'] == pytest.approx(total['cpu_seconds'] / 4)
    assert total['cpu_seconds_per_candidate'] == pytest.approx(total['cpu_seconds'] / 40)
    assert total['naive_seconds_per_kept'] == pytest.approx(15.5) and total['acceptance'] == dict(rejection=0.1, uncertainty=1.0)


def test_the_progress_bar_names_only_filters_that_exist(tmp_path):
    bar = Throughput(tmp_path, Job(0, 1, 'a'), 'cpu', 1, Stages(torch.device('cpu')))
    bar.add(dict(candidates=8, kept=8), 8)
    assert bar.acceptance_text() == '8 candidates'
    bar = Throughput(tmp_path, Job(0, 1, 'a'), 'cpu', 1, Stages(torch.device('cpu')))
    bar.add(dict(candidates=8, after_uncertainty=6, kept=6), 6)
    assert bar.acceptance_text() == '8 candidates, kept by uncertainty 75%'
