"""Numbers that parts and searches are given, checked before they are used."""

from numbers import Real

from retrievo.errors import ConfigError


def check_number(
    name: str, value: object, *, least: float = 0.0, most: float = float("inf"), above: bool = False
) -> None:
    """Raise ConfigError for what is no finite number from `least` (or above it) to `most`."""
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = float("inf")
        enough = number > least if above else number >= least
        if enough and number <= most and number != float("inf"):
            return
    low = f"above {least:g}" if above else f"from {least:g}"
    high = "up" if most == float("inf") else f"to {most:g}"
    raise ConfigError(f"{name} is {value!r}; a number {low} {high} is wanted")


def check_whole(name: str, value: object, least: int) -> None:
    """Raise ConfigError for what is no whole number, or a smaller one."""
    whole = hasattr(value, "__index__") and not isinstance(value, bool)
    if not whole or value.__index__() < least:  # type: ignore[attr-defined]  # it has it
        raise ConfigError(f"{name} is {value!r}; a whole number from {least} is wanted")
