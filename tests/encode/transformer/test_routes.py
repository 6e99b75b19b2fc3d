"""Folders of the structure of LEAF's published asymmetric models, made of tiny ones."""

import numpy as np
import pytest
from tiny_model import sentences, tiny_model

pytest.importorskip("sentence_transformers", reason="needs sentence-transformers")
pytestmark = pytest.mark.models

from sentence_transformers import SentenceTransformer  # noqa: E402
from tiny_transformers import parts  # noqa: E402

from retrievo import Pipeline  # noqa: E402
from retrievo.encode.sentence import SentenceEncoder  # noqa: E402
from retrievo.errors import MismatchError  # noqa: E402

PROMPT = "parrot bridge "


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A teacher with a prompt for queries, and a Router: a narrow student, the teacher."""
    root = tmp_path_factory.mktemp("leaf")
    teacher = SentenceTransformer(str(tiny_model(root / "raw", layers=4, dim=32)), device="cpu")
    teacher.prompts = {"query": PROMPT, "document": ""}
    teacher.save_pretrained(str(root / "teacher"), create_model_card=False)
    small = SentenceTransformer(str(tiny_model(root / "small", layers=1, dim=16)), device="cpu")
    student = [small[0], small[1], parts.Dense(16, 32, activation_function=None), small[2]]
    router = parts.Router.for_query_document(student, list(teacher.children()))
    both = SentenceTransformer(modules=[router], prompts=teacher.prompts, device="cpu")
    both.save_pretrained(str(root / "asym"), create_model_card=False)
    alone = SentenceTransformer(modules=student, prompts=teacher.prompts, device="cpu")
    alone.save_pretrained(str(root / "student"), create_model_card=False)
    return root


def encoder(path, **more):
    return SentenceEncoder(path, cache="off", dtype="float32", **more)


def items(count=70):
    return [{"id": str(at), "text": text} for at, text in enumerate(sentences(count))]


def test_one_folder_for_both_sides(folders):
    both, teacher = encoder(folders / "asym"), encoder(folders / "teacher")
    texts = sentences(5)
    assert np.allclose(both.encode_document(texts), teacher.encode_document(texts), atol=1e-5)
    alone = encoder(folders / "student")
    assert np.allclose(both.encode_query(texts), alone.encode_query(texts), atol=1e-5)
    plain = encoder(folders / "student", query_prompt="")
    prompted = plain.encode_query([PROMPT + text for text in texts])
    assert np.allclose(alone.encode_query(texts), prompted, atol=1e-5), "the prompt is in the query"
    assert not np.allclose(alone.encode_query(texts), plain.encode_query(texts), atol=1e-3)
    with Pipeline(encoder=both) as pipeline:
        pipeline.index(items(5))
        assert len(pipeline.search("glacier lantern", top_k=5)) == 5


def test_a_router_is_aligned_to_the_model_that_its_documents_go_through(folders):
    both, teacher = encoder(folders / "asym"), encoder(folders / "teacher")
    assert both.aligned_to == teacher.fingerprint != both.fingerprint
    assert encoder(folders / "student").aligned_to is None
    with Pipeline(encoder=teacher, query_encoder=both) as pipeline:
        pipeline.index(items())
        assert len(pipeline.search("glacier lantern", top_k=5)) == 5
        assert not pipeline.passport.notes, "it was declared: nothing had to be measured"


def test_a_student_of_nothing_is_measured_and_refused(folders):
    teacher, student = encoder(folders / "teacher"), encoder(folders / "student")
    with Pipeline(encoder=teacher, query_encoder=student) as pipeline:
        pipeline.index(items())
        with pytest.raises(MismatchError, match=r"cosine -?\d\.\d+ \(at least"):
            pipeline.search("glacier lantern")


def test_the_user_can_vouch_for_a_pair(folders):
    teacher = encoder(folders / "teacher")
    vouched = encoder(folders / "student", aligned_to=teacher.fingerprint)
    with Pipeline(encoder=teacher, query_encoder=vouched) as pipeline:
        pipeline.index(items(5))
        assert pipeline.search("glacier lantern")
