"""What must be true of an index whatever was done to the process that wrote it, and what it holds.

`check` compares it with the documents themselves: vectors are encoded again, weights weighed
again, counts counted again. `held` is all that the index holds but row numbers, so that two of them
can be compared.
"""

from collections import Counter

import numpy as np
from killing.acts import HashEncoder, ParagraphChunker, document_of

from retrievo.filters import as_filter, matches
from retrievo.ingest.comparing import fingerprint_of
from retrievo.retrieve.terms import terms_of

FILTERS = ('kind == "note"', "version > 0 and kind != 'mail'", "first exists", "not (version < 2)")
QUERIES = ("badu balo", "version 1 of d3", "dine mu bilo", "title")
K1, B = 1.2, 0.75
MEANS = (7, 18)
"""Between these lies the mean length after every act; a killed refit leaves weights of two."""
UNKNOWN_TERMS = (1, 2, 3)


def check(pipeline, may_be):
    """Assert that the index is whole, and that each document is one of what it `may_be`.

    `may_be` has for each document the versions that are right, None for its absence.
    """
    store = pipeline.store
    assert store.health() == []
    rows = np.concatenate([*store.scan(), np.empty(0, np.int64)])
    chunks = dict(zip(rows.tolist(), store.get(rows), strict=True))
    assert store.count() == len(chunks)
    assert len({chunk.id for chunk in chunks.values()}) == len(chunks), "a chunk is there twice"
    check_documents(store, chunks, may_be)
    check_vectors(store, rows, chunks)
    check_weights(store, rows, chunks)
    check_filters(store, chunks)


def check_documents(store, chunks, may_be):
    fingerprints = store.fingerprints()
    assert store.document_count() == len(fingerprints)
    assert set(fingerprints) <= set(may_be), "a document that nobody gave"
    names = list(may_be)
    placed = 0
    for name, own in zip(names, store.document_rows(names), strict=True):
        placed += len(own)
        found = [seen(chunks[row]) for row in own.tolist()]
        right = {version: expected(name, version) for version in may_be[name]}
        version = next((v for v, expectation in right.items() if found == expectation), ...)
        assert version is not ..., f"{name} is none of the versions {set(right)}: {found}"
        fingerprint = None if version is None else fingerprint_of(document_of(name, version))
        if not name.endswith(".txt"):
            assert fingerprints.get(name) == fingerprint, f"{name} has another's fingerprint"
        else:
            assert (name in fingerprints) == (version is not None)
    assert placed == len(chunks), "chunks without a document"


def expected(name, version):
    """The chunks that a version of a document has."""
    if version is None:
        return []
    return [seen(chunk) for chunk in ParagraphChunker().chunk(document_of(name, version))]


def seen(chunk):
    """What is compared of a chunk: all of it, but of a file not what its reader has put in."""
    return chunk.id if chunk.doc_id.endswith(".txt") else chunk


def check_vectors(store, rows, chunks):
    """Each vector is that of its own text, and a search for it finds it first."""
    texts = [chunks[row].indexed_text for row in rows.tolist()]
    wanted = HashEncoder().encode_document(texts)
    assert np.array_equal(np.asarray(store.vectors("dense", rows)), wanted)
    some = np.arange(0, len(rows), max(1, len(rows) // 25))
    asked = store.search("dense", wanted[some], 5)
    first = dict(zip(rows.tolist(), texts, strict=True))
    found = [first[hits.rows[0]] == texts[place] for place, hits in zip(some, asked, strict=True)]
    # A graph of which nearly all was deleted may lose sight of a row.
    assert found.count(False) <= (1 if has_graph(store) else 0), "vectors are not found again"
    assert all(len(hits) == min(5, len(rows)) for hits in asked)
    assert all(hits.scores[0] > 0.999 for hits, own in zip(asked, found, strict=True) if own)
    for everything in store.search("dense", wanted[:1], len(rows) + 10):
        assert sorted(everything.rows.tolist()) == rows.tolist()


def has_graph(store):
    return "approximate" in store.capabilities and store.stats().representations["dense"].graph


def check_weights(store, rows, chunks):
    """Terms, lengths and document frequencies as counted from the texts, weights as BM25's."""
    analyzer = terms_of("english", None)
    terms = [Counter(analyzer.indices(chunks[row].indexed_text)) for row in rows.tolist()]
    lengths = [count.total() for count in terms]
    statistics = store.statistics("bm25")
    assert statistics.n == len(rows)
    assert np.isclose(statistics.mean_length * len(rows), sum(lengths))
    frequencies = Counter(term for count in terms for term in count)
    asked = np.array([*frequencies, *UNKNOWN_TERMS], np.uint32)
    assert store.frequencies("bm25", asked).tolist() == [*frequencies.values(), 0, 0, 0]
    kept = store.vectors("bm25", rows)
    for place, (count, length) in enumerate(zip(terms, lengths, strict=True)):
        weights = weights_of(kept, place)
        assert weights.keys() == count.keys()
        for term, weight in weights.items():
            mean = mean_of(weight, count[term], length)
            assert MEANS[0] < mean < MEANS[1], f"a weight was made with the mean length {mean}"


def weights_of(kept, place):
    indices, values = kept[place]
    return dict(zip(indices.tolist(), values.tolist(), strict=True))


def mean_of(weight, times, length):
    """The mean length that gives a term of a text this weight: BM25's formula turned round."""
    norm = times * (1 / weight - 1) / K1
    return B * length / (norm - (1 - B))


def check_filters(store, chunks):
    for text in FILTERS:
        wanted = as_filter(text)
        right = {
            row for row, chunk in chunks.items() if matches(wanted, chunk.metadata, chunk.doc_id)
        }
        assert store.count(wanted) == len(right)
        query = HashEncoder().encode_query(["a query"])
        found = store.search("dense", query, 20, wanted)[0].rows.tolist()
        assert len(found) == min(20, len(right)) and set(found) <= right


def held(pipeline):
    """All that the index holds, by document: what two equal indexes have in common."""
    store = pipeline.store
    fingerprints = store.fingerprints()
    names = sorted(fingerprints)
    documents, terms = {}, set()
    for name, rows in zip(names, store.document_rows(names), strict=True):
        kept = store.vectors("bm25", rows)
        weights = [weights_of(kept, place) for place in range(len(rows))]
        terms.update(term for row in weights for term in row)
        documents[name] = {
            "fingerprint": fingerprints[name],
            "chunks": store.get(rows),
            "vectors": [vector.tobytes() for vector in np.asarray(store.vectors("dense", rows))],
            "weights": weights,
        }
    order = np.array(sorted(terms), np.uint32)
    return {
        "documents": documents,
        "frequencies": (order.tolist(), store.frequencies("bm25", order).tolist()),
        "statistics": store.statistics("bm25"),
        "counts": (store.document_count(), store.count()),
        "passport": store.passport(),
        "config": store.config(),
        "answers": [answers(pipeline, query) for query in QUERIES],
    }


def answers(pipeline, query):
    """The hits of a query, and of its lexical branch alone, with their scores."""
    found = pipeline.search(query, top_k=10, filters="version < 2")
    return [(hit.chunk.id, round(hit.score, 5)) for hit in found]


def differences(one, other):
    """What two indexes do not have in common, in words."""
    told = [key for key in one if key != "documents" and one[key] != other[key]]
    mine, theirs = one["documents"], other["documents"]
    for name in sorted({*mine, *theirs}):
        if (name in mine) != (name in theirs):
            told.append(f"{name} is missing")
        else:
            parts = mine[name].items()
            told += [f"{part} of {name}" for part, value in parts if value != theirs[name][part]]
    return told
