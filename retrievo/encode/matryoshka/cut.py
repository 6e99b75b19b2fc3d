"""An encoder cut in depth and in width: which cut is allowed, and how its vectors are finished.

Wang et al. 2024 (2DMSE) and Zhuang et al. 2024 (Starbucks) train models for both. A model that was
not trained so can be cut in width, at a cost; cut in depth it is useless without a fitted head.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache
from sentence_transformers import SentenceTransformer

from retrievo.encode.matryoshka.depth import at_depth, layer_count
from retrievo.encode.matryoshka.head_files import Heads
from retrievo.encode.matryoshka.heads import KINDS, Head, Kind
from retrievo.encode.matryoshka.ladder import LADDER_FILE, Ladder, read_heads, read_ladder
from retrievo.encode.transformer.model_identity import model_fingerprint
from retrievo.encode.transformer.precision import dtype_of
from retrievo.encode.transformer.tokenizing import tokenizer_of
from retrievo.errors import ConfigError
from retrievo.types import Vectors


@dataclass(frozen=True, slots=True)
class Cut:
    """A model at some depth, and what makes its sentence vectors those of the encoder.

    `layers` is None for all of them. `aligned_to` is the fingerprint of the whole encoder where the
    vectors are in its space, though they come from fewer layers.
    """

    model: SentenceTransformer
    layers: int | None
    dim: int
    head: Head
    aligned_to: str | None = None

    def finish(self, vectors: Vectors, *, normalize: bool) -> Vectors:
        """float32[n, dim]: through the head, sliced, and unit length where `normalize` says so."""
        return self.head.apply(vectors, self.dim, normalize=normalize)

    def settings(self) -> dict[str, Any]:
        """What a fingerprint has to know of the cut; nothing where the width alone is cut."""
        if self.layers is None and self.head.kind == "slice":
            return {}
        return {"layers": self.layers, "head": [self.head.kind, self.head.fingerprint]}

    def told(self) -> dict[str, Any]:
        """What a passport says of it."""
        if not self.settings():
            return {}
        return {"layers": self.layers, "head": self.head.kind}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The arguments of an encoder that say how to cut it."""

    layers: int | None = None
    truncate_dim: int | None = None
    head: Kind = "slice"
    heads: str | Path | None = None
    allow_untrained: bool = False

    def cut(
        self,
        model: SentenceTransformer,
        name: str,
        dim: int,
        *,
        folder: Path | None,
        fingerprint: Callable[[], str],
    ) -> Cut:
        """The cut of a model with `dim` dimensions. Raises ConfigError where it is not allowed.

        `folder` is where the model was read from; `fingerprint` gives that of the whole encoder.
        """
        width = self.truncate_dim
        if width is not None and not 1 <= width <= dim:
            raise ConfigError(f"truncate_dim is {width}; the model {name} has {dim} dimensions")
        if self.head not in KINDS:
            raise ConfigError(f"head is {self.head!r}; one of {', '.join(KINDS)} is wanted")
        layers = self._layers(model)
        if self.head != "slice":
            return self._with_head(model, name, dim, layers, fingerprint)
        if self.heads is not None:
            raise ConfigError("heads is given, and head = 'slice' uses none; say 'pca' or 'ridge'")
        ladder = None if folder is None else read_ladder(folder)
        if ladder is not None and folder is not None and not self.allow_untrained:
            if layers is None and width is None:
                return Cut(model, None, dim, Head("slice", ladder.layers))
            _check(ladder, folder, model, name, dim)
            return _of_ladder(model, ladder, folder, layers, width)
        if layers is None:
            return Cut(model, None, width or dim, Head("slice", 0))
        if not self.allow_untrained:
            raise ConfigError(refusal(name, layers, layer_count(model)))
        return Cut(at_depth(model, layers), layers, width or dim, Head("slice", layers))

    def _layers(self, model: SentenceTransformer) -> int | None:
        """How many layers are kept, None for all."""
        if self.layers is None:
            return None
        whole = layer_count(model)
        if isinstance(self.layers, bool) or not 1 <= self.layers <= whole:
            raise ConfigError(f"layers is {self.layers}; this model has 1 to {whole}")
        return None if self.layers == whole else self.layers

    def _with_head(
        self,
        model: SentenceTransformer,
        name: str,
        dim: int,
        layers: int | None,
        fingerprint: Callable[[], str],
    ) -> Cut:
        if self.heads is None:
            raise ConfigError(
                f"head = {self.head!r} wants heads, the folder that `retrievo calibrate TEXTS "
                "--save-heads DIR` wrote"
            )
        if self.head == "ridge" and layers is None:
            raise ConfigError(
                "head = 'ridge' maps fewer layers into the whole model's space; set layers"
            )
        found = Heads.load(self.heads)
        whole = fingerprint()
        found.check(whole, name)
        head = found.head(self.head, layers)
        width = self.truncate_dim or head.dim_out(dim)
        if self.head == "ridge" and width != head.dim_out(dim):
            raise ConfigError(
                f"truncate_dim is {width}: vectors of a ridge head meet those of the whole model, "
                f"which have {head.dim_out(dim)} dimensions; leave truncate_dim out"
            )
        if width > head.dim_out(dim):
            raise ConfigError(
                f"truncate_dim is {width}; the pca head in {self.heads} keeps {head.dim_out(dim)}"
            )
        cut = model if layers is None else at_depth(model, layers)
        aligned = whole if self.head == "ridge" else None
        return Cut(cut, layers, width, head, aligned)


def ladder_fingerprint(model: SentenceTransformer) -> str:
    """What a ladder tells its weights by: whoever loads the folder gets it, with any prompts."""
    return model_fingerprint(model, tokenizer_of(model), {})


def _check(ladder: Ladder, folder: Path, model: SentenceTransformer, name: str, dim: int) -> None:
    """Raise ConfigError unless the ladder was trained with the model that it lies beside."""
    file = folder / LADDER_FILE
    again = (
        "train the ladder again (`retrievo train ladder`), delete the file to use the whole model, "
        "or set allow_untrained = true to cut without it"
    )
    whole = layer_count(model)
    if (ladder.layers, ladder.dim) != (whole, dim):
        raise ConfigError(
            f"{file} is the ladder of {ladder.model} with {ladder.layers} layers and {ladder.dim} "
            f"dimensions, and the model beside it, {name}, has {whole} and {dim}; {again}"
        )
    form = dtype_of(model)
    wanted, found = ladder.fingerprints.get(form), ladder_fingerprint(model)
    if found != wanted:
        raise ConfigError(
            f"{file} is the ladder of {ladder.model} with other weights: in {form} it was trained "
            f"as {wanted or 'unknown'}, and the model beside it, {name}, is {found}; {again}"
        )


def _of_ladder(
    model: SentenceTransformer,
    ladder: Ladder,
    folder: Path,
    layers: int | None,
    width: int | None,
) -> Cut:
    point = ladder.point(layers, width)
    cut = model if layers is None else at_depth(model, layers)
    head = read_heads(folder, ladder).get(point.cut, Head("slice", point.layers))
    return Cut(cut, layers, point.dim, head)


def refusal(name: str, layers: int, whole: int) -> str:
    """Why the first layers of a model that was not trained for it are not taken as they are."""
    return (
        f"layers = {layers} cuts {name}, which has {whole} layers and declares no ladder: the "
        "states of a layer that was not trained to be the last are no use for search (all-MiniLM-"
        "L6-v2 cut to 1-5 of 6 layers: nDCG@10 .05-.13 where the whole has .51). Fit a head "
        "(`retrievo calibrate TEXTS --save-heads DIR`, then head = 'ridge' for queries against "
        "the whole model's documents), train a ladder (`retrievo train ladder`), or set "
        "allow_untrained = true to measure it all the same"
    )


def folder_of(model: str | Path, revision: str | None) -> Path | None:
    """Where the files of a model are that was loaded by this name; None where none are known."""
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    name = str(model) if "/" in str(model) else f"sentence-transformers/{model}"
    found = try_to_load_from_cache(name, LADDER_FILE, revision=revision)
    return Path(found).parent if isinstance(found, str) else None
