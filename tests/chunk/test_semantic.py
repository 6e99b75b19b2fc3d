from itertools import pairwise

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
            percentile=60,
            tokenizer="static",
        )

    def make_with(self, tokenizer):
        return SemanticChunker(CountingEncoder(), chunk_size=32, tokenizer=tokenizer)


class Topics(Words):
    """A text's vector is the share of its words that are of each topic."""

    dim, max_tokens, fingerprint = 3, None, "topics-1"

    def __init__(self):
        self.asked = []
        self.read = []

    def encode_document(self, texts):
        self.asked.append(len(texts))
        self.read += texts
        assert all(texts), "no sentence is empty"
        words = [text.lower().replace(".", " ").split() for text in texts]
        vectors = [[mine.count(topic) for topic in ("sea", "oven", "key")] for mine in words]
        return np.array(vectors, np.float32)

    encode_query = encode_document


TEXT = "The sea. A sea is wet. Deep sea. An oven. The oven is hot. One oven. A key. The key turns."


def chunks_of(text, **given):
    plain = {"buffer": 0, "percentile": 70, "min_chunk_size": 0}
    chunker = SemanticChunker(Topics(), **{**plain, **given})
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


def test_the_breaks_are_those_of_the_percentile_of_all_distances():
    """Against the recipe of Kamradt 2023, written out: neighbours joined, cosines, percentile."""
    draw = np.random.default_rng(3)
    words = ["sea", "oven", "key", "so"]
    sentences = [" ".join(draw.choice(words, 5)).capitalize() + "." for _ in range(60)]
    joined = [" ".join(sentences[max(0, n - 1) : n + 2]) for n in range(60)]
    vectors = Topics().encode_document(joined)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    distances = [1 - float(a @ b) for a, b in pairwise(vectors)]
    limit = np.percentile(distances, 90)
    wanted = [[]]
    for sentence, distance in zip(sentences, [*distances, 0], strict=True):
        wanted[-1].append(sentence)
        if distance > limit:
            wanted.append([])
    found = chunks_of(" ".join(sentences), buffer=1, percentile=90, chunk_size=1_000)
    assert found == [" ".join(part) for part in wanted] and len(found) == 7


def test_a_part_that_is_too_long_is_cut_where_sentences_part_most():
    """Three sentences fit, and the second is farther from the third than that from the fourth."""
    text = "A sea. A sea. An oven. An oven. A sea. A sea."
    found = chunks_of(text, percentile=100, chunk_size=10)
    assert found == ["A sea. A sea.", "An oven. An oven.", "A sea. A sea."]


def test_what_is_less_than_the_least_is_not_cut_off():
    text = "A sea. A sea. A sea. An oven. A key. A key. A key. A sea."
    assert chunks_of(text, percentile=50) == [
        "A sea. A sea. A sea.",
        "An oven.",
        "A key. A key. A key.",
        "A sea.",
    ]
    assert chunks_of(text, percentile=50, min_chunk_size=4) == [
        "A sea. A sea. A sea.",
        "An oven. A key. A key. A key. A sea.",
    ]


class Reads(Topics):
    max_tokens = 20


@pytest.mark.parametrize("text", ["A sea, " * 40 + "it is. An oven. ", "An oven is hot. A sea. "])
def test_an_encoder_is_asked_for_no_more_than_half_of_what_it_reads(text):
    """A tokenizer that is not its own may count fewer tokens than it does."""
    encoder = Reads()
    SemanticChunker(encoder, buffer=3).chunk(Document("d", text * 20))
    assert max(len(encoder.token_spans(text)) for text in encoder.read) == 10


def test_a_long_neighbour_does_not_hide_the_sentence():
    encoder = Topics()
    text = f"{'A sea ' * 400}. An oven. {'A key ' * 400}."
    SemanticChunker(encoder).chunk(Document("d", text))
    assert "An oven." in encoder.read[1] and len(encoder.token_spans(encoder.read[1])) == 256


def test_sentences_are_encoded_in_bounded_batches():
    encoder = Topics()
    SemanticChunker(encoder).chunk(Document("d", "A sea. An oven. " * 700))
    assert sum(encoder.asked) == 1_400 and max(encoder.asked) <= 512


def test_neighbours_beside_a_sentence_smooth_it():
    """Alone the oven is farthest from the sea; among its neighbours the key is."""
    text = "A sea. A sea. An oven. A sea. A sea. A sea. A key. A key. A key."
    assert chunks_of(text, percentile=60) == [
        "A sea. A sea.",
        "An oven.",
        "A sea. A sea. A sea.",
        "A key. A key. A key.",
    ]
    assert chunks_of(text, buffer=1, percentile=80) == [
        "A sea. A sea. An oven. A sea. A sea. A sea.",
        "A key. A key. A key.",
    ]


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
    [
        ({"percentile": 101}, "percentile is 101"),
        ({"buffer": -1}, "buffer is -1"),
        ({"min_chunk_size": -1}, "min_chunk_size is -1"),
        ({"min_chunk_size": 256}, "min_chunk_size is 256 and chunk_size 256"),
    ],
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
