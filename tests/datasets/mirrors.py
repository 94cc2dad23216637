"""A server on this machine that plays good and bad mirrors: the first part of a URL's path says which one."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Mirrors:
    """``files`` is what a good mirror has; ``requests`` is what was asked for, as (mirror, file)."""

    def __init__(self, port, files):
        self.port = port
        self.files = files
        self.requests = []
        self.closing = threading.Event()

    def url(self, kind):
        return f"http://127.0.0.1:{self.port}/{kind}/"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        _, kind, name = self.path.split("/")
        self.server.mirrors.requests.append((kind, name))
        getattr(self, f"play_{kind}")(self.server.mirrors.files[name])

    def start(self, status, length):
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def pause(self, seconds=60):
        """Wait as long, or until the test is over, which is then true."""
        return self.server.mirrors.closing.wait(seconds)

    def play_good(self, content):
        self.start(200, len(content))
        self.wfile.write(content)

    def play_once_broken(self, content):
        """Fail the first time that a file is asked for."""
        name = self.path.split("/")[-1]
        if self.server.mirrors.requests.count(("once_broken", name)) == 1:
            self.play_cut(content)
        else:
            self.play_good(content)

    def play_missing(self, content):
        self.start(404, 0)

    def play_wrong(self, content):
        self.play_good(content[:-20] + bytes(20))

    def play_page(self, content):
        """Send what a hotel's log-in page would."""
        self.play_good(b"<html>Please log in</html>")

    def play_cut(self, content):
        self.start(200, len(content))
        self.wfile.write(content[: len(content) // 2])

    def play_hanging(self, content):
        self.pause()

    def play_stalling(self, content):
        self.play_cut(content)
        self.wfile.flush()
        self.pause()

    def play_dripping(self, content):
        self.start(200, len(content))
        for start in range(0, len(content), 400):
            self.wfile.write(content[start : start + 400])
            if self.pause(0.05):
                return

    def play_endless(self, content):
        self.start(200, 1 << 40)
        while not self.server.mirrors.closing.is_set():
            self.wfile.write(bytes(1 << 20))

    def log_message(self, *args):
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that leaving the server waits for them

    def handle_error(self, request, client_address):
        """Keep quiet: clients that hang up are the point of many a test."""


@contextmanager
def serving(files):
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.mirrors = Mirrors(server.server_address[1], files)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.mirrors
        finally:
            server.mirrors.closing.set()
            server.shutdown()
            thread.join()
