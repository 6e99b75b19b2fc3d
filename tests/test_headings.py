from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from retrievo.headings import headings, nest
from retrievo.types import Section

LINES = [
    "# a", "## b ##", "### c#", "#no", "#", "text", "text two", "---", "===", "- item", "1. one",
    "> q", "```", "~~~", "````py", "    code", "", "", "***", "* * *", "\tx",
]  # fmt: skip


@given(st.lists(st.sampled_from(LINES), max_size=10), st.sampled_from(["\n", "\r\n"]))
def test_the_same_headings_as_markdown_it(lines, end):
    parser = MarkdownIt("commonmark").disable("reference")
    tokens = parser.parse("\n".join(lines))
    starts = [sum(len(line) + len(end) for line in lines[:n]) for n in range(len(lines) + 1)]
    wanted = [
        (int(token.tag[1]), starts[token.map[0]])
        for token, inline in pairwise(tokens)
        if token.type == "heading_open" and token.level == 0 and inline.content
    ]
    assert [(level, start) for level, start, _ in headings(end.join(lines))] == wanted


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("# Plain", "Plain"),
        ("## `code` and **bold** ##", "code and bold"),
        ("# A [link](http://x.y) in it", "A link in it"),
        ("# C#", "C#"),
        ("# With an anchor {#anchor}", "With an anchor"),
        ("Two\nlines\n===", "Two lines"),
    ],
)
def test_names_are_plain(text, name):
    assert [found[2] for found in headings(text)] == [name]


@pytest.mark.parametrize(
    "text",
    [
        "```\n# no\n```",
        "~~~~\n# no\n~~~\n# no\n~~~~",
        "```\n# never closed",
        "<!--\n# no\n-->",
        "1. item\n\n   # in the item",
        "- item\n---",
        "| a |\n---",
        "x\u2028# no",
        "#",
    ],
)
def test_what_is_no_heading(text):
    assert headings(text) == []


def test_after_a_comment_and_a_fence_headings_count_again():
    text = "<!-- # no -->\n# a\n```\n# no\n```\n# b\n"
    assert headings(text) == [(1, 14, "a"), (1, 31, "b")]


def test_sections_hold_the_headings_above():
    found = [(1, 0, "a"), (3, 5, "c"), (2, 9, "b"), (2, 12, "d"), (1, 20, "e")]
    assert nest(found) == (
        Section(0, ("a",)),
        Section(5, ("a", "c")),
        Section(9, ("a", "b")),
        Section(12, ("a", "d")),
        Section(20, ("e",)),
    )
