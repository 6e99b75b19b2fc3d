"""What a component of each kind must offer: protocols, so that no base class is needed.

Steps are in steps.py, stores in stores.py, what a store is handed and tells in stored.py.
`capabilities`, where a part has it, is data that the pipeline and the contract kits both read.
"""

from retrievo.contracts.steps import (
    Chunker,
    Contextualizer,
    Encoder,
    Expander,
    FirstPass,
    Fusion,
    Items,
    Reader,
    Reranker,
    Retriever,
    Spans,
    Tokenizer,
)
from retrievo.contracts.stored import (
    Ask,
    Batch,
    Kind,
    RepresentationStats,
    Space,
    Statistics,
    StoreStats,
)
from retrievo.contracts.stores import Store

__all__ = [
    "Reader",
    "Tokenizer",
    "Chunker",
    "Contextualizer",
    "Encoder",
    "Retriever",
    "Store",
    "Fusion",
    "Reranker",
    "Expander",
    "FirstPass",
    "Space",
    "Kind",
    "Ask",
    "Batch",
    "Statistics",
    "StoreStats",
    "RepresentationStats",
    "Items",
    "Spans",
]
