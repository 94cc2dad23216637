"""Downloads that end: over several mirrors, by pooch, within a bounded time however a connection hangs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Thread
from urllib.parse import urlsplit

Progress = Callable[[str, int, int | None], None]
"""Is called with a file's name, the bytes of it that are here, and its size, None where that is not known."""

SLOWEST = 20_000
"""Bytes a second: a connection slower than this from its start on counts as one that hangs."""

MAX_BYTES = 1 << 26
"""The largest file that is downloaded."""

_ROUNDS = 2  # each mirror is tried so often
_TICK = 0.05  # seconds between two looks at a download that is under way


class DownloadError(Exception):
    """A file could not be downloaded; the message says why, mirror by mirror."""


@dataclass
class Patience:
    """Seconds that may be lost to connections that give nothing, over all mirrors, files and retries together."""

    total: float
    left: float = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.total


def download(
    name: str, mirrors: Sequence[str], accept: Callable[[bytes], bytes], patience: Patience, progress: Progress
) -> bytes:
    """Download a file from the first of several mirrors that gives it.

    Parameters
    ----------
    name : str
        The file's name, which makes a URL at the end of a mirror's.
    mirrors : sequence of str
        URLs that end in a slash.
    accept : callable
        Takes what came and returns what it is good for, or raises `DownloadError`.
    patience : Patience
        What is left of it bounds the time that this takes; it is used up.
    progress : callable
        Is called some twenty times a second, in the calling thread.

    Raises
    ------
    DownloadError
        No mirror gave a file that is accepted before patience ended.
    """
    reasons = {}
    for mirror in [*mirrors] * _ROUNDS:
        limit = min(patience.left, patience.total / len(mirrors))
        if limit <= 0:
            break
        try:
            return accept(_fetch(mirror + name, name, limit, patience, progress))
        except DownloadError as error:
            reasons[urlsplit(mirror).netloc] = str(error)
    raise DownloadError("; ".join(f"{host}: {reason}" for host, reason in reasons.items()) or "no time is left")


@dataclass
class _Sink:
    """What pooch writes to and reports to."""

    content: bytearray = field(default_factory=bytearray)
    total: int = 0
    closed: bool = False
    error: Exception | None = None

    def write(self, piece: bytes) -> None:
        if self.closed or len(self.content) + len(piece) > MAX_BYTES:
            raise DownloadError("sent more than the file can have")
        self.content += piece

    def flush(self) -> None:
        """Do nothing: what is written is here."""

    def update(self, count: int) -> None:
        """Do nothing: the bytes that are here are counted."""

    def reset(self) -> None:
        """Do nothing, as above."""

    def close(self) -> None:
        """Do nothing, as above."""


def _fetch(url: str, name: str, limit: float, patience: Patience, progress: Progress) -> bytes:
    """Download one file in a thread of its own, as looking up a host's name can hang with no time limit."""
    from pooch import HTTPDownloader  # noqa: PLC0415 - pooch is slow to import, and seldom needed

    sink = _Sink()

    def run() -> None:
        try:
            HTTPDownloader(progressbar=sink, chunk_size=1 << 16, timeout=limit)(url, sink, None)
        except Exception as error:  # handed over to the thread that waits
            sink.error = error

    worker = Thread(target=run, daemon=True)
    began = arrived = time.monotonic()
    received, lost = 0, 0.0
    worker.start()
    try:
        while worker.is_alive() and lost < limit:
            worker.join(_TICK)
            now = time.monotonic()
            if len(sink.content) > received:
                arrived, received = now, len(sink.content)
                progress(name, received, sink.total or None)
            lost = max(now - arrived, now - began - received / SLOWEST)
    finally:
        sink.closed = True
    patience.left -= lost
    if worker.is_alive():
        raise DownloadError(f"no answer in {limit:.0f} s" if not received else "the connection hangs")
    if sink.error is not None:
        raise DownloadError(_describe(sink.error))
    return bytes(sink.content)


def _describe(error: Exception) -> str:
    """Say in a few words what requests says in many."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP status {response.status_code}"
    if isinstance(error, DownloadError):
        return str(error)
    return type(error).__name__
