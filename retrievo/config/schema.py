"""A JSON Schema of the configuration file, with all that is installed, for editors."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema

from retrievo.config import FORMAT
from retrievo.config.defaults import DEFAULT_USE, KIND, PARTS
from retrievo.config.signature import Signature, read_signature
from retrievo.errors import PluginError
from retrievo.host import Host
from retrievo.host.registry import Entry
from retrievo.search.options import SearchOptions

_STANDS_FOR = {
    "type": "string",
    "pattern": "^(@|env:)",
    "description": "another part (@encoder) or an environment variable (env:NAME)",
}


class _Lenient(GenerateJsonSchema):
    """Says nothing about a type that JSON cannot hold, where pydantic's own raises."""

    ignored_warning_kinds = {  # noqa: RUF012  pydantic's own declaration
        "skipped-choice",
        "non-serializable-default",
    }

    def handle_invalid_for_json_schema(
        self, schema: CoreSchema, error_info: str
    ) -> JsonSchemaValue:
        return {}


def json_schema(host: Host) -> dict[str, Any]:
    """JSON Schema 2020-12 of a configuration: a choice by `use` for each table.

    A component whose module cannot be imported here appears with its `use` alone.
    """
    definitions: dict[str, Any] = {}
    for entry in host.registry.entries():
        if entry.kind != "pipelines":
            definitions[_key(entry)] = _component(host, entry, definitions)
    properties: dict[str, Any] = {"format": {"const": FORMAT, "default": FORMAT}}
    for table, kind in KIND.items():
        names = host.registry.names(kind)
        if table in ("retrievers", "readers"):
            properties[table] = {
                "type": "object",
                "properties": {name: _choice(kind, names, name) for name in names},
                "additionalProperties": _choice(kind, names, None),
            }
        else:
            # The store's default depends on whether there is a folder: both have it then.
            properties[table] = _choice(kind, names, DEFAULT_USE.get(table))
    properties["search"] = _options()
    properties["retrievers"]["minProperties"] = 1
    properties["store"] = {
        "anyOf": [properties["store"], {"type": "object", "not": {"required": ["use"]}}]
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Retrievo pipeline",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "$defs": definitions,
    }


def _options() -> dict[str, Any]:
    """The options that a search has where it says nothing itself."""
    from pydantic import TypeAdapter

    made = TypeAdapter(SearchOptions).json_schema(schema_generator=_Lenient)
    return {"type": "object", "properties": made["properties"], "additionalProperties": False}


def _choice(kind: str, names: list[str], default: str | None) -> dict[str, Any]:
    """One of the components of a kind, which only the default may leave unnamed."""
    if not names:
        return {"not": {}}  # nothing of the kind is installed
    return {
        "oneOf": [
            {"$ref": f"#/$defs/{kind}.{name}"} | ({} if name == default else {"required": ["use"]})
            for name in names
        ]
    }


def _key(entry: Entry) -> str:
    return f"{entry.kind}.{entry.name}"


def _component(host: Host, entry: Entry, definitions: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "title": f"{entry.name} ({entry.origin})",
        "type": "object",
        "properties": {"use": {"const": entry.name}},
    }
    # An import may take seconds and fail in the end; what is known to fail is not tried.
    if not host.registry.available(entry)[0]:
        return schema
    try:
        signature = read_signature(entry, host.registry.resolve(entry.kind, entry.name))
    except PluginError:
        return schema
    schema["properties"] |= _arguments(signature, entry, definitions)
    needed = [
        name
        for name in signature.required
        if name not in PARTS and (entry.kind, name) != ("stores", "path")
    ]
    if needed:
        schema["required"] = needed
    if not signature.open:
        schema["additionalProperties"] = False
    return schema


def _arguments(signature: Signature, entry: Entry, definitions: dict[str, Any]) -> dict[str, Any]:
    template = f"#/$defs/{_key(entry)}.{{model}}"
    made = signature.model.model_json_schema(
        ref_template=template, schema_generator=_Lenient, mode="validation"
    )
    for name, definition in made.get("$defs", {}).items():
        definitions[f"{_key(entry)}.{name}"] = definition
    found: dict[str, Any] = {}
    for name, schema in made.get("properties", {}).items():
        shape = {key: value for key, value in schema.items() if key != "title"}
        if name in PARTS - {"tokenizer"}:  # that may be a name or a path as well
            found[name] = {"type": "string", "pattern": "^@[^@]"}
            continue
        if name not in signature.defaults:
            shape.pop("default", None)
        open_to_all = not shape.keys() - {"default", "description"}
        if shape.get("type") != "string" and not open_to_all:
            notes = {key: shape.pop(key) for key in ("default", "description") if key in shape}
            shape = {"anyOf": [shape, _STANDS_FOR], **notes}
        found[name] = shape
    return found
