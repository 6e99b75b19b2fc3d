"""The built-in components: one plugin like any other, and nothing here imports them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retrievo.hookspecs import Register, hookimpl


@hookimpl
def retrievo_register_readers(register: Register) -> None:
    register("text", "retrievo.read.text:TextReader")
    register("markdown", "retrievo.read.markdown:MarkdownReader")
    register("html", "retrievo.read.html:HtmlReader")
    register("json", "retrievo.read.jsonl:JsonReader")
    register("code", "retrievo.read.code:CodeReader")


@hookimpl
def retrievo_register_chunkers(register: Register) -> None:
    register("recursive", "retrievo.chunk.recursive:RecursiveChunker")
    register("sentences", "retrievo.chunk.sentences:SentencesChunker")
    register("tokens", "retrievo.chunk.tokens:TokensChunker")
    register("semantic", "retrievo.chunk.semantic:SemanticChunker")
    register("markdown", "retrievo.chunk.markdown:MarkdownChunker")
    register("html", "retrievo.chunk.html:HtmlChunker")
    register("code", "retrievo.chunk.code:CodeChunker", extra="code")
    register("windows", "retrievo.chunk.windows:WindowsChunker")
    register("hierarchical", "retrievo.chunk.hierarchical:HierarchicalChunker")


@hookimpl
def retrievo_register_contextualizers(register: Register) -> None:
    register("template", "retrievo.contextualize.template:TemplateContextualizer")
    register("blurb", "retrievo.contextualize.blurb:BlurbContextualizer", extra="remote")


@hookimpl
def retrievo_register_encoders(register: Register) -> None:
    register("static", "retrievo.encode.static:StaticEncoder")
    register("sentence-transformers", "retrievo.encode.sentence:SentenceEncoder", extra="models")
    register("multi-vector", "retrievo.encode.multi_vector:MultiVectorEncoder", extra="models")
    register("static-student", "retrievo.encode.student.static:StaticStudent")
    register(
        "layers-student", "retrievo.encode.student.transformer:TransformerStudent", extra="models"
    )
    register(
        "external-student", "retrievo.encode.student.transformer:TransformerStudent", extra="models"
    )
    register("openai", "retrievo.encode.remote.services:openai", extra="remote")
    register("cohere", "retrievo.encode.remote.services:cohere", extra="remote")
    register("jina", "retrievo.encode.remote.services:jina", extra="remote")
    register("tei", "retrievo.encode.remote.services:tei", extra="remote")
    register("ollama", "retrievo.encode.remote.services:ollama", extra="remote")


@hookimpl
def retrievo_register_stores(register: Register) -> None:
    register("local", "retrievo.store.local.store:LocalStore")
    register("memory", "retrievo.store.memory.store:MemoryStore")
    register("qdrant", "retrievo.store.qdrant.store:QdrantStore", extra="qdrant")


@hookimpl
def retrievo_register_retrievers(register: Register) -> None:
    register("dense", "retrievo.retrieve.dense:DenseRetriever")
    register("cascade", "retrievo.retrieve.cascade:CascadeRetriever")
    register("bm25", "retrievo.retrieve.bm25:Bm25Retriever")
    register("rank-bm25", "retrievo.retrieve.rank_bm25:RankBm25Retriever", extra="bm25")
    register("sparse", "retrievo.retrieve.sparse:SparseRetriever", extra="models")
    register("late-interaction", "retrievo.retrieve.late_interaction:LateInteractionRetriever")


@hookimpl
def retrievo_register_fusions(register: Register) -> None:
    register("convex", "retrievo.fuse.convex:Convex")
    register("rrf", "retrievo.fuse.reciprocal:ReciprocalRank")
    register("dbsf", "retrievo.fuse.distribution:DistributionBased")
    register("gated", "retrievo.fuse.gated:Gated")
    register("learned", "retrievo.fuse.learned:Learned")


@hookimpl
def retrievo_register_rerankers(register: Register) -> None:
    register("diversity", "retrievo.rerank.diversity:DiversityReranker")
    register("cross-encoder", "retrievo.rerank.cross_encoder:CrossEncoderReranker", extra="models")
    register("cohere-rerank", "retrievo.rerank.services:cohere", extra="remote")
    register("jina-rerank", "retrievo.rerank.services:jina", extra="remote")
    register("tei-rerank", "retrievo.rerank.services:tei", extra="remote")
    register("max-sim", "retrievo.rerank.max_sim:MaxSimReranker")
    register("llm", "retrievo.rerank.llm:LlmReranker", extra="remote")


@hookimpl
def retrievo_register_expanders(register: Register) -> None:
    register("feedback", "retrievo.expand.feedback:FeedbackExpander")
    register("multi-query", "retrievo.expand.multi_query:MultiQueryExpander", extra="remote")
    register("keywords", "retrievo.expand.keywords:KeywordsExpander")
    register("hyde", "retrievo.expand.hyde:HydeExpander", extra="remote")


@hookimpl
def retrievo_read_config(path: Path) -> Mapping[str, Any] | None:
    if path.suffix not in (".toml", ".json"):
        return None
    from retrievo.config.files import read_tables  # most hosts never read a file

    return read_tables(path)
