"""How long and how fast a ladder is trained."""

from typing import Literal, NamedTuple, get_args

from retrievo.errors import ConfigError

Method = Literal["starbucks", "2dmse"]

_TEACHER = 0.35
"""What a text costs the teacher, in steps: one pass of the three that a training step takes."""


class Settings(NamedTuple):
    """How long and how fast a ladder is trained; the shortest of `epochs` and `minutes` counts.

    `divergence` weighs the KL divergence of in-batch scores beside the angle to the teacher's
    vectors, for starbucks. `steps`, where it is given, counts instead of both. `piece_tokens` is
    the length of the pieces that are trained on, `held_out` the most texts that are kept to
    measure by.
    """

    method: Method = "starbucks"
    steps: int | None = None
    epochs: float = 1.0
    minutes: float = 15.0
    batch_size: int = 32
    learning_rate: float = 2e-4
    divergence: float = 0.0
    piece_tokens: int = 32
    held_out: int = 300
    seed: int = 0

    def checked(self) -> "Settings":
        """The settings. Raises ConfigError for a number that cannot be, and an unknown method."""
        if self.method not in get_args(Method):
            raise ConfigError(f"method is {self.method!r}; one of {get_args(Method)} is wanted")
        for name, least in (("batch_size", 4), ("piece_tokens", 8), ("held_out", 20)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}; {least} or more is wanted")
        if self.steps is not None and self.steps < 1:
            raise ConfigError(f"steps is {self.steps}; 1 or more is wanted")
        if not self.divergence >= 0:
            raise ConfigError(f"divergence is {self.divergence}; 0 or more is wanted")
        for name in ("epochs", "minutes", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; more than 0 is wanted")
        return self

    def planned(self, pieces: int, seconds: float) -> int:
        """How many steps to take of so many pieces, where one takes that long. At least one."""
        if self.steps is not None:
            return self.steps
        by_epochs = self.epochs * pieces / self.batch_size
        by_minutes = self.minutes * 60 / (seconds * (1 + _TEACHER))
        return max(1, int(min(by_epochs, by_minutes)))
