"""Five embedding services on loopback, as strict about a request as the real ones.

The vectors are the static encoder's, 64 numbers wide. A query of a service that knows sides has the
vector of its text with "query: " before it.
"""

import base64
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from retrievo.encode.static import StaticEncoder

DIM = 64


class RefusedError(Exception):
    def __init__(self, status, said):
        super().__init__(said)
        self.status = status


class Services:
    """What is asked of the services, and their limits; `words` is what a model reads of a text."""

    def __init__(self, *, words=10**9, items=2048, key=None, base64_too=True):
        self.words, self.items, self.key, self.base64_too = words, items, key, base64_too
        self.encoder = StaticEncoder(truncate_dim=DIM)
        self.asked = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()

    def answer(self, path, headers, body):
        with self.lock:
            self.asked.append((path, body))
        if self.key is not None and headers.get("Authorization") != f"Bearer {self.key}":
            raise RefusedError(401, f"Incorrect API key provided: {headers.get('Authorization')}")
        return getattr(self, _PATHS[path])(dict(body))

    def openai(self, body):
        encoding = body.pop("encoding_format", "float")
        if encoding == "base64" and not self.base64_too:
            raise RefusedError(400, "encoding_format base64 is not supported")
        texts = self._texts(body.pop("input"), 400, truncate=False)
        rows = self._rows(texts, body.pop("dimensions", None))
        model = body.pop("model")
        side = body.pop("input_type", None)
        if body or side not in (None, "query", "document"):
            raise RefusedError(400, f"Unrecognized request argument supplied: {list(body)}")
        if encoding == "base64":
            rows = [base64.b64encode(np.array(row, "<f4").tobytes()).decode() for row in rows]
        data = [{"object": "embedding", "index": i, "embedding": r} for i, r in enumerate(rows)]
        data.reverse()  # the order is the index's, not the list's
        usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
        return {"object": "list", "data": data, "model": model, "usage": usage}

    def cohere(self, body):
        truncate = {"NONE": False, "END": True}[body.pop("truncate")]
        side = body.pop("input_type")
        texts = self._texts(body.pop("texts"), 400, truncate, items=96)
        if side not in ("search_query", "search_document") or body.pop("embedding_types") != [
            "float"
        ]:
            raise RefusedError(400, "invalid request: valid input_type must be provided")
        rows = self._rows(_sided(texts, side == "search_query"), body.pop("output_dimension", None))
        del body["model"]
        self._nothing_else(body, 422)
        units = {"input_tokens": float(len(texts))}
        meta = {"api_version": {"version": "2"}, "billed_units": units}
        return {"id": "1", "embeddings": {"float": rows}, "texts": texts, "meta": meta}

    def jina(self, body):
        texts = self._texts(body.pop("input"), 422, body.pop("truncate"))
        task = body.pop("task", None)
        if task not in (None, "retrieval.query", "retrieval.passage"):
            raise RefusedError(422, "task: unexpected value")
        if body.pop("embedding_type") != "float":
            raise RefusedError(422, "embedding_type: unexpected value")
        texts = _sided(texts, task == "retrieval.query")
        rows = self._rows(texts, body.pop("dimensions", None))
        model = body.pop("model")
        self._nothing_else(body, 422)
        data = [{"object": "embedding", "index": i, "embedding": r} for i, r in enumerate(rows)]
        return {"model": model, "object": "list", "usage": {"total_tokens": 1}, "data": data}

    def tei(self, body):
        assert isinstance(body.pop("normalize"), bool)
        texts = self._texts(body.pop("inputs"), 413, body.pop("truncate"))
        rows = self._rows(texts, body.pop("dimensions", None))
        self._nothing_else(body, 422)
        return rows

    def ollama(self, body):
        texts = self._texts(body.pop("input"), 400, body.pop("truncate"))
        rows = self._rows(texts, body.pop("dimensions", None))
        model = body.pop("model")
        self._nothing_else(body, 400)
        return {"model": model, "embeddings": rows, "prompt_eval_count": 3, "total_duration": 7}

    def _texts(self, texts, status, truncate, items=None):
        """The texts as the model reads them. Raises RefusedError."""
        if not isinstance(texts, list) or not all(isinstance(t, str) and t.strip() for t in texts):
            raise RefusedError(status, "input cannot be an empty string")
        if len(texts) > (items or self.items):
            raise RefusedError(status, f"batch size {len(texts)} > maximum {items or self.items}")
        long = [text for text in texts if len(text.split()) > self.words]
        if long and not truncate:
            raise RefusedError(status, f"must have less than {self.words} tokens")
        return [" ".join(t.split()[: self.words]) if t in long else t for t in texts]

    def _rows(self, texts, dimensions):
        if dimensions is not None and dimensions > DIM:
            raise RefusedError(400, f"dimensions must be at most {DIM}")
        vectors = self.encoder.encode_document(texts)[:, : dimensions or DIM]
        return vectors.tolist()

    def _nothing_else(self, body, status):
        if body:
            raise RefusedError(status, f"unknown fields: {sorted(body)}")


_PATHS = {
    "/v1/embeddings": "openai",
    "/v2/embed": "cohere",
    "/jina/embeddings": "jina",
    "/embed": "tei",
    "/api/embed": "ollama",
}
BASES = {"openai": "/v1", "cohere": "/v2", "jina": "/jina", "tei": "", "ollama": ""}


def _sided(texts, query):
    return [f"query: {text}" for text in texts] if query else texts


def _error(path, status, said):
    """An error in the words of the service."""
    return {
        "openai": {"error": {"message": said, "type": "invalid_request_error", "code": status}},
        "cohere": {"id": "1", "message": said},
        "jina": {"detail": said},
        "tei": {"error": said, "error_type": "Validation"},
        "ollama": {"error": said},
    }[_PATHS[path]]


@contextmanager
def serving(services):
    """The server's address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: else each answer waits for an acknowledgement

        def do_POST(self):
            with services.lock:
                services.at_once += 1
                services.most_at_once = max(services.most_at_once, services.at_once)
            data = self.rfile.read(int(self.headers["Content-Length"]))
            status = 200
            try:
                answer = services.answer(self.path, self.headers, json.loads(data))
            except RefusedError as error:
                status, answer = error.status, _error(self.path, error.status, str(error))
            out = json.dumps(answer).encode()
            with services.lock:
                services.at_once -= 1
            self.send_response(status)
            self.send_header("Content-Length", str(len(out)))
            self.end_headers()
            self.wfile.write(out)

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
