"""What a run would ask of a model that is paid by the token."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Estimate:
    """Requests that would be sent, and answers that are there already; tokens in and out.

    Tokens are counted by the static tokenizer, which is within a quarter of most models' own for
    English. `output_tokens` is the most that can come back. `cost` is in the currency of the
    prices, None without any; what a service takes off for repeated beginnings is not in it.
    """

    calls: int = 0
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None

    def __add__(self, other: "Estimate") -> "Estimate":
        known = [one for one in (self.cost, other.cost) if one is not None]
        return Estimate(
            self.calls + other.calls,
            self.cached + other.cached,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            sum(known) if known else None,
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        money = "" if self.cost is None else f", at most about {self.cost:.4g} at these prices"
        return (
            f"{self.calls:,} calls of a model (about {self.input_tokens:,} tokens in, at most "
            f"{self.output_tokens:,} out{money}), {self.cached:,} more kept from before"
        )
