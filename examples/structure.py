"""Cut by structure: chunks that end where sections and functions end, and know where they stand."""

from retrievo import Document, Pipeline

GUIDE = """# Operations

How the service is run.

## Keys

Keys are rotated every ninety days. Whoever is on call does it, and writes down the hour, the reason
and the name of the new key in the log that all of the team can read.

### Rotation

| step | who |
|------|-----|
| make a new key | on call |
| try it for an hour | on call |
| revoke the old one | the lead |
"""

CODE = '''
class Store:
    """Keeps batches."""

    def write(self, batch):
        """Append a batch; what is known already is left as it is."""
        self.rows.extend(row for row in batch if row.id not in self.known)

    def read(self, first, last):
        """The rows from first to last, in the order in which they came."""
        return self.rows[first:last]
'''

chunker = Pipeline.part("chunker", "markdown", chunk_size=64, chunk_overlap=0)
with Pipeline(chunker=chunker) as pipeline:
    pipeline.index([Document("guide.md", GUIDE, title="Operations")])
    hit = pipeline.search("who revokes the old key?", top_k=1)[0]
    print(hit.metadata["headings"], "under:", hit.chunk.context)
    print(hit.text)

try:
    import tree_sitter_python  # noqa: F401
except ImportError:
    print("for the rest: pip install 'retrievo[code]'")
else:
    chunker = Pipeline.part("chunker", "code", chunk_size=48, chunk_overlap=0)
    with Pipeline(chunker=chunker) as pipeline:
        pipeline.index([Document("store.py", CODE)])
        hit = pipeline.search("append what is new", top_k=1)[0]
        print(hit.metadata["symbols"], "under:", hit.chunk.context)
