"""Codecs: vectors in fewer bytes, from which inner products can be estimated.

`CODECS` names those that there are; `codec(name)` imports one. All of them are numpy alone, the
same vectors give the same codes, and none needs labels.
"""

from importlib import import_module
from typing import Final

from retrievo.errors import ConfigError
from retrievo.store.codecs.codec import Codec, Fit

__all__ = ["CODECS", "Codec", "Fit", "codec"]

CODECS: Final = {
    "int8": "retrievo.store.codecs.int8:Int8Codec",
    "binary": "retrievo.store.codecs.binary:BinaryCodec",
    "itq": "retrievo.store.codecs.itq:ItqCodec",
    "rabitq": "retrievo.store.codecs.rabitq:RabitqCodec",
    "residual-2bit": "retrievo.store.codecs.residual:ResidualCodec",
    "pca-int8": "retrievo.store.codecs.pca:PcaInt8Codec",
}


def codec(name: str) -> type[Codec]:
    """The codec's class. Raises ConfigError for an unknown name."""
    if name not in CODECS:
        raise ConfigError(f"there is no codec {name!r}; known are {', '.join(sorted(CODECS))}")
    module, _, attribute = CODECS[name].partition(":")
    found: type[Codec] = getattr(import_module(module), attribute)
    return found
