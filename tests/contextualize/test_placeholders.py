"""Templates: what is filled in, what goes where nothing is, what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrievo.contextualize.placeholders import Template
from retrievo.errors import ConfigError

KNOWN = ("title", "headings", "id")


def filled(text, **values):
    return Template(text, KNOWN).fill(lambda name: values.get(name.removeprefix("metadata."), ""))


@pytest.mark.parametrize(
    ("text", "values", "said"),
    [
        ("{title}\n{headings}", {"title": "T", "headings": "A > B"}, "T\nA > B"),
        ("{title}\n{headings}", {"headings": "A"}, "A"),
        ("{title}\n{headings}", {}, ""),
        ("{title} / {headings} / {id}", {"title": "T", "id": "i"}, "T / i"),
        ("{title} / {headings} / {id}", {"headings": "H", "id": "i"}, "H / i"),
        ("{title} / {headings} / {id}", {"title": "T"}, "T"),
        ("From {title}: {headings}.", {"title": "T", "headings": "H"}, "From T: H."),
        ("From {title}: {headings}.", {"title": "T"}, "From T"),
        ("From {title}: {headings}.", {"headings": "H"}, "H."),
        ("{title} ({id}), {headings}", {"title": "T", "headings": "H"}, "T, H"),
        ("{title} ({id}), {headings}", {"title": "T", "id": "i"}, "T (i)"),
        ('"{title}" [({id})]', {"id": "i"}, "[(i)]"),
        ('"{title}" [({id})]', {"title": "T"}, '"T"'),
        ("The manual\n{title}", {}, "The manual"),
        ("{{title}} {title}", {"title": "{id}"}, "{title} {id}"),
        ("{metadata.a.b}", {"a.b": "x"}, "x"),
        ("no placeholder", {}, "no placeholder"),
        ("", {}, ""),
    ],
)
def test_what_is_missing_leaves_nothing_behind(text, values, said):
    assert filled(text, **values) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{titel}", r"no placeholder \{titel\}; did you mean 'title'\? Known: \{title\}, .*KEY\}"),
        ("{title.__class__}", r"no placeholder \{title.__class__\}"),
        ("{title!r:>9}", "no placeholder"),
        ("{0}", "no placeholder"),
        ("{}", "no placeholder"),
        ("{metadata.}", "no placeholder"),
        ("{title", r"a '\{' that belongs to no placeholder; write \{\{"),
        ("title}", r"a '\}' that belongs to no placeholder"),
        ("{a\nb}", r"a '\{' that belongs"),
        ("{{{title}", None),
    ],
)
def test_what_is_no_placeholder_is_refused(text, said):
    if said is None:
        assert filled(text, title="T") == "{T"
        return
    with pytest.raises(ConfigError, match=said):
        Template(text, KNOWN)


PARTS = st.lists(
    st.sampled_from(["{title}", "{headings}", "{id}", " - ", " (", ")", "\n", "A", "{{", "}}"]),
    max_size=12,
).map("".join)
VALUE = st.text(alphabet="xyz{}() .%", max_size=8).map(str.strip)


@given(PARTS, VALUE, VALUE, VALUE)
def test_any_template_of_any_values(text, title, headings, name):
    values = {"title": title, "headings": headings, "id": name}
    found = filled(text, **values)
    assert found == filled(text, **values)
    used = [one for one, value in values.items() if f"{{{one}}}" in text.replace("{{", "  ")]
    for one in used:
        assert values[one] in found
    if not text.strip() or (used and not any(values[one] for one in used)):
        kept = [line for line in text.split("\n") if not any(f"{{{u}}}" in line for u in used)]
        assert found == "\n".join(kept).replace("{{", "{").replace("}}", "}").strip()


@given(VALUE)
def test_a_value_is_only_text(value):
    assert filled("{title}", title=value, id="secret") == value
