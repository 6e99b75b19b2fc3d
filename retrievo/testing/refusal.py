"""Contract kits refuse to be weakened: a subclass adds tests and fixtures, it takes none away.

What a part is known not to do yet stands in `expected_failures`, by the name of the test, with the
reason. Such a test still runs; when it passes, it fails, so that the entry goes.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

_SKIPPING = ("skip", "skipif", "xfail")
_LEAST_REASON = 8
"""Characters; "later" is no reason."""


class _Guarded(type):
    """Refuses what decorators and later assignments would do to a contract's tests."""

    def __setattr__(cls, name: str, value: object) -> None:
        _refuse(cls, {name: value})
        super().__setattr__(name, value)

    def __delattr__(cls, name: str) -> None:
        if name.startswith("test_"):
            raise TypeError(f"{cls.__name__}.{name} is a test of the contract and stays one")
        super().__delattr__(name)


class RefusesOverrides(metaclass=_Guarded):
    """Raises TypeError where a subclass redefines, removes or skips one of the kit's tests."""

    expected_failures: ClassVar[Mapping[str, str]] = {}
    """Test name, or the name with one parameter's id in brackets, and why it fails for now."""

    def __init_subclass__(cls, **given: Any) -> None:
        super().__init_subclass__(**given)
        _refuse(cls, vars(cls))

    @pytest.fixture(autouse=True)
    def _known_to_fail(self, request: pytest.FixtureRequest) -> None:
        """Marks the test that runs where `expected_failures` names it."""
        name = request.node.name
        reason = self.expected_failures.get(name, self.expected_failures.get(name.split("[")[0]))
        if reason is not None:
            request.node.add_marker(pytest.mark.xfail(reason=reason, strict=True))


def _refuse(cls: type, given: Mapping[str, object]) -> None:
    for name, value in given.items():
        if name.startswith("test_") and any(hasattr(base, name) for base in cls.__mro__[1:]):
            raise TypeError(
                f"{cls.__name__}.{name} would replace a test of the contract; a part that fails it "
                "does not keep the contract. Name it in expected_failures, with the reason, where "
                "that is known and stays for now"
            )
        if name == "pytestmark":
            _refuse_marks(cls, value)
        if name == "expected_failures":
            _check_reasons(cls, value)


def _refuse_marks(cls: type, value: object) -> None:
    for mark in value if isinstance(value, (list, tuple)) else [value]:
        kind = getattr(mark, "name", "")
        if kind in _SKIPPING:
            raise TypeError(
                f"{cls.__name__} is marked {kind}, which would hide a contract's tests; name some "
                "in expected_failures, with the reason. Where a server is missing, call "
                "pytest.skip(reason) in the hook that makes the part"
            )


def _check_reasons(cls: type, value: object) -> None:
    if not isinstance(value, Mapping):
        raise TypeError(
            f"{cls.__name__}.expected_failures is a {type(value).__name__}; "
            "a mapping of test names to reasons is wanted"
        )
    for name, reason in value.items():
        if not hasattr(cls, str(name).split("[")[0]):
            raise TypeError(f"{cls.__name__}.expected_failures: the contract has no test {name!r}")
        if not isinstance(reason, str) or len(reason.strip()) < _LEAST_REASON:
            raise TypeError(
                f"{cls.__name__}.expected_failures[{name!r}] has no reason: say what the part does "
                "instead, and why"
            )
