import pytest

from retrievo.titles import begins_with_title


@pytest.mark.parametrize(
    ("title", "text", "begins"),
    [
        ("Go", "Go is a language", True),
        ("Go", "# Go\n\nA language", True),
        ("Go", "Gorillas live in Africa", False),
        ("C", "C++ and C", True),
        ("C", "Computers", False),
        (" Keys ", "Keys: how to", True),
        ("", "anything", False),
        ("標題", "標題", True),
    ],
)
def test_whole_words(title, text, begins):
    assert begins_with_title(title, text) is begins
