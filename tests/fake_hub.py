"""The part of the Hugging Face hub's HTTP interface that uploads and downloads need, on the loopback interface, in memory."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import yaml

TOKEN = 'hf_' + 'SeCrEt' * 6
"""The only token that may write."""


@dataclass
class Repository:
    """Files by commit, and commits by branch."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    gated: bool = False

    def commit(self, files: dict[str, bytes], branch: str = 'main') -> str:
        content = [(name, hashlib.sha256(data).hexdigest()) for name, data in sorted(files.items())]
        sha = hashlib.sha1(json.dumps([len(self.commits), content]).encode()).hexdigest()
        self.commits[sha], self.branches[branch] = files, sha
        return sha

    def files(self, revision: str) -> dict[str, bytes] | None:
        return self.commits.get(self.branches.get(revision, revision))


class FakeHub(ThreadingHTTPServer):
    """The server. ``repositories`` has keys like ``models/org/name``; ``asked`` lists method and path of each request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(('127.0.0.1', 0), Handler)
        self.repositories: dict[str, Repository] = {}
        self.asked: list[str] = []
        self.endpoint = f'http://127.0.0.1:{self.server_port}'


class Handler(BaseHTTPRequestHandler):
    """Answers of the hub."""

    protocol_version = 'HTTP/1.1'

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.answer()

    do_POST = do_HEAD = do_GET

    def answer(self) -> None:
        path, self.body = unquote(self.path.split('?')[0]), self.rfile.read(int(self.headers.get('Content-Length') or 0))
        self.server.asked.append(f'{self.command} {path}')
        if path == '/api/repos/create':
            return self.create()
        if path == '/api/validate-yaml':
            return self.validate()
        if found := re.fullmatch(r'/api/(\w+/[^/]+/[^/]+)/(revision|tree|preupload|commit|branch)/(.+)', path):
            return self.api(*found.groups())
        if found := re.fullmatch(r'/((?:datasets/)?[^/]+/[^/]+)/resolve/([^/]+)/(.+)', path):
            return self.file(*found.groups())
        self.error(404)

    def reply(self, content: object, status: int = 200, **headers: str) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in (dict(Content_Length=str(len(data))) | headers).items():
            self.send_header(name.replace('_', '-'), value)
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(data)

    def error(self, status: int, code: str = '') -> None:
        self.reply(dict(error=code), status, **(dict(X_Error_Code=code, X_Error_Message=code) if code else {}))

    @property
    def may_write(self) -> bool:
        return self.headers.get('Authorization') == f'Bearer {TOKEN}'

    def create(self) -> None:
        if not self.may_write:
            return self.error(401)
        asked = json.loads(self.body)
        key = f'{asked.get("type", "model")}s/{asked["organization"]}/{asked["name"]}'
        new = key not in self.server.repositories
        if new:
            self.server.repositories[key] = Repository()
            self.server.repositories[key].commit({'.gitattributes': b''})
        self.reply(dict(url=f'{self.server.endpoint}/{key.removeprefix("models/")}'), 200 if new else 409)

    def validate(self) -> None:
        content = json.loads(self.body)['content']
        try:
            assert isinstance(yaml.safe_load(re.match(r'---\n(.*?)\n---\n', content, re.S)[1]), dict)
        except Exception as error:
            return self.reply(dict(errors=[dict(message=str(error))], warnings=[]), 400)
        self.reply(dict(errors=[], warnings=[]))

    def api(self, key: str, verb: str, revision: str) -> None:
        repository = self.server.repositories.get(key)
        if repository is None:
            return self.error(401 if 'Authorization' not in self.headers else 404, 'RepoNotFound')
        if repository.gated:
            return self.error(403, 'GatedRepo')
        if self.command == 'POST' and not self.may_write:
            return self.error(403)
        if verb == 'branch':
            if revision in repository.branches:
                return self.error(409)
            repository.commit(repository.files('main'), revision)
            return self.reply({}, 201)
        files = repository.files(revision)
        if files is None:
            return self.error(404, 'RevisionNotFound')
        if verb == 'revision':
            sha = repository.branches.get(revision, revision)
            return self.reply(dict(id=key, sha=sha, siblings=[dict(rfilename=name) for name in files]))
        if verb == 'tree':
            return self.reply([dict(type='file', path=name, size=len(data), oid=blob_id(data)) for name, data in files.items()])
        if verb == 'preupload':
            asked = json.loads(self.body)['files']
            return self.reply(dict(files=[dict(path=one['path'], uploadMode='regular', shouldIgnore=False) for one in asked]))
        files = dict(files)
        for line in map(json.loads, self.body.splitlines()):
            if line['key'] == 'file':
                files[line['value']['path']] = base64.b64decode(line['value']['content'])
            elif line['key'] == 'deletedFile':
                del files[line['value']['path']]
        sha = repository.commit(files, revision)
        self.reply(dict(success=True, commitOid=sha, commitUrl=f'{self.server.endpoint}/{key.removeprefix("models/")}/commit/{sha}'))

    def file(self, name: str, revision: str, file: str) -> None:
        repository = self.server.repositories.get(name if name.startswith('datasets/') else f'models/{name}')
        files = repository.files(revision) if repository else None
        if files is None or file not in files:
            return self.error(404, 'EntryNotFound' if files is not None else 'RepoNotFound')
        sha = repository.branches.get(revision, revision)
        self.reply(files[file], ETag=f'"{blob_id(files[file])}"', X_Repo_Commit=sha)


def blob_id(data: bytes) -> str:
    """Hash of a blob in git."""
    return hashlib.sha1(b'blob %d\0' % len(data) + data).hexdigest()


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    """Context in which the server answers."""
    server = FakeHub()
    thread = threading.Thread(target=server.serve_forever, kwargs=dict(poll_interval=0.02), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
