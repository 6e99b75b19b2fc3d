"""What each chunker's chunks find on chunking_eval: the second table of benchmarks/chunk.py."""

import argparse
import warnings
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from chunk_ways import Counter, Way
from collections_here import data_folder, read_jsonl

from retrievo.encode.sentence import SentenceEncoder
from retrievo.evaluate.spans import precision_omega, read_spans, span_report, span_scores


class Place(NamedTuple):
    doc_id: str
    start: int
    end: int


def compare(
    counter: Counter, given: argparse.Namespace, chosen: Callable[[int], Iterable[Way]]
) -> None:
    """Prints token recall, precision and IoU of the best chunks by exact cosine, and the best there
    could be. Titles are given to none, and filters of queries are not used.
    """
    folder = data_folder() / "chunking_eval"
    texts = {record["_id"]: record["text"] for record in read_jsonl(folder / "corpus.jsonl")}
    queries = read_spans(folder)
    encoder = SentenceEncoder(given.model, device="cpu", cache="off")
    asked = encoder.encode_query([query.text for query in queries])
    known: dict[str, np.ndarray] = {}  # several chunkers cut alike where a text has no structure
    print(f"\n{len(queries)} questions, {counter.name}, {given.size} tokens, top {given.top_k}")
    print(f"{'':<36}chunks  tokens  recall  precision    IoU  precision omega  nowhere")
    for overlap in given.overlap:
        for way in chosen(overlap):
            places, parts, nowhere = placed(way, texts)
            new = [part for part in dict.fromkeys(parts) if part not in known]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of chunks that a chunker made too long
                known |= zip(new, encoder.encode_document(new), strict=True)
            near = asked @ np.stack([known[part] for part in parts]).T
            best = np.argsort(-near, axis=1, kind="stable")[:, : given.top_k]
            report = span_report("chunking_eval", given.top_k, {
                query.id: span_scores([places[i] for i in found], query.spans)
                for query, found in zip(queries, best, strict=True)
            })  # fmt: skip
            omega = np.mean([precision_omega(places, query.spans) for query in queries])
            size = np.mean([counter.count(part) for part in parts])
            print(f"{f'{way.name}, overlap {overlap}':<36}{len(parts):6,}{size:8.0f}"
                  f"{report.recall:8.4f}{report.precision:11.4f}{report.iou:7.4f}{omega:17.4f}"
                  f"{nowhere:9,}", flush=True)  # fmt: skip


def placed(way: Way, texts: dict[str, str]) -> tuple[list[Place], list[str], int]:
    """All chunks with their true places, and of how many the text is nowhere in the document.

    One that is not where it says is looked for; where it is nowhere, it counts for where it says.
    """
    places, parts, nowhere = [], [], 0
    for doc_id, text in texts.items():
        after = 0
        for start, end, part in way.pieces(text):
            if start is None or text[start:end] != part:
                found = text.find(part, after)
                if found < 0:  # the one before has been found too far on
                    found = text.find(part)
                nowhere += found < 0
                if found >= 0:
                    start, end = found, found + len(part)
            after = max(after, start or 0)
            places.append(Place(doc_id, start or 0, end or 0))
            parts.append(part)
    return places, parts, nowhere
