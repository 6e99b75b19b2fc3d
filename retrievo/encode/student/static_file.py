"""The token table of a static student in its folder, read where it lies."""

import hashlib
import json
import math
import mmap
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.encode.student.counting import TokenCounter
from retrievo.errors import ConfigError
from retrievo.types import Vectors

TABLE_FILE = "student.safetensors"
TOKENIZER_FILE = "tokenizer.json"
FORMAT = "retrievo-static-student-1"
"""Names the recipe too (roots of counts, over their sum, and the bias): another is another name."""

_PARTS = {"table": "F16", "bias": "F32", "pairs": "I64"}
_TYPES = {"F16": np.float16, "F32": np.float32, "I64": np.int64}
_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class TableFile:
    """`table` is float16[columns, dim] in the mapped file, `bias` float32[dim]."""

    counter: TokenCounter
    table: npt.NDArray[np.float16]
    bias: Vectors
    content: npt.NDArray[np.uint8]
    tokenizer: bytes

    @cached_property
    def fingerprint(self) -> str:
        """32 hex digits that change with any byte of the two files."""
        digest = hashlib.blake2b(FORMAT.encode(), digest_size=16)
        digest.update(hashlib.blake2b(self.tokenizer).digest())
        digest.update(self.content.data)
        return digest.hexdigest()


def read_table(folder: Path) -> TableFile:
    """What the folder of a static student holds, of which every number is looked at.

    Raises ConfigError, naming the file, for one that is missing, damaged or of another format.
    """
    path, tokens = folder / TABLE_FILE, folder / TOKENIZER_FILE
    again = "make the student again with `retrievo distill`"
    try:
        tokenizer = tokens.read_bytes()
        parts = _mapped(path)
        if wrong := _wrong(parts):
            raise ConfigError(f"{path} is damaged: {wrong}; {again}")
        counter = TokenCounter(tokenizer.decode("utf-8"), np.array(parts["pairs"]))
    except FileNotFoundError as error:
        raise ConfigError(
            f"{error.filename} is not there: {folder} is no static student; {again}"
        ) from None
    except OSError as error:
        raise ConfigError(f"the student in {folder} cannot be read: {error}; {again}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{tokens} is no text: {error}; {again}") from error
    except ConfigError as error:
        if str(path) in str(error):
            raise
        raise ConfigError(f"{tokens}: {error}; {again}") from error
    if counter.columns != len(parts["table"]):
        raise ConfigError(
            f"{path} has {len(parts['table'])} rows, {counter.vocabulary} tokens of {tokens} and "
            f"{len(counter.pairs)} pairs are wanted: the files are not of one student; {again}"
        )
    bias = np.array(parts["bias"])
    return TableFile(counter, parts["table"], bias, parts["bytes"], tokenizer)


def _mapped(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The parts as views of the mapped file, and all of it as `bytes`.

    The format is 8 bytes with the header's length, a JSON header, the arrays:
    https://huggingface.co/docs/safetensors. Its own reader copies all of it.
    """
    again = "make the student again with `retrievo distill`"
    with path.open("rb") as file:
        size = path.stat().st_size
        whole: Any = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    try:
        length = int.from_bytes(whole[:8], "little")
        if not 0 < length <= min(size - 8, 1_000_000):
            raise ValueError("it has no header")
        header = json.loads(bytes(whole[8 : 8 + length]))
        kind_of = header.pop("__metadata__", {}).get("format")
        if kind_of != FORMAT:
            raise ValueError(f"its format is {kind_of!r}, {FORMAT!r} is wanted")
        found = {name: part["dtype"] for name, part in header.items()}
        if found != _PARTS:
            raise ValueError(f"it holds {found}, {_PARTS} is wanted")
        parts: dict[str, npt.NDArray[Any]] = {"bytes": np.frombuffer(whole, np.uint8)}
        end = 0
        for name, told in header.items():
            begin, stop = told["data_offsets"]
            shape = tuple(told["shape"])
            kind = np.dtype(_TYPES[found[name]])
            if begin < 0 or stop - begin != math.prod(shape) * kind.itemsize:
                raise ValueError(f"{name} does not have the bytes of its shape")
            offset = 8 + length + begin
            part = np.frombuffer(whole, kind, math.prod(shape), offset)
            parts[name] = part.reshape(shape)
            end = max(end, stop)
        if 8 + length + end != size:
            raise ValueError(f"it has {size} bytes, {8 + length + end} are wanted")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(f"{path} is no table of a static student: {error}; {again}") from error
    return parts


def _wrong(parts: dict[str, npt.NDArray[Any]]) -> str | None:
    table, bias, pairs = parts["table"], parts["bias"], parts["pairs"]
    if table.ndim != 2 or bias.shape != table.shape[1:] or not bias.size or pairs.ndim != 1:
        return f"its shapes are {table.shape}, {bias.shape} and {pairs.shape}"
    if (np.diff(pairs) <= 0).any():
        return "its pairs are not in order"
    if not np.isfinite(bias).all() or not _finite(table):
        return "it holds a number that is not finite"
    return None


def _finite(table: npt.NDArray[np.float16]) -> bool:
    # By its bits, in a tenth of the time: all five of the exponent are 1 in infinity and NaN alone.
    bits = table.reshape(-1).view(np.uint16)
    pieces = range(0, len(bits), _AT_ONCE)
    return all(int((bits[at : at + _AT_ONCE] & 0x7FFF).max()) < 0x7C00 for at in pieces)
