"""What the tests of the explorer share: views of tiny things, and clients of their pages."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmbdg.explorer import AnnotationFolder, GeneratorView, Reference, View
from mmbdg.files import sha256
from mmbdg.sources import LabelledGenerator

pytest.importorskip('starlette', reason='pip install "mmbdg[explore]"')
from starlette.testclient import TestClient

from mmbdg.explorer.app import Explorer, application

PORT, TOKEN = 8765, 'a-token'
ADDRESS = f'http://127.0.0.1:{PORT}'


def generator_view(folder: Path, per_page: int = 12, classifier: dict | None = None) -> GeneratorView:
    return GeneratorView(LabelledGenerator.load(folder), 'tiny', per_page, classifier, sha256(folder / 'generator.safetensors'))


def page(view: View, out: Path, reference: Reference | None = None, token: str = TOKEN) -> TestClient:
    """Client of a page whose requests are those of the page itself."""
    explorer = Explorer(view, AnnotationFolder(out, 'tiny16', view), reference)
    return TestClient(application(explorer, PORT, TOKEN), ADDRESS, headers={'x-explorer-token': token, 'origin': ADDRESS})


def picture(client: TestClient, **values: object) -> np.ndarray:
    answer = client.get('/picture', params=values)
    assert answer.status_code == 200 and answer.headers['content-type'] == 'image/png', answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)))
