"""Documents and queries for the retrievers' contract: few, some with many words in common."""

from itertools import pairwise

from retrievo.types import Chunk, Document

TEXTS = (
    "Keys are rotated once a quarter. The key of the vault is kept in two halves.",
    "A token is a short-lived key; tokens are refreshed by the client.",
    "The moon has no air. The river has no moon.",
    "Bread is made of flour, water and salt, and baked in a hot oven.",
    "The glacier feeds the river, and the river feeds the lake.",
    "How to bake bread without an oven: a pan, flour and water.",
    "def rotate_key(vault, key):\n    return vault.write(key.next())",
    "日本語のテキスト。東京大学の図書館は大きい。",
    "",
    "The key, the key, the key: a key opens the vault of the moon.",
    "Salt water of the sea; the moon moves it.",
    "Nothing that is here is in any of the others: zebra.",
)
QUERIES = ("rotate the key of the vault", "moon river", "bread oven flour", "東京 図書館", "zebra")


def items(
    first: int = 0, last: int = len(TEXTS), *, chunks_each: int = 2
) -> list[tuple[Document, list[Chunk]]]:
    """Documents d0, d1, … in at most so many chunks each, with `n` and `even` in their metadata."""
    made = []
    for number in range(first, last):
        text = TEXTS[number]
        meta = {"n": number, "even": number % 2 == 0}
        document = Document(f"d{number}", text, meta, f"Title {number}")
        cuts = sorted({len(text) * part // chunks_each for part in range(chunks_each + 1)})
        spans = list(pairwise(cuts)) or [(0, 0)]
        chunks = [Chunk(document.id, text[a:b], a, b, metadata=meta) for a, b in spans]
        made.append((document, chunks))
    return made
