"""Cuts a document into its lines."""

from retrievo import Chunk, Document


class LineChunker:
    """Each line is a chunk; `chunk_size` and `chunk_overlap` change nothing."""

    def __init__(self, chunk_size: int = 256, chunk_overlap: int = 0) -> None:
        self.chunk_size = chunk_size
        self.chunk_overlap = chunk_overlap

    def chunk(self, document: Document) -> list[Chunk]:
        chunks, start = [], 0
        for line in document.text.splitlines(keepends=True) or [""]:
            chunks.append(Chunk(document.id, line, start, start + len(line)))
            start += len(line)
        return chunks
