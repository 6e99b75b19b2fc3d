"""Contract kits refuse to be weakened: a subclass adds tests and fixtures, it replaces none."""

from typing import Any


class RefusesOverrides:
    """Raises TypeError where a subclass redefines one of the kit's tests."""

    def __init_subclass__(cls, **given: Any) -> None:
        super().__init_subclass__(**given)
        for name in vars(cls):
            if name.startswith("test_") and any(hasattr(base, name) for base in cls.__bases__):
                raise TypeError(
                    f"{cls.__name__}.{name} would replace a test of the contract; "
                    "a store, chunker or encoder that fails it does not keep the contract"
                )
