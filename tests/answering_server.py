"""A small HTTP server on loopback that answers as it is told: the client in front of it is real."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """One answer; `body` is JSON unless it is bytes. `hang` waits before it, `drop` gives none."""

    status: int = 200
    body: object = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    hang: float = 0.0
    drop: bool = False


class Script:
    """Answers in order, the last one again and again; and the requests that came."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.seen = []
        self.over = threading.Event()

    def next(self):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def serving(script):
    """The server's address."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            script.seen.append((self.command, self.path, dict(self.headers), body))
            told = script.next()
            if told.hang:
                script.over.wait(told.hang)
            if told.drop:
                self.connection.close()
                return
            data = told.body if isinstance(told.body, bytes) else json.dumps(told.body).encode()
            self.send_response(told.status)
            for name, value in {"Content-Length": str(len(data)), **told.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, *_):
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, client_address):
            pass  # a client that gave up waiting is what some tests are about

    server = Quiet(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        script.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


VERSION = Answer(body={"title": "qdrant - vector search engine", "version": "1.20.0"})


def result(value):
    return Answer(body={"result": value, "status": "ok", "time": 0.0})


def refused(status, error="", **headers):
    return Answer(status, {"status": {"error": error}, "time": 0.0}, headers)
