import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from token_counters import Words

from retrievo.chunk.html import HtmlChunker
from retrievo.chunk.html_marks import marks
from retrievo.read.html import HtmlReader
from retrievo.testing.chunkers import ChunkerContract
from retrievo.types import Document


class TestContract(ChunkerContract):
    chunk_size = 32
    huge = 500_000

    @pytest.fixture
    def chunker(self):
        return HtmlChunker(chunk_size=32, chunk_overlap=8)

    def make(self, chunk_size, chunk_overlap):
        return HtmlChunker(chunk_size=chunk_size, chunk_overlap=chunk_overlap)

    def make_with(self, tokenizer):
        return HtmlChunker(chunk_size=32, chunk_overlap=8, tokenizer=tokenizer)


def cut(text, size, overlap=0, title="", sections=()):
    chunker = HtmlChunker(chunk_size=size, chunk_overlap=overlap, tokenizer=Words())
    return chunker.chunk(Document("d", text, {}, title, sections))


def words(n, word="word"):
    return " ".join([word] * n)


GUIDE = f"""<title>x</title>
<body><header><h1>The <i>Guide</i> &amp; more</h1></header>
<p>{words(80, "intro")}</p>
<section class="a > b"><h2>Keys</h2><p>{words(40, "keys")}</p><p>{words(40, "locks")}</p></section>
<section><h3>Rotation</h3>
<p>{words(60, "turn")}</p></section>
</body>"""


def test_headings_of_the_source_give_the_path():
    found = [
        (" ".join(chunk.text.split())[:24], chunk.context, chunk.metadata["headings"])
        for chunk in cut(GUIDE, 90)
    ]
    top = "The Guide & more"
    assert found == [
        ("<title>x</title> <body><", "", [top]),
        ("<p>intro intro intro int", top, [top]),
        ('<section class="a > b"><', top, [top, "Keys"]),
        ("<p>locks locks locks loc", f"{top} > Keys", [top, "Keys"]),
        ("<section><h3>Rotation</h", f"{top} > Keys", [top, "Keys", "Rotation"]),
    ]


TAGS = [
    "<p>", "</p>", "<b>", "<a href='a b'>", '<img alt="x > y" src=z>', "<br/>", "<!-- no, yes. -->",
    "word. ", "more ", "a < b ", "\n", "<ul><li>one</ul>", "<h2>Title</h2>",
    "<script>1 < 2;</script>",
]  # fmt: skip


@given(st.lists(st.sampled_from(TAGS), max_size=60).map("".join), st.integers(20, 40))
def test_no_tag_that_fits_is_cut(text, size):
    tag = re.compile(r"""<!--.*?-->|</?[a-z](?:[^<>"']|"[^"]*"|'[^']*')*>""", re.S)
    inside = {
        place
        for found in tag.finditer(re.sub(r"1 < 2", "1 + 2", text))
        for place in range(found.start() + 1, found.end())
    }
    for chunk in cut(text, size, 5):
        assert not {chunk.start, chunk.end} & inside


def test_a_table_is_not_cut_where_it_fits():
    table = "<table>" + "<tr><td>a</td><td>b</td></tr>\n\n" * 3 + "</table>"
    for before in range(0, 60, 7):
        chunks = cut(f"<p>{words(before)}</p>{table}<p>{words(40)}</p>", 80)
        assert sum(table in chunk.text for chunk in chunks) == 1


def test_of_a_long_table_rows_are_not_cut():
    row = "<tr><td>a, b</td><td>c. D</td></tr>"
    chunks = cut(f"<table>{row * 30}</table>", 100)
    assert len(chunks) > 5
    assert sum(chunk.text.count(row) for chunk in chunks) == 30


def test_scripts_are_not_mixed_with_prose():
    script = "<script>if (a<b) { '</p>' }</script>"
    chunks = cut(f"<p>before</p>{script}<style>p {{}}</style><p>after</p>", 200)
    assert [chunk.text[:8] for chunk in chunks] == ["<p>befor", "<script>", "<p>after"]
    assert chunks[1].text.endswith("</style>")


def test_what_the_reader_made_is_cut_by_its_sections(tmp_path):
    (tmp_path / "guide.html").write_text(GUIDE)
    [document] = HtmlReader().read(tmp_path / "guide.html")
    chunker = HtmlChunker(chunk_size=50, chunk_overlap=0, tokenizer=Words())
    found = [(chunk.text[:8], chunk.context) for chunk in chunker.chunk(document)]
    top = "x > The Guide & more"
    assert found == [
        ("The Guid", "x"),
        ("intro in", top),
        ("Keys\n\nke", top),
        ("locks lo", f"{top} > Keys"),
        ("Rotation", f"{top} > Keys"),
        ("turn tur", f"{top} > Keys > Rotation"),
    ]


@pytest.mark.parametrize(
    "unit",
    ["<", "<a ", '<a "', "<a \"'", "<!--", "<script>", "<h1>", "<ul>", "</", "<!", "<a href='>",
     "<script></scripT ", "<style", "<h1>x</h1>"],
)  # fmt: skip
def test_pages_that_are_no_html_are_whole_all_the_same(unit):
    text = unit * 5_000
    chunks = cut(text, 200)
    assert "".join(chunk.text.strip() for chunk in chunks).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "tags", "headings"),
    [
        ("a < b <b>c</b>", ["<b>", "</b>"], []),
        ("<a title='<b>'>x", ["<a title='<b>'>"], []),
        ('<a title="x>y<p>', ['<a title="x>', "<p>"], []),  # a quote that is left open
        ("<!-- <h1>no</h1> --><h1>yes<h2>too</h2>",
         ["<!-- <h1>no</h1> -->", "<h1>", "<h2>", "</h2>"], [(1, "yes"), (2, "too")]),
        ("<h1>&lt;b&gt;\n <em>x</em></h1>", ["<h1>", "<em>", "</em>", "</h1>"], [(1, "<b> x")]),
        ("<h1> </h1>", ["<h1>", "</h1>"], []),
        ("<script><h1>x</h1></script>", [], []),
    ],
)  # fmt: skip
def test_marks(text, tags, headings):
    found = marks(text)
    assert [text[start:end] for start, end in found.tags] == tags
    assert [(level, name) for level, _, name in found.headings] == headings
