"""Plugins and components for the tests of host, configuration and assembly."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from retrievo.errors import ConfigError
from retrievo.hookspecs import hookimpl


class FakeEncoder:
    max_tokens, fingerprint = None, "fake"
    encode_query = encode_document = None
    dim = 4

    def __init__(self, model: str = "small", *, layers: int | None = None, api_key: str = ""):
        if model == "broken":
            raise ValueError(f"no weights for {model},\nkey {api_key}")
        if model == "refused":
            raise ConfigError("model 'refused' is too old")
        self.model, self.layers, self.api_key = model, layers, api_key

    def token_spans(self, text):
        return []


class DeafEncoder:
    """Has no token_spans."""

    dim, max_tokens, fingerprint = 4, None, "deaf"
    encode_query = encode_document = None

    def __init__(self, encoder=None, tokenizer=None):
        self.encoder, self.tokenizer = encoder, tokenizer


class FakeChunker:
    def __init__(
        self,
        chunk_size: int = 256,
        chunk_overlap: int = 32,
        *,
        on_truncate: Literal["error", "warn"] = "error",
        marks: tuple[str, ...] = (),
        ratio: float = 0.5,
        strict: bool = False,
        folder: Path | None = None,
        tokenizer=None,
    ):
        self.chunk_size, self.chunk_overlap = chunk_size, chunk_overlap
        self.on_truncate, self.marks, self.ratio = on_truncate, marks, ratio
        self.strict, self.folder, self.tokenizer = strict, folder, tokenizer


class FakeContextualizer:
    contextualize = None

    def __init__(self, words: int = 3, encoder=None):
        self.words, self.encoder = words, encoder


class FakeStore:
    def __init__(self, path: Path | None = None):
        self.path = path


class FolderStore:
    def __init__(self, path: Path):
        self.path = path


class FakeRetriever:
    representations = represent = search = None

    def __init__(self, store, encoder=None, query_encoder="none given", *, depth: int = 100):
        self.store, self.encoder, self.query_encoder = store, encoder, query_encoder
        self.depth = depth


class FakeFusion:
    def __init__(self, weights: dict[str, float] | None = None):
        self.weights = weights


class FakeReranker:
    def __init__(self, model: str, other: object = None, texts: Sequence[str] = ()):
        self.model, self.other, self.texts = model, other, texts


class OpenExpander:
    def __init__(self, **settings):
        self.settings = settings


class FakeReader:
    suffixes = frozenset({".fake"})
    read = None

    def __init__(self, field: str = "text"):
        self.field = field


def fake_reader(prefix):
    """A factory whose argument has no default: it cannot be built without a table."""
    return FakeReader(prefix)


class Fakes:
    """One plugin with a component of each kind."""

    @hookimpl
    def retrievo_register_readers(self, register):
        register("fake-reader", FakeReader)
        register("needy", fake_reader)

    @hookimpl
    def retrievo_register_chunkers(self, register):
        register("fake-chunker", FakeChunker)

    @hookimpl
    def retrievo_register_contextualizers(self, register):
        register("fake-contextualizer", FakeContextualizer)

    @hookimpl
    def retrievo_register_encoders(self, register):
        register("fake-encoder", FakeEncoder)
        register("deaf", DeafEncoder)

    @hookimpl
    def retrievo_register_stores(self, register):
        register("fake-store", FakeStore)
        register("folder", FolderStore)

    @hookimpl
    def retrievo_register_retrievers(self, register):
        register("fake-retriever", FakeRetriever)

    @hookimpl
    def retrievo_register_fusions(self, register):
        register("fake-fusion", FakeFusion)

    @hookimpl
    def retrievo_register_rerankers(self, register):
        register("fake-reranker", FakeReranker)

    @hookimpl
    def retrievo_register_expanders(self, register):
        register("open", OpenExpander)

    @hookimpl
    def retrievo_register_pipelines(self, register):
        register("fake-tables", {"chunker": {"use": "fake-chunker"}})
        register("fake-made", lambda: {"chunker": {"use": "fake-chunker", "chunk_size": 9}})
        register("fake-wrong", lambda: 5)
        register("fake-file", "nowhere_at_all:pipeline.toml")


def install(
    folder: Path,
    name: str,
    plugin: str,
    *,
    version: str = "0.1.0",
    requires: Sequence[str] = (),
    extras: Sequence[str] = (),
    modules: dict[str, str] | None = None,
) -> str:
    """Put a distribution `retrievo-NAME` with the plugin NAME into a folder of the path.

    `plugin` is the source of its plugin module, `modules` that of others in its package. Its
    package's name comes back.
    """
    package = f"retrievo_{name}"
    (folder / package).mkdir(parents=True)
    sources = {"__init__": "", "plugin": plugin, **(modules or {})}
    for module, source in sources.items():
        (folder / package / f"{module}.py").write_text(source)
    info = folder / f"retrievo_{name}-{version}.dist-info"
    info.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: retrievo-{name}", f"Version: {version}"]
    lines += [f"Provides-Extra: {extra}" for extra in extras]
    lines += [f"Requires-Dist: {one}" for one in requires]
    (info / "METADATA").write_text("\n".join(lines) + "\n")
    (info / "entry_points.txt").write_text(f"[retrievo]\n{name} = {package}.plugin\n")
    return package
