"""mmpretrain beside transformers 5."""

import subprocess
import sys

import pytest
from conftest import ROOT

from mmbdg.compat.mmpretrain_multimodal import transformers_too_new

CODE = "import mmpretrain.models as m; from mmpretrain.registry import MODELS; print(MODELS.get('ImageClassifier').__name__)"


@pytest.mark.skipif(not transformers_too_new(), reason='this is about transformers 5')
def test_mmpretrain_is_imported_beside_transformers_5():
    result = subprocess.run([sys.executable, '-c', f'import mmbdg; {CODE}'], capture_output=True, text=True, cwd=ROOT)
    assert result.stdout.split()[-1:] == ['ImageClassifier'], result.stderr
