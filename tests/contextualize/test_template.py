"""Contexts by template: values, headings, neighbours, and the encoder's window."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrievo import Document, Pipeline
from retrievo.contextualize.template import TemplateContextualizer
from retrievo.encode.static_tokens import static_tokens
from retrievo.errors import ConfigError, RetrievoWarning
from retrievo.telling import collecting
from retrievo.types import Chunk, Section

TEXT = (
    "# Bread\n\nFlour and water. Salt too!\n\n## Oven\n\nHeat it first. Then wait. Bake.\n\n"
    "## Shelf\n\nKeep it dry.\n"
)
SECTIONS = (
    Section(0, ("Bread",)),
    Section(TEXT.index("## Oven"), ("Bread", "Oven")),
    Section(TEXT.index("## Shelf"), ("Bread", "Shelf")),
)
META = {"section": "food", "year": 2020, "tags": ["a", "b"], "deep": {"er": 1.5}, "no": None}


def document(**more):
    return Document("bread.md", TEXT, META, "Bread", SECTIONS, **more)


def chunk(document, words):
    start = document.text.index(words)
    return Chunk(document.id, words, start, start + len(words), 1, document.metadata, "Bread")


def chunks(document, *slices):
    return [chunk(document, words) for words in slices]


THREE = ("# Bread\n\nFlour and water.", "Heat it first. Then wait.", "Keep it dry.")


def contexts(template, given=None, **more):
    given = chunks(document(), *THREE) if given is None else given
    made = TemplateContextualizer(template=template, **more).contextualize(document(), given)
    assert [replace(one, context="Bread") for one in made] == given
    return [one.context for one in made]


@pytest.mark.parametrize(
    ("template", "said"),
    [
        # The first chunk begins with its title and heading; the first heading is the title.
        ("{title}\n{headings}", ["", "Bread\nOven", "Bread\nShelf"]),
        ("{headings}", ["", "Bread > Oven", "Bread > Shelf"]),
        ("{title}: {headings}", ["", "Bread: Oven", "Bread: Shelf"]),
        ("{id}", ["bread.md"] * 3),
        ("{metadata.section} {metadata.year}", ["food 2020"] * 3),
        ("{metadata.tags}/{metadata.deep.er}", ["a, b/1.5"] * 3),
        ("[{metadata.no}]{metadata.deep}{metadata.missing}", [""] * 3),
        ("{before}", ["", "## Oven", "## Shelf"]),
        ("{after}", ["Salt too!", "Bake.", ""]),
    ],
)
def test_values(template, said):
    assert contexts(template) == said


def test_neighbours_have_whole_sentences_and_nothing_of_the_chunk():
    given = chunks(document(), "Flour and water. Salt too!", "Salt too!\n\n## Oven", "Heat it")
    # What the chunk before holds of this one is no neighbour.
    assert contexts("{before}", given) == ["# Bread", "Flour and water.", "## Oven"]
    assert contexts("{before}", given, sentences=2)[2] == "Salt too! ## Oven"
    assert contexts("{after}", given, sentences=2) == ["## Oven", "Heat it", "first. Then wait."]


def test_headings_of_the_chunk_come_before_those_of_the_document():
    given = [replace(chunks(document(), *THREE)[1], metadata={"headings": ["X", "Y"]})]
    made = TemplateContextualizer(separator=" / ").contextualize(document(), given)
    assert made[0].context == "Bread\nX / Y"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"template": "{titel}"}, "no placeholder"),
        ({"sentences": 0}, "sentences is 0"),
    ],
)
def test_what_cannot_be(arguments, said):
    with pytest.raises(ConfigError, match=said):
        TemplateContextualizer(**arguments)


def test_a_table_is_checked():
    with pytest.raises(ConfigError, match=r"no placeholder .*the contextualizer 'template'"):
        Pipeline.part("contextualizer", "template", template="{x}")


class Narrow:
    """Reads so many static tokens, two of them its own."""

    def __init__(self, max_tokens):
        self.max_tokens, self.special_tokens = max_tokens, 2

    token_spans = staticmethod(lambda text: static_tokens().token_spans(text))


def count(text):
    return static_tokens().count(text)


def test_a_context_is_cut_where_the_window_ends_and_told():
    long = replace(document(), title="word " * 50)
    given = [replace(one, context="") for one in chunks(long, *THREE)]
    contextualizer = TemplateContextualizer(template="{title}", encoder=Narrow(24))
    with pytest.warns(RetrievoWarning, match=r"3 of 3 chunks .* smaller chunk_size in \[chunker\]"):
        made = contextualizer.contextualize(long, given)
    for one in made:
        assert one.context == " ".join(["word"] * (len(one.context) // 5 + 1))
        assert 20 <= count(one.indexed_text) <= 22


@given(
    st.text(max_size=60),
    st.text(alphabet="ab .\n字é\u0301🙂\ud800", min_size=1, max_size=60),
    st.integers(3, 30),
)
def test_the_context_fits_or_goes(title, text, window):
    plain = Chunk("d", text, 0, len(text), 1)
    given = Document("d", text, {}, title)
    contextualizer = TemplateContextualizer(template="{title}", encoder=Narrow(window))
    whole = " ".join(title.split())
    whole = "" if title.strip() and text.lstrip("# ").startswith(title.strip()) else whole
    with collecting() as told:
        made = contextualizer.contextualize(given, [plain])[0]
        assert contextualizer.contextualize(given, [plain])[0] == made
    assert whole.startswith(made.context) and made.text == text
    assert bool(told) == (made.context != whole)
    if made.context:
        assert count(made.indexed_text) <= window - 2
    elif whole:
        assert count(f"{whole}\n{text}") > window - 2


def test_without_a_limit_nothing_is_cut():
    class Endless(Narrow):
        max_tokens = None

        def __init__(self):
            pass

    given = replace(document(), title="word " * 5_000)
    made = TemplateContextualizer(template="{title}", encoder=Endless()).contextualize(
        given, [replace(chunk(given, "Bake."), context="")]
    )
    assert len(made[0].context.split()) == 5_000


def test_in_a_pipeline(tmp_path):
    (tmp_path / "p.toml").write_text(
        '[chunker]\nchunk_size = 8\nchunk_overlap = 0\n[contextualizer]\nuse = "template"\n'
        'template = "{headings} ({metadata.section})"\n'
    )
    with Pipeline.from_toml(tmp_path / "p.toml", index=tmp_path / "x") as pipeline:
        pipeline.index([document()])
        hit = pipeline.search("shelf food", top_k=1)[0]
        assert "(food)" in hit.chunk.context and "food" not in hit.text
    with Pipeline.open(tmp_path / "x") as pipeline:
        assert pipeline.passport.chunker["contextualizer"]["name"] == "template"
        assert pipeline.index([document()]).kept == 1
        assert pipeline.plan([document()]).contexts is None
