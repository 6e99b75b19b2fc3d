"""`retrievo doctor`: what does not work here, and what to do about it."""

import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from retrievo.cli.opening import open_pipeline
from retrievo.cli.options import DEFAULT_INDEX, Config, Debug, Index, Json
from retrievo.cli.output import show, show_json
from retrievo.errors import ConfigError, IndexLockedError, MismatchError, RetrievoError

if TYPE_CHECKING:
    from retrievo.host import Host
    from retrievo.pipeline import Pipeline

_PACKAGES = (
    "numpy",
    "pluggy",
    "pydantic",
    "qdrant-edge-py",
    "tokenizers",
    "typer",
    "wordllama",
    "torch",
    "sentence-transformers",
    "qdrant-client",
)


def doctor(
    config: Config = None, index: Index = None, as_json: Json = False, debug: Debug = False
) -> None:
    """Check plugins, dependencies and index.

    Exits with 1 where a plugin is broken or the index cannot be used, with 2 for a wrong
    configuration.
    """
    from retrievo.host import Host

    found = diagnose(Host(), index, config)
    if as_json:
        show_json(found)
    else:
        show("\n".join(_lines(found)))
    if not found["ok"]:
        raise typer.Exit(1)


def diagnose(host: "Host", index: Path | None = None, config: Path | None = None) -> dict[str, Any]:
    """What is broken, missing and installed, and how the index is.

    `ok` is false for a broken plugin, a name that two plugins claim, and an index that is asked
    for and cannot be used; a missing extra and an index that is busy do not make it false. Raises
    ConfigError for a wrong configuration.
    """
    from retrievo.host.extras import pip_line

    registry = host.registry
    missing = []
    for entry in registry.entries():
        available, needs = registry.available(entry)
        if not available:
            missing.append(
                {
                    "kind": entry.kind.removesuffix("s"),
                    "name": entry.name,
                    "plugin": entry.plugin,
                    "needs": needs,
                    "install": pip_line(entry),
                }
            )
    clashes = [str(clash) for clash in registry.clashes()]
    state = index_state(index, config)
    return {
        "ok": not registry.broken and not clashes and state.get("ok") is not False,
        "broken": [asdict(broken) for broken in registry.broken],
        "clashes": clashes,
        "blocked": list(registry.blocked),
        "missing": missing,
        "index": state,
        "versions": versions(),
    }


def versions() -> dict[str, str | None]:
    """Of Python, Retrievo and the packages that matter to it; None where one is not installed."""
    from retrievo import __version__

    found: dict[str, str | None] = {"python": platform.python_version(), "retrievo": __version__}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def index_state(index: Path | None, config: Path | None = None) -> dict[str, Any]:
    """How the index is: `ok` is True, False, or None where it could not be looked at.

    `state` is open, locked, missing, mismatch (whole, but made with something else) or broken;
    empty where none is asked for and none is there.
    """
    folder, where = index or DEFAULT_INDEX, str(index or DEFAULT_INDEX)
    in_folder = True
    if config:
        with open_pipeline(config, folder) as pipeline:  # it checks every name, key and type
            store = pipeline.config.tables.get("store", {})
            in_folder = store.get("use", "local") == "local"
            where = str(store.get("path" if in_folder else "use", where))
    if in_folder and not Path(where).exists():
        if index is None:
            return {}
        return {"path": where, "state": "missing", "ok": False, "problems": ["not there"]}
    try:
        with open_pipeline(config, folder) as pipeline:
            where = str(getattr(pipeline.store, "path", where))
            return {"path": where, "state": "open", **_health(pipeline)}
    except IndexLockedError as error:
        return {"path": where, "state": "locked", "ok": None, "problems": [str(error)]}
    except (MismatchError, ConfigError) as error:
        return {"path": where, "state": "mismatch", "ok": False, "problems": [str(error)]}
    except (RetrievoError, OSError) as error:
        return {"path": where, "state": "broken", "ok": False, "problems": [str(error)]}


def _health(pipeline: "Pipeline") -> dict[str, Any]:
    store, passport = pipeline.store, pipeline.passport
    # A store tells more of itself where it can; the contract does not ask it to.
    check = getattr(store, "health", None)
    problems = list(check()) if check else []
    return {
        "ok": not problems,
        "problems": problems,
        "documents": store.document_count(),
        "chunks": store.count(),
        "stats": store.stats().as_dict(),
        "passport": asdict(passport) if passport else None,
        "student": _student(pipeline),
        "migration": _migration(pipeline),
        "fusion_weights": _fusion_weights(pipeline),
    }


def _student(pipeline: "Pipeline") -> dict[str, Any] | None:
    """How the index's student does on what came after it; None without a student."""
    encoder = pipeline._assembly.part("query_encoder")
    card = getattr(encoder, "card", None)
    if card is None:
        return None
    from retrievo.tune.distill.drift import drift_of

    spaces = pipeline.passport.representations
    sizes = {name: space.size for name, space in spaces.items() if space.kind == "dense"}
    name = next((name for name, size in sizes.items() if size == encoder.dim), None)
    if name is None:
        return None  # two vectors side by side
    found = drift_of(pipeline.store, name, encoder, card)
    return {**found.as_dict(), "told": str(found)}


def _fusion_weights(pipeline: "Pipeline") -> dict[str, Any] | None:
    """The weights that the index has measured of itself; None where its fusion does not ask."""
    part = pipeline._assembly.part
    fusion = part("fusion")
    if not getattr(fusion, "auto", False):
        return None
    from retrievo.tune.weights import noted_choice

    choice = noted_choice(pipeline.store, part("retrievers"), fusion)
    if choice is None:
        return {"told": "fusion weights: the default, nothing was measured yet"}
    return {**choice.as_dict(), "told": str(choice)}


def _migration(pipeline: "Pipeline") -> dict[str, Any] | None:
    """To which encoder the index is moving; None where it is not."""
    from retrievo.migrate.place import folder_of

    folder = folder_of(getattr(pipeline.store, "path", None))
    if folder is None:
        return None
    from retrievo.migrate.record import read_record

    record = read_record(folder)
    return {"from": record.old, "to": record.new, "answers": record.answers}


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [_summary(found)]
    for broken in found["broken"]:
        who = " ".join(filter(None, (broken["plugin"], broken["distribution"], broken["version"])))
        lines += ["", f"broken plugin {who}: {broken['reason']}", broken["traceback"].rstrip()]
    lines += [f"clash: {clash}" for clash in found["clashes"]]
    lines += [f"blocked by RETRIEVO_BLOCK: {name}" for name in found["blocked"]]
    if found["missing"]:
        lines += ["", "installed without what they need:"]
    for part in found["missing"]:
        install = f"; {part['install']}" if part["install"] else ""
        lines.append(f"  {part['kind']} {part['name']} needs {part['needs']}{install}")
    lines += ["", *_index_lines(found["index"]), "", "versions:"]
    lines += [f"  {name} {number or '-'}" for name, number in found["versions"].items()]
    return lines


def _summary(found: dict[str, Any]) -> str:
    if found["ok"]:
        return "everything works"
    if found["index"].get("state") == "mismatch" and not (found["broken"] or found["clashes"]):
        return "the index is whole, and this configuration does not fit it"
    return "something is broken"


def _stats_lines(stats: dict[str, Any]) -> list[str]:
    from retrievo.contracts import RepresentationStats  # it brings numpy

    lines = []
    if stats["tenants"]:
        lines.append(f"  {stats['tenants']} tenants")
    for name, one in stats["representations"].items():
        lines.append(f"  {name}: {RepresentationStats(**one)}")
    if stats["truncated_chunks"]:
        lines.append(
            f"  {stats['truncated_chunks']} chunks are longer than an encoder reads: "
            f"{stats['tokens_lost']} tokens are in no vector"
        )
    if stats["bytes_on_disk"] is not None:
        lines.append(f"  {stats['bytes_on_disk'] / 1e6:.1f} MB on disk")
    return lines + [f"  {note}" for note in stats["notes"]]


def _index_lines(state: dict[str, Any]) -> list[str]:
    if not state:
        return [f"no index at {DEFAULT_INDEX}; name one with --index"]
    lines = [f"index {state['path']}: {state['state']}"]
    lines += [f"  {problem}" for problem in state["problems"]]
    if "chunks" in state:
        lines.append(f"  {state['documents']} documents, {state['chunks']} chunks")
        lines += _stats_lines(state["stats"])
        if state["student"]:
            lines.append(f"  {state['student']['told']}")
        if state["fusion_weights"]:
            lines.append(f"  {state['fusion_weights']['told']}")
        if state["migration"]:
            to = state["migration"]["to"]
            lines.append(
                f"  moving to the encoder {to.get('model') or to.get('name')} "
                f"({to.get('dim')} dimensions); "
                "`retrievo migrate` goes on, `retrievo migrate --cancel` gives up"
            )
    passport = state.get("passport")
    if passport:
        encoder = passport["encoder"]
        name = encoder.get("model") or encoder.get("name")
        spaces = ", ".join(
            f"{space} ({_space(kept)})" for space, kept in passport["representations"].items()
        )
        lines += [
            f"  encoder {name}, {encoder.get('dim')} dimensions, "
            f"fingerprint {encoder.get('fingerprint')}",
            f"  chunker {passport['chunker']}",
            f"  tokenizer {passport['tokenizer']}",
            f"  keeps {spaces}",
            f"  format {passport['format']}",
        ]
    return lines


def _space(kept: dict[str, Any]) -> str:
    """What a representation is: its kind, its size, and how dense vectors know their document."""
    settings = kept["settings"] if kept["kind"] == "dense" else ""
    return " ".join(filter(None, (kept["kind"], str(kept["size"] or ""), settings)))
