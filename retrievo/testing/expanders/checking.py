"""How the tests of an expander call it, and an index for those that want one."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from retrievo.contracts import Encoder, Expander, Store
from retrievo.errors import RetrievoWarning, SearchError
from retrievo.pipeline import Pipeline
from retrievo.retrieve.dense import DenseRetriever
from retrievo.types import Document, Found, Query

QUERIES = (
    "how do I rotate a key?",
    "bread from a hot oven",
    "a",
    "Which of the parrots in the library speaks of glaciers?",
    "日本語のテキスト",
    "rotate_key(vault)",
)

_DOCUMENTS = (
    ("keys", "Keys are rotated once a quarter, by whoever is on call.", "security"),
    ("vault", "The vault keeps the keys; its door has two locks.", "security"),
    ("bread", "Bread is baked in a hot oven, of flour and water.", "baking"),
    ("oven", "Let the oven cool down before it is cleaned.", "baking"),
    ("parrot", "The parrot sits by the window of the library and speaks.", "animals"),
    ("glacier", "Glaciers melt in the sun, and rivers rise.", "nature"),
)


class SampleIndex:
    """An index of six short documents, with a static encoder, a dense branch and BM25."""

    def __init__(self) -> None:
        self.encoder: Encoder = Pipeline.part("encoder", "static")
        self.pipeline = Pipeline(encoder=self.encoder)
        self.pipeline.index(
            Document(name, text, {"tags": [tag]}, name.title()) for name, text, tag in _DOCUMENTS
        )
        self.store: Store = self.pipeline.store
        self._dense = DenseRetriever(self.encoder, self.store)

    def first_pass(self, query: Query, depth: int) -> Found:
        """What the dense branch finds."""
        [found] = self._dense.search([query], depth)
        return Found(self.store.get(found.rows), found.rows, found.scores)

    @property
    def dims(self) -> Mapping[str, int]:
        """The size of each dense representation, by its name."""
        passport = self.store.passport()
        spaces = {} if passport is None else passport.representations
        return {name: space.size or 0 for name, space in spaces.items() if space.kind == "dense"}


def nothing_found(query: Query, depth: int) -> Found:
    """A first pass that finds nothing."""
    return Found([], np.empty(0, np.int64), np.empty(0, np.float32))


def forms_of(expander: Expander, query: Query, first_pass: Any) -> list[Query]:
    """The forms as a search asks for them, of which the types are right."""
    expand = getattr(expander, "expand_found", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RetrievoWarning)
        forms: Any = expand(query, first_pass) if expand else expander.expand(query.text)
    assert isinstance(forms, list), f"a {type(forms).__name__} came, a list is wanted"
    assert forms, "no query came: a search would find nothing"
    for form in forms:
        assert isinstance(form, Query), f"a {type(form).__name__} came among the queries"
        assert isinstance(form.text, str), f"a query's text is a {type(form.text).__name__}"
    return forms


def forms_or_refusal(expander: Expander, query: Query, first_pass: Any) -> list[Query] | None:
    """The forms; None where the expander says by a SearchError that it has none."""
    try:
        return forms_of(expander, query, first_pass)
    except SearchError:
        return None


def check_numbers(form: Query) -> None:
    """That weight, terms and vectors hold nothing that would spoil a score."""
    assert np.isfinite(form.weight) and form.weight >= 0, f"the weight is {form.weight!r}"
    for word, weight in form.terms.items():
        assert isinstance(word, str) and word.strip(), f"a term is {word!r}, a word is wanted"
        assert np.isfinite(weight) and weight >= 0, f"the term {word!r} weighs {weight!r}"
    for name, vector in form.vectors.items():
        assert isinstance(vector, np.ndarray), f"{name}: a {type(vector).__name__}, no array"
        assert np.isfinite(vector).all(), f"{name}: not finite"


def same_forms(one: list[Query], other: list[Query]) -> str:
    """What differs between two lists of forms; "" where nothing does."""
    if len(one) != len(other):
        return f"{len(one)} forms and {len(other)}"
    for a, b in zip(one, other, strict=True):
        if (a.text, a.weight, dict(a.terms)) != (b.text, b.weight, dict(b.terms)):
            return f"{a.text!r}, {a.weight}, {dict(a.terms)} and {b.text!r}, {b.weight}, {b.terms}"
        if a.vectors.keys() != b.vectors.keys():
            return f"vectors of {sorted(a.vectors)} and of {sorted(b.vectors)}"
        for name, vector in a.vectors.items():
            if not np.array_equal(vector, b.vectors[name]):
                return f"the vectors of {a.text!r} as {name!r}"
    return ""
