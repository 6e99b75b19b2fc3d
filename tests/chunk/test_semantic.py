import numpy as np
import pytest
from pipelines import CountingEncoder
from token_counters import Words

from retrievo import Pipeline
from retrievo.chunk.semantic import SemanticChunker
from retrievo.encode.static import StaticEncoder
from retrievo.errors import ConfigError, EncoderError
from retrievo.testing.chunkers import ChunkerContract
from retrievo.types import Document


class TestContract(ChunkerContract):
    chunk_size = 32

    @pytest.fixture
    def chunker(self):
        return SemanticChunker(StaticEncoder(), chunk_size=32, chunk_overlap=8, percentile=50)

    def make(self, chunk_size, chunk_overlap):
        return SemanticChunker(
            CountingEncoder(),
            chunk_size=chunk_size,
            chunk_overlap=chunk_overlap,
            tokenizer="static",
        )


class Topics(Words):
    """A text's vector is the share of its words that are of each topic."""

    dim, max_tokens, fingerprint = 3, None, "topics-1"

    def __init__(self):
        self.asked = []

    def encode_document(self, texts):
        self.asked.append(len(texts))
        assert all(texts), "no sentence is empty"
        words = [text.lower().replace(".", " ").split() for text in texts]
        vectors = [[mine.count(topic) for topic in ("sea", "oven", "key")] for mine in words]
        return np.array(vectors, np.float32)

    encode_query = encode_document


TEXT = "The sea. A sea is wet. Deep sea. An oven. The oven is hot. One oven. A key. The key turns."


def chunks_of(text, **given):
    chunker = SemanticChunker(Topics(), **{"buffer": 0, "percentile": 70, **given})
    return [chunk.text for chunk in chunker.chunk(Document("d", text))]


def test_it_cuts_where_the_topic_changes():
    assert chunks_of(TEXT) == [
        "The sea. A sea is wet. Deep sea.",
        "An oven. The oven is hot. One oven.",
        "A key. The key turns.",
    ]


def test_a_higher_percentile_cuts_less():
    assert len(chunks_of(TEXT, percentile=100)) == 1
    assert len(chunks_of(TEXT, percentile=0)) >= 3


def test_no_part_is_over_the_size():
    assert (
        chunks_of(TEXT, chunk_size=9)
        == [
            "The sea. A sea is wet.",
            "Deep sea.",
            "An oven.",
            "The oven is hot. One oven.",
            "A key. The key turns.",
        ]
        or max(len(Words().token_spans(text)) for text in chunks_of(TEXT, chunk_size=9)) <= 9
    )


def test_sentences_are_encoded_in_bounded_batches():
    encoder = Topics()
    SemanticChunker(encoder).chunk(Document("d", "A sea. An oven. " * 700))
    assert sum(encoder.asked) == 1_400 and max(encoder.asked) <= 512


def test_neighbours_beside_a_sentence_smooth_it():
    text = "A sea. A sea. An oven. A sea. A sea. A key. A key. A key."
    assert len(chunks_of(text, percentile=60)) > len(chunks_of(text, percentile=60, buffer=1)) - 1
    assert chunks_of(text, buffer=1, percentile=84)[-1].count("key") >= 2


class Fails(Topics):
    def encode_document(self, texts):
        raise EncoderError("the service is down")


def test_an_encoder_that_fails_is_told_with_the_document():
    pipeline = Pipeline(chunker=SemanticChunker(Fails()))
    report = pipeline.index([Document("doc-7", TEXT)], on_error="skip")
    assert report.failed == 1
    assert "doc-7" in str(report.failures[0]) and "the service is down" in str(report.failures[0])


@pytest.mark.parametrize(
    ("given", "said"),
    [({"percentile": 101}, "percentile is 101"), ({"buffer": -1}, "buffer is -1")],
)
def test_wrong_arguments(given, said):
    with pytest.raises(ConfigError, match=said):
        SemanticChunker(Topics(), **given)


def test_a_passport_tells_the_encoder():
    assert SemanticChunker(Topics()).parameters()["encoder"] == "topics-1"


def test_by_configuration(tmp_path):
    path = tmp_path / "p.toml"
    path.write_text("[chunker]\nuse = 'semantic'\npercentile = 80\n")
    with Pipeline.from_toml(path) as pipeline:
        pipeline.index([Document("d", TEXT)])
        assert pipeline.search("hot oven")[0].doc_id == "d"
