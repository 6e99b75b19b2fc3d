import pytest

from retrievo.retrieve.identifiers import dotted_names, looks_like_code, parts_of


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("getUserName", "get User Name"),
        ("get_user_name", "get user name"),
        ("HTTPServer", "HTTP Server"),
        ("parseHTTP2Header", "parse HTTP2 Header"),
        ("utf8Decoder", "utf8 Decoder"),
        ("__init__", "init"),
        ("MAX_SIZE", "MAX SIZE"),
        ("größeÄndern", "größe Ändern"),
        ("word", ""),
        ("Word", ""),
        ("WORD", ""),
        ("v2", ""),
        ("___", ""),
        ("日本語", ""),
    ],
)
def test_what_a_name_is_made_of(word, parts):
    assert [word[a:b] for a, b in parts_of(word)] == parts.split()


def test_dotted_names_and_where_they_are():
    text = "call os.path.Join or std::mem, e.g. 3.14 in version 1.2"
    found = [(name, text[a:b]) for name, a, b in dotted_names(text)]
    assert found == [("os.path.join", "os.path.Join"), ("std.mem", "std::mem")]


def test_code_is_told_from_prose():
    assert looks_like_code("def get(self, key):\n    return self._values[key] or {}\n")
    assert not looks_like_code(
        "The value (see table 2) was found in all of the samples; it is low."
    )
    assert not looks_like_code("") and not looks_like_code("f(x)")
