"""HyDE: the vector of a passage that a chat service on loopback writes."""

import json

import numpy as np
import pytest
from answering_server import Answer, Script, serving
from chat_server import written
from expanding import BAKERY, indexed

from retrievo import Pipeline
from retrievo.errors import ConfigError, EncoderError, SearchError
from retrievo.types import Query

pytest.importorskip("httpx", reason="needs the extra 'remote'")

from retrievo.expand.hyde import HydeExpander  # it needs httpx

ENCODER = Pipeline.part("encoder", "static")
PASSAGE = "Bread is baked in an oven."


@pytest.fixture(scope="module")
def store():
    return indexed().store


def hyde(url, store, encoder=ENCODER, **more):
    given = {"retries": 0, "backoff_s": 0.0, **more}
    return HydeExpander("tiny", encoder, store, base_url=f"{url}/v1", **given)


def test_the_vector_is_the_mean_of_query_and_passage(store):
    with serving(script := Script(written(PASSAGE))) as url:
        [made] = hyde(url, store).expand("how to make loaves?")
    [own] = ENCODER.encode_query(["how to make loaves?"])
    wanted = own + ENCODER.encode_document([PASSAGE])[0]
    np.testing.assert_allclose(made.vectors["dense"], wanted / np.linalg.norm(wanted), atol=1e-6)
    assert (made.text, made.weight, dict(made.terms)) == ("how to make loaves?", 1.0, {})
    body = json.loads(script.seen[0][3])
    assert body["max_tokens"] == 150 and body["temperature"] == 0
    assert body["messages"][0]["content"] == (
        "Please write a passage to answer the question.\nQuestion: how to make loaves?\nPassage:"
    )


def test_several_passages_count_alike(store):
    passages = [PASSAGE, "Dough wants flour.", "Ovens are hot."]
    with serving(Script(*map(written, passages))) as url:
        [made] = hyde(url, store, passages=3, temperature=0.7).expand("loaves")
    wanted = ENCODER.encode_query(["loaves"])[0] + ENCODER.encode_document(passages).sum(axis=0)
    np.testing.assert_allclose(made.vectors["dense"], wanted / np.linalg.norm(wanted), atol=1e-6)


def test_passages_are_documents_and_the_query_is_the_query_encoders(store):
    class Sided:
        def __init__(self, at):
            self.dim, self.asked, self.at = 256, [], at

        def _one(self, verb, texts):
            self.asked.append((verb, list(texts)))
            vectors = np.zeros((len(texts), 256), np.float32)
            vectors[:, self.at] = 1
            return vectors

        def encode_query(self, texts):
            return self._one("query", texts)

        def encode_document(self, texts):
            return self._one("document", texts)

    documents, queries = Sided(0), Sided(1)
    with serving(Script(written(PASSAGE))) as url:
        [made] = hyde(url, store, documents, query_encoder=queries).expand("loaves")
    assert documents.asked == [("document", [PASSAGE])]
    assert queries.asked == [("query", ["loaves"])]
    np.testing.assert_allclose(made.vectors["dense"][:2], [0.5**0.5] * 2)


def test_a_passage_is_one_clean_line_of_so_many_tokens(store):
    class Notes:
        dim = 256

        def encode_document(self, texts):
            self.texts = texts
            return ENCODER.encode_document(texts)

        encode_query = staticmethod(ENCODER.encode_query)

    noting = Notes()
    said = '"<b>Bread</b>\n\x00\u202eis ' + "very " * 100_000 + 'good"'
    with serving(Script(written(said))) as url:
        hyde(url, store, noting, passage_tokens=20).expand("loaves")
    [text] = noting.texts
    assert len(text.split()) <= 20 and text.startswith('"<b>Bread</b> is')
    assert "\u202e" not in text and "\x00" not in text


def test_an_empty_query_is_not_asked_about(store):
    assert hyde("http://localhost:1", store).expand("  ") == [Query("  ")]


@pytest.mark.parametrize("answer", [Answer(500), written("\u200b\u202e"), written("<think>hm")])
def test_without_a_passage_there_is_an_error(store, answer):
    with serving(Script(answer)) as url:
        with pytest.raises(SearchError, match="hyde cannot expand the query"):
            hyde(url, store).expand("loaves")


def test_a_vector_that_is_none_is_an_error(store):
    class Broken:
        dim = 256
        encode_query = staticmethod(ENCODER.encode_query)

        def encode_document(self, texts):
            return np.full((1, 256), np.nan, np.float32)

    with serving(Script(written(PASSAGE))) as url:
        with pytest.raises(EncoderError, match="NaN"):
            hyde(url, store, Broken()).expand("loaves")


def test_an_index_without_such_vectors_is_not_asked_about(tmp_path, store):
    with pytest.raises(SearchError, match="none as 'meaning'"):
        hyde("http://localhost:1", store, representation="meaning").expand("loaves")
    narrow = Pipeline.part("encoder", "static", truncate_dim=64)
    with pytest.raises(SearchError, match=r"vectors of 64 numbers, and 'dense' .* 256"):
        hyde("http://localhost:1", store, narrow).expand("loaves")
    with pytest.raises(SearchError, match="'bm25' of this index is sparse"):
        hyde("http://localhost:1", store, representation="bm25").expand("loaves")


@pytest.mark.parametrize(
    "bad",
    [
        {"passages": 0},
        {"passages": 2},  # of a temperature of 0 they are alike
        {"passage_tokens": 3},
        {"temperature": -1},
        {"prompt": "no place"},
    ],
)
def test_what_makes_no_sense_is_refused(store, bad):
    with pytest.raises(ConfigError):
        hyde("http://localhost:1", store, **bad)


def test_more_passages_of_a_model_without_temperature(store):
    hyde("http://localhost:1", store, passages=2, leave_out=["temperature"])


def test_a_pipeline_takes_it_from_its_table(tmp_path):
    config = tmp_path / "pipeline.toml"
    with serving(script := Script(written(PASSAGE))) as url:
        config.write_text(
            f'[expander]\nuse = "hyde"\nmodel = "tiny"\nbase_url = "{url}/v1"\nretries = 0\n'
        )
        pipeline = Pipeline.from_toml(config)
        pipeline.index(BAKERY)
        assert pipeline.search("loaves", top_k=1)[0].doc_id == "oven"
        assert len(script.seen) == 1
        pipeline.close()
