"""Requests of other pages, hosts and programs are refused before the explorer sees them; the page loads nothing from elsewhere."""

import re
import sys

import pytest
from explored import ADDRESS, PORT, TOKEN, generator_view, page
from page import Page

from mmbdg.errors import InputError
from mmbdg.explorer import AnnotationFolder
from mmbdg.explorer.app import Explorer
from mmbdg.explorer.server import alone, bound, serve

WRITING = {'x-explorer-token': TOKEN, 'origin': ADDRESS}


@pytest.fixture(scope='module')
def client(tiny_labelled_generator, tmp_path_factory):
    return page(generator_view(tiny_labelled_generator), tmp_path_factory.mktemp('guard') / 'out')


@pytest.mark.parametrize(
    ('headers', 'status'),
    [
        ({}, 200),
        ({'host': f'localhost:{PORT}', 'origin': f'http://localhost:{PORT}'}, 200),
        ({'sec-fetch-site': 'same-origin'}, 200),
        ({'host': 'evil.example'}, 421),  # a name that resolves to 127.0.0.1
        ({'host': f'evil.example:{PORT}'}, 421),
        ({'host': f'127.0.0.1.evil.example:{PORT}'}, 421),
        ({'host': '127.0.0.1:1'}, 421),
        ({'host': '127.0.0.1'}, 421),
        ({'host': f'[::1]:{PORT}'}, 421),
        ({'host': ''}, 421),
        ({'origin': 'http://evil.example'}, 403),
        ({'origin': 'null'}, 403),
        ({'origin': 'http://127.0.0.1:1'}, 403),
        ({'origin': f'https://127.0.0.1:{PORT}'}, 403),
        ({'origin': f'http://localhost:{PORT}'}, 403),  # of another origin than the host
        ({'sec-fetch-site': 'cross-site'}, 403),
        ({'sec-fetch-site': 'same-site'}, 403),  # another port of this machine
    ],
)
def test_hosts_and_origins(headers, status, client):
    answers = [client.get('/', headers=headers), client.get('/state', headers=headers)]
    assert [answer.status_code for answer in answers] == [status] * 2
    written = client.post('/write_samples', params={'class': 0, 'seed': 0}, headers=WRITING | headers, json=dict(indices=[]))
    assert written.status_code == (400 if status == 200 else status), 'an accepted one reaches the explorer, which refuses the empty list'


@pytest.mark.parametrize('token', [None, '', 'a-toke', 'a-token ', 'A-TOKEN', 'ä'])
def test_tokens(token, client):
    headers = {} if token is None else {'x-explorer-token': token.encode('latin-1')}
    client.headers.pop('x-explorer-token', None)
    for path in ('/save', '/select', '/write_samples'):
        answer = client.post(path, headers=headers, content=b'{}')
        assert answer.status_code == 403 and 'open that address' in answer.json()['error'], path


def test_a_token_twice_is_none(client):
    headers = [('x-explorer-token', TOKEN), ('x-explorer-token', 'x'), ('origin', ADDRESS)]
    client.headers.pop('x-explorer-token', None)
    assert client.post('/save', headers=headers, content=b'').status_code == 403


def test_bodies_are_bounded(client):
    """Also without a length, and with a wrong one."""
    large = b'x' * (2**21 + 1)
    assert client.post('/save', headers=WRITING, content=large).status_code == 413
    parts = (large[:100_000] for _ in range(22))
    assert client.post('/save', headers=WRITING, content=parts).status_code == 413
    assert client.post('/save', headers=WRITING | {'content-length': '9' * 30}, content=b'x').status_code == 413
    assert client.post('/save', headers=WRITING | {'content-length': '-1'}, content=b'x').status_code == 413
    assert client.post('/save', headers=WRITING, content=large[:-1]).status_code == 400


def test_other_methods(client):
    for method in ('PUT', 'DELETE', 'OPTIONS', 'PATCH'):
        assert client.request(method, '/save', headers=WRITING).status_code == 405
        assert client.request(method, '/save').status_code == 403
    assert client.get('/save').status_code == 405


def test_the_page_needs_nothing(client):
    """It has one script, of which the policy names the checksum, no address, and no token."""
    answer = client.get('/')
    shown = Page(re.sub(r'<script>.*</script>', '<script></script>', answer.text, flags=re.DOTALL))
    assert shown.tags.count('script') == 1 and not shown.addresses and TOKEN not in answer.text
    assert not {'link', 'iframe', 'object', 'embed', 'base', 'form'} & set(shown.tags)
    assert not re.search(r'https?:|url\(|@import|innerHTML|eval\(|\bon\w+="', answer.text)
    policy = answer.headers['content-security-policy']
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and re.search(r"script-src 'sha256-[\w+/=]{44}'", policy)
    for path in ('/', '/state', '/picture', '/nowhere'):
        headers = client.get(path).headers
        assert headers['cross-origin-resource-policy'] == 'same-origin' and headers['x-content-type-options'] == 'nosniff'
        assert headers['cache-control'] == 'no-store' and 'access-control-allow-origin' not in headers


def test_a_second_server_is_refused(tmp_path, tiny_labelled_generator):
    view = generator_view(tiny_labelled_generator)
    explorer = Explorer(view, AnnotationFolder(tmp_path / 'out', 'tiny16', view))
    with bound(0) as listening, alone(tmp_path / 'out'):
        assert listening.getsockname()[0] == '127.0.0.1'
        with pytest.raises(InputError, match='cannot be used .*choose another --port'):
            serve(explorer, listening.getsockname()[1], [tmp_path / 'other'])
        with pytest.raises(InputError, match='another explorer already works on'):
            serve(explorer, 0, [tmp_path / 'other', tmp_path / 'x' / '..' / 'out'])
        with alone(tmp_path / 'other'):
            pass
    with bound(0), alone(tmp_path / 'out'):
        pass


@pytest.mark.parametrize('name', ['starlette', 'uvicorn'])
def test_a_missing_library_says_what_to_install(name, monkeypatch, tmp_path, tiny_labelled_generator):
    for module in (name, *(f'{name}.{part}' for part in ('applications', 'responses', 'routing'))):
        monkeypatch.setitem(sys.modules, module, None)
    view = generator_view(tiny_labelled_generator)
    with pytest.raises(InputError, match=f'needs {name}, which is not installed: pip install "mmbdg.explore."'):
        serve(Explorer(view, AnnotationFolder(tmp_path, 'tiny16', view)), 0, [])
