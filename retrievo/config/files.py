"""Reads and writes configuration files; the suffix says the form."""

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retrievo.config.toml_text import toml_text
from retrievo.errors import ConfigError
from retrievo.host.nearest import hint


def read_tables(path: Path) -> dict[str, Any]:
    """The tables of a .toml or .json file.

    Raises ConfigError, naming the file and the line, where it is malformed or cannot be read.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")  # editors on Windows write a mark
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}, line {line}: not UTF-8; save the file as UTF-8") from error
    if path.suffix == ".json":
        return _json(path, text)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: malformed TOML: {error}") from error
    except RecursionError:
        raise ConfigError(f"{path}: its tables are nested too deep to be read") from None


def _json(path: Path, text: str) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise ConfigError(f"{path}: the key {twice!r} stands twice in one object")
        return found

    try:
        found = json.loads(text, object_pairs_hook=unique)
    except RecursionError:
        raise ConfigError(f"{path}: its objects are nested too deep to be read") from None
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"{path}: malformed JSON: {error.msg} (at line {error.lineno}, column {error.colno})"
        ) from error
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: found a {type(found).__name__}, an object of tables is wanted")
    return found


def write_tables(path: Path, tables: Mapping[str, Any]) -> None:
    """Write a .toml or .json file whole, or leave what was there.

    Raises ConfigError for another suffix and for values that the form cannot hold.
    """
    if path.suffix == ".toml":
        text = toml_text(tables)
    elif path.suffix == ".json":
        try:
            text = json.dumps(tables, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{path}: JSON cannot hold this configuration: {error}") from error
    else:
        raise ConfigError(
            f"{path}: a configuration is saved as .toml or .json, not as {path.suffix!r}"
            f"{hint(path.suffix, ('.toml', '.json'))}"
        )
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        beside.unlink(missing_ok=True)
