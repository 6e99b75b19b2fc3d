"""A judged collection to measure by: its queries, what they judge, and some of the rest."""

import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from retrievo.errors import DatasetError
from retrievo.evaluate.datasets import Dataset
from retrievo.types import Document


class Judged(NamedTuple):
    """Documents, queries, and for each query the grades of documents by their place."""

    name: str
    documents: Sequence[str]
    queries: Sequence[str]
    grades: Sequence[Mapping[int, int]]

    @classmethod
    def read(cls, dataset: Dataset, *, others: int | None, seed: int = 0) -> "Judged":
        """All judged documents, and `others` more drawn by `seed`; None takes them all.

        With fewer documents nDCG is higher than on the whole collection: compare such numbers
        with each other only. Raises DatasetError where no judged document is in the collection.
        """
        wanted = {doc_id for query in dataset.queries for doc_id in query.grades}
        judged: dict[str, str] = {}
        rest: dict[str, str] = {}
        for document in dataset.documents():
            side = judged if document.id in wanted else rest
            side[document.id] = whole_text(document)
        if not judged:
            raise DatasetError(f"none of the judged documents of {dataset.name} is in its corpus")
        kept = sorted(rest)
        if others is not None and others < len(kept):
            kept = random.Random(seed).sample(kept, others)
        documents = {**judged, **{name: rest[name] for name in kept}}
        places = {name: place for place, name in enumerate(documents)}
        grades = [
            {places[name]: grade for name, grade in query.grades.items() if name in places}
            for query in dataset.queries
        ]
        queries = [query.text for query in dataset.queries]
        return cls(dataset.name, list(documents.values()), queries, grades)


def whole_text(document: Document) -> str:
    """The title, where there is one, and the text."""
    return f"{document.title}\n{document.text}".strip()
