"""A headless Chromium that a test drives by the DevTools protocol over two pipes. It needs no library and opens no port."""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

BROWSER = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
OPTIONS = ('--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--no-first-run', '--disable-extensions', '--disable-sync')


class Browser:
    """One page of a headless browser. A context manager.

    Args:
        profile: Folder for its files.
        width, height: Size of the window in pixels.
        touch: Whether there is a touch screen.
    """

    def __init__(self, profile: Path, width: int = 1280, height: int = 900, touch: bool = False) -> None:
        self.to_browser, self.from_browser = os.pipe(), os.pipe()
        self.buffer, self.number, self.session, self.said = b'', 0, None, []
        here, there = self.to_browser[0], self.from_browser[1]
        fixed = f'exec 3<&{here} 4>&{there}; exec "$@"'  # the browser reads file 3 and writes file 4
        command = ['bash', '-c', fixed, 'bash', BROWSER, *OPTIONS, '--remote-debugging-pipe', f'--user-data-dir={profile}']
        command += ['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', 'about:blank']
        self.process = subprocess.Popen(
            command, pass_fds=(here, there), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(here)
        os.close(there)
        target = next(one for one in self.call('Target.getTargets')['targetInfos'] if one['type'] == 'page')
        self.session = self.call('Target.attachToTarget', targetId=target['targetId'], flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Log'):
            self.call(f'{domain}.enable')
        self.resize(width, height, touch)

    def __enter__(self) -> 'Browser':
        return self

    def __exit__(self, *_: object) -> None:
        self.session = None
        self.call('Browser.close')
        self.process.wait(20)
        os.close(self.to_browser[1])
        os.close(self.from_browser[0])

    def call(self, method: str, **params: object) -> dict:
        """Call a method of the protocol and return its result. Errors that the page reports meanwhile are kept in ``said``."""
        self.number += 1
        message = dict(id=self.number, method=method, params=params) | ({'sessionId': self.session} if self.session else {})
        os.write(self.to_browser[1], json.dumps(message).encode() + b'\0')
        while True:
            answer = self._message()
            if answer.get('id') == self.number:
                assert 'error' not in answer, (method, answer['error'])
                return answer['result']
            if answer.get('method') in ('Runtime.exceptionThrown', 'Log.entryAdded'):
                self.said.append(answer['params'])

    def resize(self, width: int, height: int, touch: bool = False) -> None:
        """Set the size of the window, and whether there is a touch screen."""
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=touch)
        self.call('Emulation.setTouchEmulationEnabled', enabled=touch)

    def open(self, address: str) -> None:
        """Load a page."""
        self.call('Page.navigate', url=address)

    def run(self, script: str) -> object:
        """Evaluate an expression in the page and return its value."""
        result = self.call('Runtime.evaluate', expression=script, returnByValue=True, awaitPromise=True)
        assert 'exceptionDetails' not in result, result['exceptionDetails']
        return result['result'].get('value')

    def wait(self, script: str, seconds: float = 30) -> object:
        """Wait until an expression is true, and return its value."""
        end = time.monotonic() + seconds
        while not (value := self.run(script)):
            assert time.monotonic() < end, (script, self.said, self.run('document.body.innerText.slice(0, 2000)'))
            time.sleep(0.05)
        return value

    def click(self, selector: str) -> None:
        """Click an element by script."""
        self.run(f'document.querySelector({json.dumps(selector)}).click()')

    def set(self, selector: str, value: object) -> None:
        """Set the value of an input as a person does."""
        self.run(
            f'(() => {{ const one = document.querySelector({json.dumps(selector)}); one.value = {json.dumps(str(value))}; '
            "one.dispatchEvent(new Event('input', {bubbles: true})); one.dispatchEvent(new Event('change', {bubbles: true})); })()"
        )

    def drag(self, points: list, touch: bool = False) -> None:
        """Press at the first point, move over the others, and release; x, y in pixels of the window."""
        for number, (x, y) in enumerate(points):
            if touch:
                self.call('Input.dispatchTouchEvent', type='touchMove' if number else 'touchStart', touchPoints=[dict(x=x, y=y)])
            else:
                kind = 'mouseMoved' if number else 'mousePressed'
                self.call('Input.dispatchMouseEvent', type=kind, x=x, y=y, button='left', buttons=1, clickCount=1)
        if touch:
            self.call('Input.dispatchTouchEvent', type='touchEnd', touchPoints=[])
        else:
            self.call('Input.dispatchMouseEvent', type='mouseReleased', x=x, y=y, button='left', clickCount=1)

    def screenshot(self, path: Path, whole: bool = False) -> None:
        """Write a picture of the window, or of the whole page."""
        data = self.call('Page.captureScreenshot', format='png', captureBeyondViewport=whole)['data']
        Path(path).write_bytes(base64.b64decode(data))

    def _message(self) -> dict:
        while b'\0' not in self.buffer:
            ready, _, _ = select.select([self.from_browser[0]], [], [], 60)
            assert ready, 'the browser does not answer'
            part = os.read(self.from_browser[0], 2**20)
            assert part, 'the browser has ended'
            self.buffer += part
        text, _, self.buffer = self.buffer.partition(b'\0')
        return json.loads(text)
