"""What an encoder makes of texts: their vectors, and how much of each text is in its vector."""

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from retrievo.types import Vectors

Side = Literal["query", "document"]
Counts = npt.NDArray[np.int32]


class Encoded(NamedTuple):
    """Vectors of n texts and their tokens, in the order of the texts.

    `vectors` is float32[n, dim]; `tokens_total` and `tokens_seen` are int32[n], specials and prompt
    left out, equal where the whole text was read, and -1 where the encoder cannot count.
    """

    vectors: Vectors
    tokens_total: Counts
    tokens_seen: Counts
