"""A reverse proxy before the real server, which records what is asked and fails as servers do."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: The one key that the server accepts; it needs none.
KEY = "key-of-the-server-0123456789"
TEXTS = [f"the river number {number} flows to the sea" for number in range(25)]


class Proxy:
    """Forwards requests to a server.

    Attributes:
        url: its address, as ``--base-url`` takes it.
        requests: the bodies, in the order in which they came.
        authorizations: the headers with keys.
        answered: the texts whose vectors were sent in full.
        faults: what happens to the next requests, one each: ``429``, ``500``, ``drop``, ``half`` of an answer, or ``""``.
        watch: called with the number of each request, from 1, and how many bytes of its answer were sent: none or half.
        instead: model to the one that is asked in its place.
    """

    def __init__(self, port: int) -> None:
        self.requests: list[dict[str, Any]] = []
        self.authorizations: list[str] = []
        self.answered: list[str] = []
        self.faults: list[str] = []
        self.instead: dict[str, str] = {}
        self.watch: Callable[[int, bool], None] = lambda number, half: None
        self._port = port
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                proxy.handle(self)

            def log_message(self, *words: object) -> None:
                pass

        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        body = json.loads(request.rfile.read(int(request.headers["content-length"])))
        with self._lock:
            self.requests.append(body)
            self.authorizations.append(request.headers.get("authorization", ""))
            number = len(self.requests)
            fault = self.faults.pop(0) if self.faults else ""
        self.watch(number, False)
        if fault == "drop":
            request.connection.close()
            return
        if fault in ("429", "500"):
            request.send_response(int(fault))
            if fault == "429":
                request.send_header("Retry-After", "0")
            request.end_headers()
            request.wfile.write(b'{"error": {"message": "not now"}}')
            return
        status, content = self._forward(request, body)
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        middle = len(content) // 2
        request.wfile.write(content[:middle])
        request.wfile.flush()
        self.watch(number, True)
        if fault == "half":
            request.connection.close()
            return
        try:
            request.wfile.write(content[middle:])
        except OSError:  # the client was killed
            return
        if status == 200:
            self.answered += body["input"]

    def _forward(self, request: BaseHTTPRequestHandler, body: dict[str, Any]) -> tuple[int, bytes]:
        server = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        asked = body | {"model": self.instead.get(body["model"], body["model"])}
        headers = {"Content-Type": "application/json", "Authorization": request.headers.get("authorization", "")}
        server.request("POST", request.path, json.dumps(asked), headers)
        response = server.getresponse()
        return response.status, response.read()

    @property
    def asked(self) -> list[str]:
        """All texts that were asked for."""
        return [text for body in self.requests for text in body["input"]]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
