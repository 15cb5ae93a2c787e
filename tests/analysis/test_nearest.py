import numpy as np
import pytest

from mmbdg.analysis.distances import nearest as module
from mmbdg.analysis.distances.nearest import nearest, nearest_other


@pytest.fixture(params=[(1024, 4096), (7, 5)], ids=['one block', 'many blocks'])
def _blocks(request, monkeypatch):
    monkeypatch.setattr(module, 'QUERIES', request.param[0])
    monkeypatch.setattr(module, 'CANDIDATES', request.param[1])


def by_hand(a, b):
    return np.sqrt(((a[:, None] - b) ** 2).sum(2))


@pytest.mark.usefixtures('_blocks')
def test_nearest_by_hand():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((23, 6)).astype(np.float32), rng.standard_normal((31, 6)).astype(np.float32)
    b[20] = a[4]
    b[25] = b[20]
    expected = by_hand(a.astype(float), b.astype(float))
    found = nearest(a, b)
    assert found.index.tolist() == expected.argmin(1).tolist()
    assert found.index[4] == 20, 'of equally near ones the first'
    assert found.distance == pytest.approx(expected.min(1), abs=1e-6)


@pytest.mark.usefixtures('_blocks')
def test_nearest_other_by_hand():
    a = np.random.default_rng(1).standard_normal((23, 6))
    expected = by_hand(a, a) + np.diag([np.inf] * 23)
    found = nearest_other(a)
    assert found.index.tolist() == expected.argmin(1).tolist()
    assert found.distance == pytest.approx(expected.min(1), abs=1e-6)
