"""Chunks that know their context: by a template at no cost, and by a language model's sentences.

The model here is a small server in this process that speaks OpenAI's chat format, so that nothing
leaves the machine; with base_url, model and api_key of a real one the rest stays as it is.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from retrievo import Document, Pipeline
from retrievo.types import Section

TEXT = """## Ovens

Heat it for ten minutes before the first batch.

Let it cool down overnight.

## Shelves

Wipe them with a dry cloth.
"""
SECTIONS = (Section(0, ("Ovens",)), Section(TEXT.index("## Sh"), ("Shelves",)))
PAGE = Document("kitchen.md", TEXT, title="Bakery handbook", sections=SECTIONS)


class Model(BaseHTTPRequestHandler):
    """Knows what the handbook leaves unsaid."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        passage = asked["messages"][1]["content"].split("<passage>")[1]
        thing = "switching off a furnace" if "cool" in passage else "daily work"
        said = f"In a handbook for bakers, this passage is about {thing}."
        answer = {"choices": [{"message": {"role": "assistant", "content": said}}]}
        out = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
threading.Thread(target=server.serve_forever, daemon=True).start()

chunker = Pipeline.part("chunker", "recursive", chunk_size=20, chunk_overlap=0)
template = Pipeline.part("contextualizer", "template", template="{title} > {headings}")
blurb = Pipeline.part(
    "contextualizer",
    "blurb",
    model="tiny",
    base_url=f"http://127.0.0.1:{server.server_port}/v1",
    price_per_million={"input": 0.15, "output": 0.60},
    max_calls=100,
)
for contextualizer, query in ((template, "ovens at night"), (blurb, "switch off the furnace")):
    with Pipeline(chunker=chunker, contextualizer=contextualizer) as pipeline:
        print(f"{query}: {pipeline.plan([PAGE])}")
        pipeline.index([PAGE])
        hit = pipeline.search(query, top_k=1)[0]
        print(f"  text:    {' '.join(hit.text.split())}")
        print(f"  context: {' | '.join(hit.chunk.context.splitlines())}")

blurb.close()
server.shutdown()
server.server_close()
