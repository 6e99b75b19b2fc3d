import pytest
from hypothesis import given
from hypothesis import strategies as st
from token_counters import Characters, SpaceMatters, Words

from retrievo.chunk.hierarchical import HierarchicalChunker
from retrievo.errors import ConfigError
from retrievo.testing.chunkers import ChunkerContract
from retrievo.types import Document


def made(chunk_size=4, chunk_overlap=0, parent_size=10, tokenizer=None):
    return HierarchicalChunker(
        chunk_size=chunk_size,
        chunk_overlap=chunk_overlap,
        parent_size=parent_size,
        tokenizer=tokenizer or Words(),
    )


class TestContract(ChunkerContract):
    chunk_size = 32

    @pytest.fixture
    def chunker(self):
        return HierarchicalChunker(chunk_size=32, chunk_overlap=0, parent_size=128)

    def make(self, chunk_size, chunk_overlap):
        return HierarchicalChunker(
            chunk_size=chunk_size, chunk_overlap=chunk_overlap, parent_size=4 * chunk_size
        )


class TestContractSpaceMatters(ChunkerContract):
    chunk_size = 20

    @pytest.fixture
    def chunker(self):
        return made(20, 4, 60, SpaceMatters())

    def count(self, text):
        return len(SpaceMatters().token_spans(text))

    def make(self, chunk_size, chunk_overlap):
        return made(chunk_size, chunk_overlap, 3 * chunk_size, SpaceMatters())


def families(text, chunker):
    found = {}
    for chunk in chunker.chunk(Document("d", text)):
        found.setdefault(chunk.parent, []).append(chunk)
    return found


def test_children_tile_their_parent():
    text = "a b c d. e f g h.\n\ni j k l m n o"
    found = families(text, made(6, 0, 10))
    assert [text[start:end] for start, end in found] == ["a b c d. e f g h.", "i j k l m n o"]
    assert ["".join(chunk.text for chunk in mine) for mine in found.values()] == [
        "a b c d. e f g h.",
        "i j k l m n o",
    ]


def test_a_parent_that_fits_has_one_child():
    ((parent, mine),) = families("a b c", made()).items()
    assert parent == (0, 5) and [chunk.text for chunk in mine] == ["a b c"]


def test_white_space_that_does_not_fit_is_left_out_of_the_child():
    text = "abcdef" + " " * 20 + "ghijkl"
    found = families(text, made(8, 0, 40, Characters()))
    ((_, mine),) = found.items()
    assert [chunk.text.strip() for chunk in mine] == ["abcdef", "ghijkl"]
    assert all(len(chunk.text) <= 8 for chunk in mine)


@given(
    text=st.text(alphabet="ab. \n", max_size=200),
    sizes=st.tuples(st.integers(3, 12), st.integers(0, 2)),
)
def test_children_hold_their_parents_text(text, sizes):
    size, overlap = sizes
    found = families(text, made(size, overlap, 30))
    for (start, end), mine in ((span, found[span]) for span in found if span):
        at, written = start, ""
        for chunk in mine:
            assert chunk.start <= at, "words count no white space, so it always fits"
            written += chunk.text[at - chunk.start :]
            at = chunk.end
        assert written == text[start:end]


def test_a_parent_must_be_larger():
    with pytest.raises(ConfigError, match="parent_size is 4 and chunk_size 4"):
        made(4, 0, 4)


def test_a_passport_tells_the_parameters():
    assert made(4, 1, 9).parameters()["parent_size"] == 9
