"""A web server of a folder, on loopback."""

import contextlib
import http.server
import re
import threading
from pathlib import Path

import pytest


class Ranges(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *given):
        pass

    def send_head(self):
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not wanted:
            return super().send_head()
        first, last = int(wanted[1]), int(wanted[2])
        try:
            content = Path(self.translate_path(self.path)).read_bytes()
        except OSError:
            self.send_error(404)
            return None
        if first >= len(content):
            self.send_error(416)
            return None
        content = content[first : last + 1]
        self.send_response(206)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        return None


@contextlib.contextmanager
def served(handler):
    pytest.importorskip("aiohttp")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
