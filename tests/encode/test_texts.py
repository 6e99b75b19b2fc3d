import numpy as np
import pytest

from retrievo.encode.static import StaticEncoder
from retrievo.encode.texts import as_texts


def test_any_iterable_is_a_list_afterwards():
    given = ["a", "b"]
    assert as_texts(given) == given and as_texts(given) is not given
    assert as_texts(iter(given)) == as_texts(("a", "b")) == as_texts(np.array(given)) == given
    assert as_texts([]) == []


@pytest.mark.parametrize("text", ["rotate", b"rotate", ""])
def test_one_text_is_not_a_list_of_letters(text):
    wanted = rf"texts is a {type(text).__name__}; .* \[text\] for a single text"
    with pytest.raises(TypeError, match=wanted):
        as_texts(text)


@pytest.mark.parametrize("what", [None, 3, b"x", ["x"]])
def test_what_is_no_text_is_named_by_its_position(what):
    wanted = f"the text at position 1 is a {type(what).__name__}; a str is wanted"
    with pytest.raises(TypeError, match=wanted):
        as_texts(["a", what])


def test_the_static_encoder_reads_a_generator_once():
    made = StaticEncoder().encode_document(text for text in ("parrots talk", "glaciers melt"))
    assert np.array_equal(made, StaticEncoder().encode_query(["parrots talk", "glaciers melt"]))
