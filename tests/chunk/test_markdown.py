import pytest
from token_counters import SpaceMatters, Words

from retrievo.chunk.markdown import MarkdownChunker
from retrievo.chunk.markdown_blocks import blocks, front_matter
from retrievo.read.markdown import MarkdownReader
from retrievo.testing.chunkers import ChunkerContract
from retrievo.types import Document, Section


class TestContract(ChunkerContract):
    chunk_size = 32
    huge = 500_000

    @pytest.fixture
    def chunker(self):
        return MarkdownChunker(chunk_size=32, chunk_overlap=8)

    def make(self, chunk_size, chunk_overlap):
        return MarkdownChunker(chunk_size=chunk_size, chunk_overlap=chunk_overlap)

    def make_with(self, tokenizer):
        return MarkdownChunker(chunk_size=32, chunk_overlap=8, tokenizer=tokenizer)


class TestContractSpaceMatters(ChunkerContract):
    chunk_size = 20
    huge = None

    @pytest.fixture
    def chunker(self):
        return self.make(20, 5)

    def make(self, chunk_size, chunk_overlap):
        return MarkdownChunker(
            chunk_size=chunk_size, chunk_overlap=chunk_overlap, tokenizer=SpaceMatters()
        )

    def count(self, text):
        return len(SpaceMatters().token_spans(text))


def cut(text, size, overlap=0, title="", sections=(), metadata=None):
    chunker = MarkdownChunker(chunk_size=size, chunk_overlap=overlap, tokenizer=Words())
    return chunker.chunk(Document("d", text, metadata or {}, title, sections))


def words(n, word="word"):
    return " ".join([word] * n)


GUIDE = f"""# Guide

{words(12, "intro")}

## Keys

{words(12, "keys")}

### Rotation

{words(12, "turn")}
{words(12, "again")}

## Doors

{words(12, "doors")}
"""


def test_a_chunk_crosses_no_heading_and_knows_those_above_it():
    chunks = cut(GUIDE, 20, title="Guide")
    found = [
        (chunk.text.split()[-1], chunk.context, chunk.metadata["headings"]) for chunk in chunks
    ]
    assert found == [
        ("intro", "", ["Guide"]),
        ("keys", "Guide", ["Guide", "Keys"]),
        ("turn", "Guide > Keys", ["Guide", "Keys", "Rotation"]),
        ("again", "Guide > Keys > Rotation", ["Guide", "Keys", "Rotation"]),
        ("doors", "Guide", ["Guide", "Doors"]),
    ]


def test_a_title_that_is_no_heading_stands_above_them():
    contexts = [chunk.context for chunk in cut(GUIDE, 20, title="Manual")]
    assert contexts[:3] == ["Manual", "Manual > Guide", "Manual > Guide > Keys"]
    # A context takes a quarter of 20 tokens at most: the outermost name is left out.
    assert contexts[3] == "Guide > Keys > Rotation"


def test_small_neighbours_under_one_parent_are_one_chunk():
    text = "# Terms\n\n" + words(160) + "".join(f"\n\n## Term {n}\n\nis {n}" for n in range(5))
    first, *others = cut(text, 192)
    assert first.text.endswith("word")
    # Six tokens a section, as "##" is two; an eighth of 192 is 24.
    assert [chunk.text.count("## Term") for chunk in others] == [4, 1]
    assert {tuple(chunk.metadata["headings"]) for chunk in others} == {
        ("Terms",), ("Terms", "Term 4")}  # fmt: skip
    assert [chunk.context for chunk in others] == ["Terms", "Terms"]


def test_sections_of_another_parent_are_not_joined():
    text = "# A\n\n" + words(18) + "\n\n## A one\n\nx\n\n# B\n\ny"
    assert [chunk.metadata["headings"] for chunk in cut(text, 128)] == [
        ["A"],
        ["A", "A one"],
        ["B"],
    ]


def test_a_lone_heading_joins_what_stands_under_it():
    text = f"# Guide\n\n## Keys\n\n{words(28)}\n\n## Doors\n\n{words(28)}"
    first, second = cut(text, 40)
    assert first.text.startswith("# Guide\n\n## Keys")
    assert (first.context, first.metadata["headings"]) == ("", ["Guide", "Keys"])
    assert (second.context, second.metadata["headings"]) == ("Guide", ["Guide", "Doors"])


@pytest.mark.parametrize(
    "block",
    [
        "```python\n" + "a = 1\n\n" * 5 + "```",
        "~~~\n" + "a = 1\n\n" * 5 + "~~~",
        "| a | b |\n|-|-|\n" + "| 1 | 2 |\n| 1 | 2 |",
        "- one word\n\n- two\n  more\n\n  - inside\n\n- three words here",
        "1. one word\n2. two\n3. three words here, and a few more of them",
        "> one\n> two three\n>\n> four five six seven eight",
        "<!-- not seen:\n\n" + "one two\n\n" * 6 + "-->",
    ],
)
@pytest.mark.parametrize("before", range(0, 24, 3))
def test_what_belongs_together_is_not_cut_where_it_fits(block, before):
    text = f"{words(before)}\n\n{block}\n\n" + f"{words(6)}. " * 4
    chunks = cut(text, 26)
    assert len(chunks) > 1
    assert sum(block in chunk.text for chunk in chunks) == 1


def test_a_table_that_does_not_fit_is_cut_between_rows():
    table = "| a | b |\n|---|---|\n" + "| one two | three |\n" * 40
    chunks = cut(table, 30)
    assert len(chunks) > 5
    assert all(chunk.text.startswith("|") and chunk.text.endswith("|") for chunk in chunks)


def test_of_a_long_list_items_are_not_cut():
    items = [f"- item {n}\n\n  {words(9)}\n" for n in range(8)]
    chunks = cut("".join(items), 30)
    assert [chunk.text.count("- item") for chunk in chunks] == [2, 2, 2, 2]


def test_overlap_is_inside_of_sections_only():
    text = f"# A\n\n{words(30, 'a')}\n\n# B\n\n{words(30, 'b')}"
    chunks = cut(text, 20, overlap=5)
    starts = [chunk.text[0] for chunk in chunks]
    assert starts == ["#", "a", "#", "b"]
    assert chunks[1].start < chunks[0].end
    assert chunks[2].start >= chunks[1].end


def test_sections_of_the_document_are_used():
    text = f"{words(20, 'a')} {words(20, 'b')}"
    sections = (Section(0, ("First",)), Section(text.index("b"), ("First", "Second")))
    chunks = cut(text, 30, sections=sections)
    assert [(chunk.text[0], chunk.context, chunk.metadata["headings"]) for chunk in chunks] == [
        ("a", "First", ["First"]),
        ("b", "First > Second", ["First", "Second"]),
    ]


def test_the_readers_sections_are_those_of_the_text(tmp_path):
    (tmp_path / "guide.md").write_text(GUIDE)
    [document] = MarkdownReader().read(tmp_path / "guide.md")
    chunker = MarkdownChunker(chunk_size=20, chunk_overlap=0, tokenizer=Words())
    bare = Document(document.id, document.text, {}, document.title)
    assert chunker.chunk(document) == chunker.chunk(bare)


def test_front_matter_is_no_heading():
    text = f"---\ntitle: Keys\nlang: en\n---\n\n{words(12)}\n\n# Keys\n\n{words(20)}"
    assert [chunk.metadata.get("headings") for chunk in cut(text, 24)] == [None, ["Keys"]]


@pytest.mark.parametrize("text", ["---\n\n# A\n\n---\n", "text\n---\n", "---\ntitle: x\n"])
def test_what_is_no_front_matter(text):
    assert front_matter(text) == 0


def test_the_documents_own_entry_wins():
    [chunk] = cut("# A\n\ntext", 20, metadata={"headings": "mine"})
    assert chunk.metadata == {"headings": "mine"}


def test_an_endless_heading_is_not_in_every_chunk():
    chunks = cut("# " + "x" * 100_000 + "\n\n" + words(100), 20)
    assert max(len(chunk.metadata["headings"][0]) for chunk in chunks) == 200


class TenTokens(Words):
    max_tokens = 10


def test_context_and_text_fit_into_what_the_encoder_reads():
    encoder = TenTokens()
    chunker = MarkdownChunker(chunk_size=10, chunk_overlap=2, encoder=encoder)
    text = f"# One two\n\n{words(30)}\n\n## Three four five six\n\n{words(30)}"
    for chunk in chunker.chunk(Document("d", text, {}, "A title")):
        assert len(encoder.token_spans(chunk.indexed_text)) <= 10


def test_blocks_of_lists_hold_their_items():
    text = "- a\n- b\n  c\n\nend"
    assert sorted(text[start:end] for start, end in blocks(text)) == [
        "- a\n", "- a\n- b\n  c\n", "- b\n  c\n"]  # fmt: skip


def test_parameters_are_what_chunks_depend_on():
    assert MarkdownChunker(chunk_size=9, chunk_overlap=1).parameters() == {
        "name": "markdown", "chunk_size": 9, "chunk_overlap": 1, "format": 1}  # fmt: skip
