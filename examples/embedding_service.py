"""A pipeline whose vectors come from an embedding service: retries, a refused text, what is billed.

The service here is a small server in this process that speaks OpenAI's format, so that nothing
leaves the machine; with base_url and api_key of a real one the rest stays as it is.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from retrievo import Document, Pipeline
from retrievo.errors import IngestError

static = Pipeline.part("encoder", "static", truncate_dim=64)
requests = 0


class Service(BaseHTTPRequestHandler):
    """Busy at first, as services are, and of the mind that 100 words are enough."""

    def do_POST(self):
        global requests
        requests += 1
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if requests == 1:
            return self.answer(429, {"error": {"message": "too many requests"}})
        if any(len(text.split()) > 100 for text in asked["input"]):
            return self.answer(400, {"error": {"message": "maximum input length is 100 words"}})
        rows = static.encode_document(asked["input"]).tolist()
        data = [{"index": place, "embedding": row} for place, row in enumerate(rows)]
        words = sum(len(text.split()) for text in asked["input"])
        self.answer(200, {"data": data, "model": "tiny", "usage": {"total_tokens": words}})

    def answer(self, status, body):
        out = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()

encoder = Pipeline.part(
    "encoder",
    "openai",
    model="tiny",
    base_url=f"http://127.0.0.1:{server.server_port}",
    dim=64,  # known: saves the request that would ask for it
)
pipeline = Pipeline(encoder=encoder)
documents = [
    Document("keys.md", "To rotate a key, make a new one and revoke the old one last."),
    Document("ice.md", "Glaciers melt in the sun."),
    Document("long.md", "word " * 200),
]
try:
    pipeline.index(documents)
except IngestError as error:
    for failure in error.failures:
        print("not indexed:", failure)
print("found:", pipeline.search("how do I replace a key?", top_k=1)[0].doc_id)
print("tokens that the service counted:", encoder.tokens_used)

encoder.close()
server.shutdown()
server.server_close()
