"""Downloads that end: over several mirrors, by pooch, within a bounded time however a connection hangs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

Progress = Callable[[str, int, int | None], None]
"""Is called with a file's name, the bytes of it that are here, and its size, None where that is not known."""

MAX_BYTES = 1 << 26
"""The largest file that is downloaded."""

_SLOWEST = 20_000  # bytes a second: a connection slower than this is given up like one that hangs
_ROUNDS = 2  # each mirror is tried so often
_CHUNK = 1 << 13  # bytes that are noticed only when all of them are here
_TICK = 0.05  # seconds between two looks at a download that is under way


class DownloadError(Exception):
    """A file could not be downloaded; the message says why, mirror by mirror."""


class Mirrors:
    """Servers that have the same files.

    Parameters
    ----------
    urls : iterable of str
        At least one; each ends in a slash. The first is tried first; one that fails is tried last from then on.
    patience : float
        Seconds that may be lost to connections that give nothing, over all mirrors, files and retries together.
    """

    def __init__(self, urls: Iterable[str], patience: float) -> None:
        self._urls = list(urls)
        self._patience = patience
        self._share = patience / len(self._urls)

    def download(self, name: str, accept: Callable[[bytes], bytes], progress: Progress) -> bytes:
        """Download a file from the first mirror that gives it.

        Parameters
        ----------
        name : str
            The file's name, which makes a URL at the end of a mirror's.
        accept : callable
            Takes what came and returns what it is good for, or raises `DownloadError`.
        progress : callable
            Is called some twenty times a second, in the calling thread.

        Raises
        ------
        DownloadError
            No mirror gave a file that is accepted before patience ended.
        """
        reasons = {}
        for _ in range(_ROUNDS * len(self._urls)):
            if self._patience <= 0:
                break
            try:
                return accept(self._fetch(self._urls[0] + name, name, progress))
            except DownloadError as error:
                reasons[urlsplit(self._urls[0]).netloc] = str(error)
                self._urls.append(self._urls.pop(0))
        raise DownloadError("; ".join(f"{host}: {reason}" for host, reason in reasons.items()) or "it takes too long")

    def _fetch(self, url: str, name: str, progress: Progress) -> bytes:
        """Download in a thread of its own, as looking up a host's name can hang with no time limit."""
        limit = min(self._share, self._patience)
        transfer = _Transfer(url, 2 * limit)
        worker = Thread(target=transfer.run, daemon=True)
        began = arrived = time.monotonic()
        received, lost, finished = 0, 0.0, False
        worker.start()
        try:
            while not finished and lost < limit:
                worker.join(_TICK)
                finished = not worker.is_alive()  # before looking at what came, so that the last of it is told
                now = time.monotonic()
                if len(transfer.content) > received:
                    arrived, received = now, len(transfer.content)
                    progress(name, received, transfer.total or None)
                lost = max(now - arrived, now - began - received / _SLOWEST)
        finally:
            transfer.abandoned = True
        self._patience -= lost
        if worker.is_alive():
            raise DownloadError(f"no answer, or too slow a one, for {limit:.1f} s")
        if transfer.failure is not None:
            raise DownloadError(transfer.failure)
        return bytes(transfer.content)


class _Transfer:
    """One download by pooch into memory. It is the file that pooch writes to and its progress bar, too."""

    def __init__(self, url: str, timeout: float) -> None:
        from pooch import HTTPDownloader

        self.content = bytearray()
        self.total = 0
        self.failure: str | None = None
        self.abandoned = False
        self._url = url
        self._responses: list[Any] = []
        self._downloader = HTTPDownloader(
            progressbar=self, chunk_size=_CHUNK, timeout=timeout, hooks={"response": self._keep}
        )

    def run(self) -> None:
        """Download, and say what failed if something did: this is a thread's outermost call."""
        try:
            self._downloader(self._url, self, None)
        except DownloadError as error:
            self.failure = str(error)
        except Exception as error:  # whatever the layers below pooch raise
            response = getattr(error, "response", None)
            self.failure = type(error).__name__ if response is None else f"HTTP status {response.status_code}"
        finally:
            for response in self._responses:  # pooch leaves this to the garbage collector
                response.close()

    def _keep(self, response: Any, *args: Any, **kwargs: Any) -> None:
        self._responses.append(response)

    def write(self, piece: bytes) -> None:
        """Take what came, unless nobody waits for it any more."""
        if self.abandoned or len(self.content) + len(piece) > MAX_BYTES:
            raise DownloadError("sent more than a file may have")
        self.content += piece

    def flush(self) -> None:
        """Do nothing: what was written is here."""

    def update(self, count: int) -> None:
        """Do nothing: the thread that waits counts for itself."""

    def reset(self) -> None:
        """Do nothing, as above."""

    def close(self) -> None:
        """Do nothing, as above."""
