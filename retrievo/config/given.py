"""Parts that were handed over as objects, looked at before anything is built."""

from types import MappingProxyType

from retrievo.errors import ConfigError

NEEDED = MappingProxyType(
    {
        "chunker": ("chunk",),
        "contextualizer": ("contextualize",),
        "encoder": ("encode_query", "encode_document", "dim", "max_tokens", "fingerprint"),
        "query_encoder": ("encode_query", "dim", "fingerprint"),
        "store": ("open", "write", "search", "get"),
        "retrievers": ("representations", "represent", "search"),
        "fusion": ("fuse",),
        "reranker": ("rank",),
        "expander": ("expand",),
        "readers": ("read", "suffixes"),
    }
)
"""What a part of each kind must offer, by name; `retrievo.contracts` says what each means."""


def check_given(place: str, part: object) -> None:
    """Raise ConfigError, naming what is missing, where an object cannot be the part.

    Looks at the class, so that no property is computed. An object that makes its attributes up as
    they are asked for is taken at its word.
    """
    kind, _, name = place.partition(".")
    what = f"{kind} {name!r}" if name else kind
    if isinstance(part, (str, int, float, type)):
        found = f"the class {part.__name__}" if isinstance(part, type) else repr(part)
        single = kind.removesuffix("s")
        raise ConfigError(
            f'{what} is {found}; an object is wanted, such as Pipeline.part("{single}", use="...")'
        )
    if hasattr(type(part), "__getattr__"):
        return
    own = getattr(part, "__dict__", {})
    for needed in NEEDED[kind]:
        if not hasattr(type(part), needed) and needed not in own:
            raise ConfigError(
                f"{what} is a {type(part).__name__}, which has no {needed!r}; "
                f"a {kind.removesuffix('s')} needs {', '.join(NEEDED[kind])}"
            )
