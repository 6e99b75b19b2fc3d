"""Qdrant's REST interface on loopback, in front of qdrant-client's own imitation of the engine.

What it adds to the imitation is the way there and back: real requests, real JSON, and the limits of
a server that is written in Rust (no lone surrogate, no whole number beyond 64 bits, no nesting
deeper than 128).
"""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from qdrant_client import QdrantClient, models

DEEPEST = 128


class Loopback:
    """The engine, what was asked of it, and how a graph that is walked in a hurry answers."""

    def __init__(self, *, lossy=False):
        self.client = QdrantClient(":memory:")
        self.lossy = lossy
        self.read_only = False
        self.asked = []
        self.indexes = {}
        self.lock = threading.Lock()

    def answer(self, method, path, body):
        if path == "/":
            return {"title": "qdrant - vector search engine", "version": "1.20.0"}
        _, _, name, *rest = path.split("/")
        name, rest = unquote(name), "/".join(rest)
        self.asked.append((method, rest))
        client = self.client
        if self.read_only and (method in ("PUT", "PATCH") or rest == "points/batch"):
            raise PermissionError("Write access denied")
        if (method, rest) == ("GET", "exists"):
            return {"exists": client.collection_exists(name)}
        if (method, rest) == ("PUT", ""):
            if client.collection_exists(name):
                raise FileExistsError(f"Wrong input: Collection `{name}` already exists!")
            made = models.CreateCollection.model_validate(body)
            return client.create_collection(
                name,
                vectors_config=made.vectors,
                sparse_vectors_config=made.sparse_vectors,
                metadata=made.metadata,
            )
        if not client.collection_exists(name):
            raise LookupError(f"Not found: Collection `{name}` doesn't exist!")
        if (method, rest) == ("GET", ""):
            info = _plain(client.get_collection(name))
            schema = {k: {"data_type": "keyword", "points": 0} for k in self.indexes.get(name, ())}
            return {**info, "payload_schema": schema}
        if (method, rest) == ("PATCH", ""):
            return client.update_collection(name, metadata=body["metadata"])
        if (method, rest) == ("PUT", "index"):
            self.indexes.setdefault(name, set()).add(body["field_name"])
            return _DONE
        if (method, rest) == ("PUT", "points"):
            client.upsert(
                name,
                [models.PointStruct.model_validate(point) for point in body["points"]],
                update_filter=_filter(body.get("update_filter")),
            )
            return _DONE
        return self._points(name, rest, body)

    def _points(self, name, rest, body):
        client = self.client
        chosen = {k: body[k] for k in ("limit", "offset", "with_payload") if k in body}
        if rest == "points":
            found = client.retrieve(
                name, body["ids"], body.get("with_payload"), body.get("with_vector")
            )
            return _plain(found)
        if rest == "points/scroll":
            found, offset = client.scroll(name, _filter(body.get("filter")), **chosen)
            return {"points": _plain(found), "next_page_offset": offset}
        if rest == "points/count":
            return _plain(client.count(name, _filter(body.get("filter"))))
        if rest == "facet":
            return _plain(client.facet(name, body["key"], _filter(body["filter"]), body["limit"]))
        if rest == "points/query/batch":
            return [self._query(name, one) for one in body["searches"]]
        if rest == "points/batch":
            request = models.UpdateOperations.model_validate(body)
            client.batch_update_points(name, request.operations)
            return [_DONE] * len(request.operations)
        raise LookupError(f"nothing at {rest!r}")

    def _query(self, name, search):
        params = search.pop("params", None) or {}
        query = search["query"]
        vectors = query.get("nearest", query) if isinstance(query, dict) else query
        if self.lossy and not params.get("exact") and isinstance(vectors, list):
            search["limit"] = max(search["limit"] // 2, 1)
        idf = {"params": {"idf": params["idf"]}} if params.get("idf") else {}
        request = models.QueryRequest.model_validate({**search, **idf})
        return _plain(self.client.query_batch_points(name, [request])[0])


_DONE = {"operation_id": 0, "status": "completed"}


def _filter(given):
    return None if given is None else models.Filter.model_validate(given)


def _plain(value):
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.model_dump(mode="json", exclude_none=True)


def _as_rust_reads(data):
    """The JSON. Raises ValueError for what serde_json refuses, or would change."""
    if not data:
        return {}
    body = json.loads(data)
    json.dumps(body, ensure_ascii=False).encode()
    _check(body, 1)
    return body


def _check(value, depth):
    if depth > DEEPEST:
        raise ValueError("recursion limit exceeded")
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise ValueError("number out of range")
    if isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            _check(item, depth + 1)


@contextmanager
def serving(engine):
    """The server's address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, told = 200, None
            try:
                body = _as_rust_reads(data)
                with engine.lock:
                    told = engine.answer(self.command, urlsplit(self.path).path, body)
            except FileExistsError as error:
                status, said = 409, str(error)
            except PermissionError as error:
                status, said = 403, str(error)
            except LookupError as error:
                status, said = 404, str(error)
            except ValueError as error:
                status, said = 400, f"{type(error).__name__}: {error}"
            plain = self.path == "/"
            answer = told if plain else {"result": told, "status": "ok", "time": 0.0}
            if status != 200:
                answer = {"status": {"error": said}, "time": 0.0}
            out = json.dumps(answer, ensure_ascii=False).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(out)))
            self.end_headers()
            self.wfile.write(out)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

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
        engine.client.close()
