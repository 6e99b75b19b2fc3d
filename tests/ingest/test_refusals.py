"""An encoder that refuses a text without saying which: the document is found, the rest is in."""

import pytest
from pipelines import CountingEncoder

from retrievo import Document, EncoderError, IngestError

N = 64


class Picky(CountingEncoder):
    """Raises for a batch with a bad word in it."""

    def __init__(self, error=ValueError):
        super().__init__()
        self.error, self.calls = error, 0

    def encode_document(self, texts):
        self.calls += 1
        if any("poison" in text for text in texts):
            raise self.error("cannot tokenise this text")
        return super().encode_document(texts)


class Naming(CountingEncoder):
    """Names one bad text at a time."""

    def encode_document(self, texts):
        bad = [i for i, text in enumerate(texts) if "poison" in text]
        if bad:
            raise EncoderError(f"text {bad[0]} is bad", texts=[bad[0], None, 10**6])
        return super().encode_document(texts)


def given(*poison):
    return [Document(f"d{i:02}", "poison" if i in poison else f"text {i}") for i in range(N)]


@pytest.mark.parametrize("encoder", [Picky(), Naming()], ids=["silent", "naming"])
@pytest.mark.parametrize("poison", [(0,), (N - 1,), (3, 40), (10, 11, 30)])
def test_the_documents_to_blame_fail_and_the_others_are_in(make, encoder, poison):
    with make(encoder=encoder) as pipeline:
        with pytest.raises(IngestError, match=f"{len(poison)} of {N} documents") as caught:
            pipeline.index(given(*poison))
        assert [f.doc_id for f in caught.value.failures] == [f"d{i:02}" for i in poison]
        assert pipeline.store.document_count() == N - len(poison)
        again = pipeline.index(given(), on_error="raise")
        assert (again.added, again.kept) == (len(poison), N - len(poison))


def test_an_encoder_that_refuses_everything_is_to_blame_itself(make):
    encoder = Picky()
    with make(encoder=encoder) as pipeline:
        with pytest.raises(ValueError, match="cannot tokenise") as caught:
            pipeline.index(given(*range(N)))
        assert any("3 documents were refused" in note for note in caught.value.__notes__)
        assert encoder.calls < 16 and pipeline.store.document_count() == 0


def test_an_encoder_that_is_down_is_not_asked_twice(make):
    encoder = Picky(ConnectionError)
    with make(encoder=encoder) as pipeline, pytest.raises(ConnectionError):
        pipeline.index(given(5))
    assert encoder.calls == 1
