"""The configuration of an index with another encoder, made from the one it has."""

from collections.abc import Mapping
from typing import Any

from retrievo.config import Config
from retrievo.errors import ConfigError
from retrievo.passport import Passport

_OF_A_PAIR = ("rescore", "rescore_when", "rescore_margin")


def with_encoder(
    config: Config,
    encoder: Mapping[str, Any] | None,
    passport: Passport,
    *,
    keep_chunks: bool,
    query_encoder: bool = False,
) -> tuple[Config, list[str]]:
    """The tables with the encoder's in the place of the old one's, and what else had to change.

    None stands for an encoder that is given as an object; `query_encoder` says that one was. A
    query encoder belongs to the old encoder and goes, with what scores its candidates again. With
    `keep_chunks` the chunker goes on counting with the tokenizer that cut what is there, where a
    configuration can name it.
    """
    tables: dict[str, Any] = {name: table for name, table in config.tables.items()}
    told: list[str] = []
    tables.pop("encoder", None)
    if encoder is not None:
        tables["encoder"] = dict(encoder)
    if tables.pop("query_encoder", None) is not None or query_encoder:
        told.append("the query encoder is left out: it belonged to the old encoder")
        retrievers = tables.get("retrievers", {})
        tables["retrievers"] = {
            name: {key: value for key, value in table.items() if key not in _OF_A_PAIR}
            for name, table in retrievers.items()
        }
        if not retrievers:
            del tables["retrievers"]
    chunker = dict(tables.get("chunker", {}))
    cut = passport.chunker
    if keep_chunks and "use" not in chunker and cut.get("name") == "recursive":
        # The default chunker cuts as the encoder reads, and this is another one.
        sizes = {key: cut[key] for key in ("chunk_size", "chunk_overlap")}
        chunker = {"use": "recursive", **sizes, **chunker}
        tables["chunker"] = chunker
        told.append(f"[chunker] chunk_size = {chunker['chunk_size']}, as in the index, is kept")
    if keep_chunks and "tokenizer" not in chunker:
        name = passport.tokenizer
        if name == "static" or name.startswith("tiktoken:"):
            # Else the next edit of a document would cut it by the new encoder's tokens.
            tables["chunker"] = {**chunker, "tokenizer": name}
            told.append(f"[chunker] tokenizer = {name!r}, which cut what is there, is kept")
        else:
            told.append(
                f"chunks were cut by the tokens of {name}; what is written after the migration is "
                "cut by the new encoder's"
            )
    return Config.of(tables, source=config.source), told


def without_path(config: Config) -> Config:
    """The same without the store's own path: the new index is made in another place first."""
    store = config.tables.get("store", {})
    if "path" not in store:
        return config
    kept = {key: value for key, value in store.items() if key != "path"}
    return Config.of({**config.tables, "store": kept}, source=config.source)


def encoder_table(config: Config, old: Config) -> Mapping[str, Any]:
    """The [encoder] table of a configuration that differs in nothing else from the index's.

    Raises ConfigError, naming the tables, where it does: a migration changes the encoder alone.
    """
    if "encoder" in config.tables and config.tables["encoder"] == old.tables.get("encoder"):
        raise ConfigError(f"{config.source}: the index has this [encoder]; nothing to migrate")
    leave = {"encoder", "query_encoder", "format"}
    names = {*config.tables, *old.tables} - leave
    other = sorted(name for name in names if config.tables.get(name) != old.tables.get(name))
    if other:
        raise ConfigError(
            f"{config.source}: a migration changes [encoder] alone, and "
            f"{', '.join(f'[{name}]' for name in other)} differ from what the index was made with; "
            "set them back, and change them after the migration (or index into a new folder)"
        )
    if "encoder" not in config.tables:
        raise ConfigError(f"{config.source} has no [encoder] to migrate to")
    table: Mapping[str, Any] = config.tables["encoder"]
    return table
