"""A headless Chromium, driven by its debugging protocol, and what its pictures hold."""

from __future__ import annotations

import asyncio
import json
import shutil
import struct
import subprocess
import tempfile
import zlib
from base64 import b64decode
from collections import Counter
from types import TracebackType
from typing import Any

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0",
)  # fmt: skip


def chromium() -> str:
    """Return the path of a Chromium, ``""`` where none is installed."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for path in map(shutil.which, names) if path), "")


class Browser:
    """A browser for the length of a ``with`` block."""

    def __enter__(self) -> Browser:
        self._home = tempfile.mkdtemp(prefix="browser-")
        command = [chromium(), *FLAGS, f"--user-data-dir={self._home}", "about:blank"]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        assert self._process.stderr
        for line in self._process.stderr:
            if "DevTools listening on " in line:
                self._address = line.rpartition(" ")[2].strip()
                return self
        raise RuntimeError("the browser does not answer")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
        shutil.rmtree(self._home, ignore_errors=True)

    def picture(
        self, url: str, *, width: int = 1440, height: int = 900, dark: bool = False, after: float = 0.0,
        script: str = "",
    ) -> tuple[bytes, Any]:  # fmt: skip
        """Return the PNG of a page, *after* so many seconds, and what *script* evaluates to in it."""
        return asyncio.run(asyncio.wait_for(self._picture(url, width, height, dark, after, script), 60 + after))

    async def _picture(
        self, url: str, width: int, height: int, dark: bool, after: float, script: str
    ) -> tuple[bytes, Any]:
        from tornado.websocket import websocket_connect

        connection = await websocket_connect(self._address, max_message_size=1 << 28)
        page = _Page(connection)
        try:
            target = await page.call("Target.createTarget", url="about:blank")
            attached = await page.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
            page.session = attached["sessionId"]
            size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            await page.call("Emulation.setDeviceMetricsOverride", **size)
            scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
            await page.call("Emulation.setEmulatedMedia", features=[scheme])
            await page.call("Page.enable")
            await page.call("Page.navigate", url=url)
            await page.until("Page.loadEventFired")
            await asyncio.sleep(after)
            found = None
            if script:
                answer = await page.call(
                    "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
                )
                assert "exceptionDetails" not in answer, answer
                found = answer["result"].get("value")
            shot = await page.call("Page.captureScreenshot", format="png")
            return b64decode(shot["data"]), found
        finally:
            connection.close()
            while await connection.read_message() is not None:  # what was under way; None is the end
                pass


class _Page:
    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._number = 0
        self._events: Counter[str] = Counter()
        self.session = ""

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        await self._connection.write_message(
            json.dumps(message | ({"sessionId": self.session} if self.session else {}))
        )
        while True:
            answer = await self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return dict(answer["result"])

    async def until(self, event: str) -> None:
        while not self._events[event]:
            await self._next()

    async def _next(self) -> dict[str, Any]:
        text = await self._connection.read_message()
        assert text is not None, "the browser is gone"
        answer: dict[str, Any] = json.loads(text)
        self._events[answer.get("method", "")] += 1
        return answer


def pixels(png: bytes) -> tuple[int, int, Counter[bytes]]:
    """Return width, height and how often each colour occurs in a PNG of 8 bits a channel without interlacing."""
    at, data, head = 8, b"", b""
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + length]
        head, data = (body, data) if kind == b"IHDR" else (head, data + body if kind == b"IDAT" else data)
        at += length + 12
    width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", head)
    assert (depth, interlaced) == (8, 0)
    size = {2: 3, 6: 4}[color]
    counts: Counter[bytes] = Counter()
    raw, before, stride = zlib.decompress(data), bytearray(width * size), width * size
    for row in range(height):
        start = row * (stride + 1)
        before = _unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + stride]), before, size)
        counts.update(bytes(before[i : i + size]) for i in range(0, stride, size))
    return width, height, counts


def _unfiltered(kind: int, line: bytearray, above: bytearray, size: int) -> bytearray:
    if kind == 0:
        return line
    for i in range(len(line)):
        left = line[i - size] if i >= size else 0
        corner = above[i - size] if i >= size else 0
        line[i] = (line[i] + _predicted(kind, left, above[i], corner)) & 255
    return line


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    if kind < 4:
        return (left, up, (left + up) // 2)[kind - 1]
    guess = left + up - corner
    return min((left, up, corner), key=lambda each: abs(guess - each))
