"""Refuses requests that do not come from the explorer's own page."""

import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

TOKEN = 'x-explorer-token'
"""Header of writing requests."""
READING = ('GET', 'HEAD')
HEADERS = {
    'content-security-policy': "default-src 'none'; img-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; script-src {script}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
}


class Guard:
    """ASGI middleware of the explorer.

    - ``Host`` must be the loopback address and port of the server: a name of the attacker that resolves to 127.0.0.1 (DNS rebinding) is
      another host.
    - ``Origin`` and ``Sec-Fetch-Site``, which browsers send with requests of other pages, must be those of the own page.
    - Requests that write need the token, which is in the address that the tool prints and is never sent by itself.
    - A body is read up to a bound.

    Args:
        app: Guarded application.
        port: Port of the server.
        token: Token of writing requests.
        most_bytes: Largest body, in bytes.
        script: Source of the page's script in the content security policy, ``'sha256-...'``.
    """

    def __init__(self, app: App, port: int, token: str, most_bytes: int, script: str) -> None:
        self.app, self.token, self.most_bytes = app, token, most_bytes
        self.hosts = {f'127.0.0.1:{port}', f'localhost:{port}'} | ({'127.0.0.1', 'localhost'} if port == 80 else set())
        self.headers = [(name.encode(), value.format(script=script).encode()) for name, value in HEADERS.items()]

    async def __call__(self, scope: Message, receive: Callable, send: Callable) -> None:
        if scope['type'] != 'http':
            raise RuntimeError(f'the explorer serves http only, got {scope["type"]}')

        async def sent(message: Message) -> None:
            if message['type'] == 'http.response.start':
                message = {**message, 'headers': [*message.get('headers', []), *self.headers]}
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None and scope['method'] not in READING:
            body, refusal = await self._body(receive)
        if refusal is not None:
            await _refuse(sent, *refusal)
            return
        await self.app(scope, receive if scope['method'] in READING else _given(body, receive), sent)

    def _refusal(self, scope: Message) -> tuple[int, str] | None:
        """Status and reason if the headers of a request are refused."""
        headers: dict[str, list[str]] = {}
        for name, value in scope['headers']:
            headers.setdefault(name.decode('latin-1').lower(), []).append(value.decode('latin-1'))
        hosts, origins = headers.get('host', []), headers.get('origin', [])
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            return 421, 'this server answers to 127.0.0.1 and localhost at its own port only'
        if any(origin.lower() != f'http://{hosts[0].lower()}' for origin in origins):
            return 403, 'requests of other pages are refused'
        if any(site not in ('same-origin', 'none') for site in headers.get('sec-fetch-site', [])):
            return 403, 'requests of other pages are refused'
        if scope['method'] in READING:
            return None
        tokens = headers.get(TOKEN, [])
        if len(tokens) != 1 or not hmac.compare_digest(tokens[0].encode('latin-1'), self.token.encode()):
            return 403, 'only the page at the address that the tool printed may write: open that address, with all that follows the #'
        lengths = headers.get('content-length', [])
        if any(not (text.isascii() and text.isdigit()) or int(text[:20]) > self.most_bytes for text in lengths):
            return 413, f'a request has at most {self.most_bytes:,} bytes'
        return None

    async def _body(self, receive: Callable) -> tuple[bytes, tuple[int, str] | None]:
        """Read a body up to the bound, also one without a length in its header."""
        parts, size, more = [], 0, True
        while more:
            message = await receive()
            if message['type'] != 'http.request':
                return b'', (400, 'the request was not complete')
            parts.append(message.get('body', b''))
            size, more = size + len(parts[-1]), message.get('more_body', False)
            if size > self.most_bytes:
                return b'', (413, f'a request has at most {self.most_bytes:,} bytes')
        return b''.join(parts), None


def _given(body: bytes, receive: Callable) -> Callable:
    """A ``receive`` that gives a body that was read already."""
    messages = [dict(type='http.request', body=body, more_body=False)]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again


async def _refuse(send: Callable, status: int, reason: str) -> None:
    body = json.dumps(dict(error=reason)).encode()
    headers = [(b'content-type', b'application/json'), (b'content-length', str(len(body)).encode()), (b'connection', b'close')]
    await send(dict(type='http.response.start', status=status, headers=headers))
    await send(dict(type='http.response.body', body=body))
