"""Writes reference/configuration.md from the signatures and docstrings of the built-in components.

python docs/generate_configuration.py

The sources are parsed, not imported, so the page is the same whichever extras are installed.
"""

import ast
import inspect
import re
from dataclasses import fields
from pathlib import Path

from retrievo.config.defaults import DEFAULT_RETRIEVERS, DEFAULT_USE, KIND
from retrievo.config.signature import PARTS
from retrievo.host import Host
from retrievo.host.registry import BUILTIN, Entry
from retrievo.search.options import SearchOptions

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "configuration.md"

INTRODUCTION = """\
# Configuration

<!-- Written by docs/generate_configuration.py from the signatures; change those, or its text. -->

A pipeline is described by a TOML file, `pipeline.toml` say, or by a JSON file of the same shape.
This is format 1. `retrievo init` writes a file with the defaults and a word on each.

<!-- file: pipeline.toml -->
```toml
format = 1

[chunker]
use = "recursive"
chunk_size = 128

[retrievers.dense]
use = "dense"

[retrievers.words]
use = "bm25"
language = "german"

[fusion]
use = "convex"
weights = {dense = 0.3, words = 0.7}
```
```python
from retrievo import Pipeline

with Pipeline.from_toml("pipeline.toml") as pipeline:
    pipeline.index([{"id": "a", "text": "Die Schlüssel liegen im Tresor."}])
    print(pipeline.search("Schlüssel", top_k=1)[0].trace["branches"].keys())
```
```text
dict_keys(['dense', 'words'])
```

## Rules

- A table is a part. `use` is the name of its component, the other keys are the arguments of that
  component's constructor. An unknown key, a missing one and a wrong type are refused, with the
  table, the key, the plugin and what is known.
- A table that is not there takes its default. A table without `use` takes the default's name.
- `[retrievers]` and `[readers]` hold a table for each part, under a name of your choice; without
  `use` that name is the component's.
- Any `[retrievers.NAME]` replaces all default retrievers. One retriever and no `[fusion]` table:
  no fusion. `[readers.NAME]` replaces only the reader of that name.
- `"@encoder"` hands over another part: `"@query_encoder"`, `"@store"`, `"@retrievers.dense"`. A
  reference to nothing and a circle are refused. `"@@x"` is the text `@x`.
- A constructor's argument called `encoder`, `query_encoder`, `store` or `tokenizer` that the table
  leaves out receives the pipeline's part.
- Any `[encoder]` or `[query_encoder]` takes the key `cache`; one whose component has no such
  argument gets a cache around it, "off" unless the key says otherwise.
- `"env:NAME"` is the value of an environment variable, read when the part is built. Write secrets
  so: keys that end in `key`, `token`, `secret` or `password` are not saved when they are written
  out, and there is a warning.
- The whole file is checked when it is read. Parts are built on first use.
- An index keeps the tables that it was made with: `Pipeline.open(DIR)` needs no file.

`retrievo schema` prints a JSON Schema of all that is installed here, plugins as well, for editors:

```console
$ retrievo schema > pipeline.schema.json
```
"""

HEADINGS = {
    "chunker": "What cuts documents.",
    "contextualizer": "What writes the context of chunks, which is embedded and indexed beside "
    "their text. Without the table chunks keep what the chunker gives them: the title.",
    "encoder": "What turns texts into vectors. `[query_encoder]` takes the same, for an encoder of "
    "queries that is aligned to the one of the documents; one that is not is refused.",
    "store": "Where chunks, metadata and vectors are kept. Without a `[store]` table it is `local` "
    "where the pipeline has a folder (`index=`, `--index`), and `memory` otherwise.",
    "retrievers": "The branches of a search.",
    "fusion": "What makes one ranking of several.",
    "reranker": "What reads query and passages together and orders them anew. Without the table "
    "there is none.",
    "expander": "What makes other forms of a query. Without the table there is none.",
    "readers": "What makes documents of files. All that are installed are used; a table sets the "
    "arguments of one.",
}
SEARCH = """## `[search]`

What a search does that does not say otherwise; each key is an option of `search` too.

| key | default | |
|---|---|---|
"""


def page() -> str:
    """The whole page."""
    entries = [entry for entry in Host().registry.entries() if entry.plugin == BUILTIN]
    parts = [INTRODUCTION, _overview(entries)]
    for table, said in HEADINGS.items():
        name = f"[{table}.NAME]" if table in ("retrievers", "readers") else f"[{table}]"
        parts.append(f"## `{name}`\n\n{said}\n")
        parts += [_component(entry) for entry in entries if entry.kind == KIND[table]]
    return "\n".join([*parts, SEARCH + _options()])


def _options() -> str:
    """A row for each option of a search, from the docstring that explains it."""
    said = " ".join((SearchOptions.__doc__ or "").split())
    rows = []
    for option in fields(SearchOptions):
        _, _, after = said.partition(f"`{option.name}`: ")
        text = re.split(r"\. (?=`\w+`: )", after)[0].strip(" .")
        default = (
            "none"
            if option.default in (None, ())
            else _toml(ast.parse(repr(option.default), mode="eval").body)
        )
        rows.append(f"| `{option.name}` | {default} | {text} |\n")
    return "".join(rows)


def _overview(entries: list[Entry]) -> str:
    rows = ["## Tables\n", "| table | components | default |", "|---|---|---|"]
    defaults = {
        **{table: f"`{name}`" for table, name in DEFAULT_USE.items()},
        "store": "`local` or `memory`",
        "retrievers": " and ".join(f"`{name}`" for name in DEFAULT_RETRIEVERS),
        "readers": "all",
    }
    for table, kind in KIND.items():
        names = ", ".join(f"`{entry.name}`" for entry in entries if entry.kind == kind)
        shown = f"{table}.NAME" if table in ("retrievers", "readers") else table
        rows.append(f"| `[{shown}]` | {names or 'of plugins'} | {defaults.get(table, 'none')} |")
    return "\n".join(rows) + "\n"


def _component(entry: Entry) -> str:
    node = _component_of(str(entry.target))
    text = inspect.cleandoc(ast.get_docstring(node) or "")
    extra = f"\nNeeds `pip install 'retrievo[{entry.extra}]'`.\n" if entry.extra else ""
    arguments = _arguments(node)
    rows = ["| argument | type | default |", "|---|---|---|", *arguments]
    table = "\n".join(rows) if arguments else "No arguments."
    return f"### `{entry.name}`\n{extra}\n{text}\n\n{table}\n"


def _component_of(target: str) -> ast.ClassDef | ast.FunctionDef:
    """The class, or the function that makes the part; names of constants stand for their values."""
    module, _, name = target.partition(":")
    body = _body_of(module)
    found = next(
        node
        for node in body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name
    )
    made = found if isinstance(found, ast.FunctionDef) else _constructor(found)
    for defaults in (made.args.defaults, made.args.kw_defaults) if made else ():
        for place, value in enumerate(defaults):
            if isinstance(value, ast.Name):
                defaults[place] = _constant(value.id, body)
    return found


def _body_of(module: str) -> list[ast.stmt]:
    source = (ROOT / Path(*module.split("."))).with_suffix(".py").read_text("utf-8")
    return ast.parse(source).body


def _constant(name: str, body: list[ast.stmt]) -> ast.expr:
    """The value of a constant of a module, or of the module that it imports it from."""
    for one in body:
        if isinstance(one, ast.Assign) and getattr(one.targets[0], "id", "") == name:
            return one.value
        if isinstance(one, ast.ImportFrom) and name in [alias.name for alias in one.names]:
            return _constant(name, _body_of(str(one.module)))
    raise KeyError(name)


def _arguments(node: ast.ClassDef | ast.FunctionDef) -> list[str]:
    """A row of the table for each argument of the constructor, or of the function."""
    made = node if isinstance(node, ast.FunctionDef) else _constructor(node)
    if made is None:
        return []
    plain = made.args.args[isinstance(node, ast.ClassDef) :]
    missing: list[ast.expr | None] = [None] * (len(plain) - len(made.args.defaults))
    defaults = [*missing, *made.args.defaults, *made.args.kw_defaults]
    return [
        _row(argument, default, in_store=node.name.endswith("Store"))
        for argument, default in zip([*plain, *made.args.kwonlyargs], defaults, strict=True)
    ]


def _constructor(node: ast.ClassDef) -> ast.FunctionDef | None:
    return next(
        (one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"),
        None,
    )


def _row(argument: ast.arg, default: ast.expr | None, *, in_store: bool) -> str:
    kind = ast.unparse(argument.annotation) if argument.annotation else "any"
    if argument.arg == "path" and in_store:
        shown = "the pipeline's folder"
    elif argument.arg in PARTS:
        shown = "the pipeline's part"
    else:
        shown = "none: it must be given" if default is None else _toml(default)
    escaped = kind.replace("|", "\\|")
    return f"| `{argument.arg}` | `{escaped}` | {shown} |"


def _toml(default: ast.expr) -> str:
    """The default as the file would have it; what is None there is left out of the file."""
    value = ast.literal_eval(default)
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
