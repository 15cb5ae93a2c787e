"""YAML and JSON configs contain plain values only."""

import mmengine
import pytest
from mmengine.config import Config


def test_a_tag_does_not_run(tmp_path):
    marker = tmp_path / 'executed'
    (tmp_path / 'c.yaml').write_text(f"a: !!python/object/apply:os.system ['touch {marker}']\n")
    for read in (Config.fromfile, mmengine.load):
        with pytest.raises(Exception, match='could not determine a constructor for the tag'):
            read(str(tmp_path / 'c.yaml'))
    assert not marker.exists()
    (tmp_path / 'c.yaml').write_text('a: [1, {b: text}]\n')
    assert Config.fromfile(str(tmp_path / 'c.yaml')).a == [1, dict(b='text')]
