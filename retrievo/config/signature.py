"""Checks the arguments of a component against its constructor's own signature."""

import inspect
import json
import types
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic_core import SchemaError

from retrievo.config.defaults import PARTS
from retrievo.config.references import stands_for, without_secrets
from retrievo.encode.cache.setting import CacheSetting
from retrievo.errors import ConfigError, PluginError
from retrievo.host.nearest import hint, listed
from retrievo.host.registry import Entry

_UNUSABLE = (PydanticUserError, SchemaError, TypeError)
"""What pydantic raises for an annotation that it cannot check."""


@dataclass(frozen=True)
class Signature:
    """What a component's constructor takes.

    `types` holds each argument's annotation, `defaults` what those have that are not required,
    `open` whether any other argument is taken too. Where `cached_around` is True, `cache` is among
    them and not of the constructor: an encoder that has no cache of its own gets one around it.
    """

    entry: Entry
    types: Mapping[str, Any]
    defaults: Mapping[str, Any]
    open: bool
    cached_around: bool = False

    @cached_property
    def model(self) -> type[BaseModel]:
        """The pydantic model that arguments are checked by; nothing in it is required."""
        try:
            return self._model(self.types)
        except _UNUSABLE:
            return self._model({name: _usable(one) for name, one in self.types.items()})

    def _model(self, annotations: Mapping[str, Any]) -> type[BaseModel]:
        # Numbered fields with aliases: an argument may be called `schema` or `_x`.
        fields: dict[str, Any] = {
            f"p{number}": (annotation, Field(self.defaults.get(name), alias=name))
            for number, (name, annotation) in enumerate(annotations.items())
        }
        config = ConfigDict(extra="allow" if self.open else "forbid", arbitrary_types_allowed=True)
        made: type[BaseModel] = create_model(self.entry.name, __config__=config, **fields)
        return made

    @property
    def required(self) -> list[str]:
        return [name for name in self.types if name not in self.defaults]

    @property
    def parts(self) -> frozenset[str]:
        return PARTS & self.types.keys()

    def check(
        self, arguments: Mapping[str, Any], where: str, optional: Collection[str] = PARTS
    ) -> dict[str, Any]:
        """The arguments, each as its type wants it (a Path of a str); defaults are not added.

        References, variables and objects are left as they are. `optional` are arguments that
        somebody else gives. Raises ConfigError, naming `where`, the key and the component.
        """
        who = f"({self.entry.title})"
        for key in arguments:
            if key not in self.types and not self.open:
                raise ConfigError(
                    f"{where} has no key {key!r} {who}{hint(key, self.types)} "
                    f"Known: {listed(sorted(self.types))}."
                )
        for key in self.required:
            if key not in arguments and key not in optional:
                raise ConfigError(
                    f"{where} lacks the key {key!r}, wanted {shown(self.types[key])} {who}"
                )
        for key in sorted(self.parts & arguments.keys() - {"tokenizer"}):
            if _is_plain(arguments[key]):
                raise ConfigError(
                    f"{where} {key}: found {_short(arguments[key])}, wanted a reference to a part, "
                    f'such as "@{key}" {who}'
                )
        plain = {key: value for key, value in arguments.items() if _is_plain(value)}
        if not plain:
            return dict(arguments)
        try:
            # Strict, and as JSON: true is no int and "5" no number, but a list is a tuple and a
            # str a Path, for which TOML has no words of its own.
            made = self.model.model_validate_json(json.dumps(plain), strict=True)
        except ValidationError as error:
            # Not chained: pydantic's text would show a secret that this one masks.
            raise ConfigError(f"{where} {self._said(error.errors()[0], plain)} {who}") from None
        converted = {
            str(field.alias): getattr(made, name)
            for name, field in self.model.model_fields.items()
            if name in made.model_fields_set and field.annotation is not Any
        }
        return {**arguments, **converted}

    def convert(self, key: str, text: str, name: str, where: str) -> Any:
        """What the text of an environment variable is as the argument's type: 5 of "5".

        Raises ConfigError, which names the variable and does not show its value.
        """
        if key not in self.types:
            return text
        try:
            return TypeAdapter(self.types[key]).validate_python(text)
        except (ValidationError, *_UNUSABLE):
            raise ConfigError(
                f"{where} {key}: the environment variable {name!r} does not hold "
                f"{shown(self.types[key])} ({self.entry.title})"
            ) from None

    def _said(self, problem: Any, plain: Mapping[str, Any]) -> str:
        key, *deeper = (str(part) for part in problem["loc"])
        annotation = self.types.get(key, Any)
        is_union = get_origin(annotation) in (Union, types.UnionType)
        wanted = problem["msg"].removeprefix("Input should be ")
        if is_union or (not deeper and problem["type"].endswith(("_type", "_of"))):
            wanted = shown(annotation)
        if is_union:
            deeper, found = [], plain.get(key)
        else:
            found = problem["input"]
        path = ".".join([key, *deeper])
        said = without_secrets({path.rpartition(".")[2]: found}, "***")
        return f"{path}: found {_short(*said.values())}, wanted {wanted}"


def read_signature(entry: Entry, target: Any) -> Signature:
    """The signature of a component's class or factory. Raises PluginError where it has none."""
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError) as error:
        raise PluginError(f"{entry.title} has no signature that can be read: {error}") from error
    named = [one for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    hints = {one.name: one.annotation for one in named if one.annotation is not one.empty}
    resolved = _resolved(hints, target)
    annotations = {
        one.name: Any if one.name in PARTS else resolved.get(one.name, Any) for one in named
    }
    defaults = {one.name: one.default for one in named if one.default is not one.empty}
    is_open = any(one.kind is one.VAR_KEYWORD for one in parameters)
    around = entry.kind == "encoders" and "cache" not in annotations and not is_open
    if around:
        annotations["cache"], defaults["cache"] = CacheSetting, "off"
    return Signature(entry, annotations, defaults, is_open, around)


def shown(annotation: Any) -> str:
    """A type as a message names it: `int`, `str | None`, `'warn' or 'error'`."""
    if get_origin(annotation) is Literal:
        return " or ".join(repr(value) for value in get_args(annotation))
    if get_origin(annotation) in (Union, types.UnionType):
        return " | ".join(shown(one) for one in get_args(annotation))
    if annotation is None or annotation is type(None):
        return "None"
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    return str(annotation).replace("typing.", "").replace("collections.abc.", "")


def _resolved(hints: dict[str, Any], target: Any) -> dict[str, Any]:
    """The annotations with names put in; those that cannot be, Any."""
    maker = target.__init__ if inspect.isclass(target) else target
    names = getattr(inspect.unwrap(maker), "__globals__", {})
    found: dict[str, Any] = {}
    for name, annotation in hints.items():
        holder = types.SimpleNamespace(__annotations__={name: annotation})
        try:
            found.update(get_type_hints(holder, globalns=names, include_extras=True))
        except (NameError, TypeError, AttributeError):
            # A type that is imported for type checkers only: it says nothing at run time.
            found[name] = Any
    return found


def _usable(annotation: Any) -> Any:
    """The annotation, or Any where pydantic can make nothing of it."""
    try:
        TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))
    except _UNUSABLE:
        try:
            TypeAdapter(annotation)  # types with a config of their own refuse another
        except _UNUSABLE:
            return Any
    return annotation


def _is_plain(value: object) -> bool:
    """Whether JSON says all there is to the value."""
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(one) for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return all(_is_plain(one) for one in value)
    return value is None or (isinstance(value, (str, int, float)) and not stands_for(value))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
