"""A model with some of its parts exchanged, which shares all others with the original."""

import copy
from collections.abc import Mapping
from typing import TypeVar

from torch import nn

Part = TypeVar("Part", bound=nn.Module)


def exchanged(model: Part, new: Mapping[str, nn.Module]) -> Part:
    """A twin of the model with other modules at these paths; the original stays as it is.

    Modules on the way to them are twins as well. Parameters and buffers are the same objects in
    both, so that what moves or trains those of one does so for the other.
    """
    twin = copy.copy(model)
    vars(twin)["_modules"] = dict(model._modules)
    vars(twin)["_compiled_call_impl"] = None  # compiled, it is the original with the old parts
    deeper: dict[str, dict[str, nn.Module]] = {}
    for path, module in new.items():
        name, _, rest = path.partition(".")
        if rest:
            deeper.setdefault(name, {})[rest] = module
        else:
            twin._modules[name] = module
    for name, inside in deeper.items():
        twin._modules[name] = exchanged(model.get_submodule(name), inside)
    return twin
