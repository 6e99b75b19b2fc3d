"""Loads a SentenceTransformer from a folder, the local cache or the model hub."""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from huggingface_hub import HfApi, try_to_load_from_cache
from sentence_transformers import SentenceTransformer
from transformers.utils import logging as transformers_logging

from retrievo.encode.transformer.devices import devices_of
from retrievo.errors import EncoderError

Model = TypeVar("Model")

_ANSWER_S = 10
_WAYS_OUT = (
    "give the path of a local directory, or put the model into the cache on a machine with a "
    "network (HF_HOME) and set HF_HUB_OFFLINE=1"
)


def load_model(model: str, *, local_files_only: bool, **arguments: Any) -> SentenceTransformer:
    """The SentenceTransformer of a local directory or of the hub; see `load_kind`."""
    return load_kind(SentenceTransformer, model, local_files_only=local_files_only, **arguments)


def load_kind(
    kind: Callable[..., Model], model: str, *, local_files_only: bool, **arguments: Any
) -> Model:
    """The model of a local directory or of the hub, as what `kind` makes of it.

    What is in the cache is taken without asking the hub. Raises EncoderError, naming the model and
    the ways out, where it is not found or the hub does not answer within seconds.
    """
    if Path(model).expanduser().is_dir():
        return _load(
            kind, str(Path(model).expanduser()), local_files_only=local_files_only, **arguments
        )
    if model.startswith((".", "/", "~", "\\")) or model.count("/") > 1 or "\\" in model:
        raise EncoderError(
            f"there is no model directory {model!r}; give a directory that a SentenceTransformer "
            "was saved to, or the name of a model on the hub (organisation/name)"
        )
    name = model if "/" in model else f"sentence-transformers/{model}"
    revision = arguments.get("revision")
    offline = local_files_only or os.environ.get("HF_HUB_OFFLINE", "").upper() in {
        "1",
        "ON",
        "YES",
        "TRUE",
    }
    if offline or isinstance(try_to_load_from_cache(name, "modules.json", revision=revision), str):
        try:
            return _load(kind, model, local_files_only=True, **arguments)
        except EncoderError:
            # An interrupted download leaves a part in the cache; the hub has the rest.
            if offline:
                raise
    _ask(name, model, revision)
    return _load(kind, model, local_files_only=False, **arguments)


def open_kind(
    kind: type[Model], model: str | Path | Model, *, device: str | None, **arguments: Any
) -> tuple[Model, str]:
    """The model, loaded unless it is one already, and what it is called."""
    if isinstance(model, kind):
        return model, "given"
    loaded = load_kind(kind, str(model), device=devices_of(device, 1)[0], **arguments)
    path = Path(str(model)).expanduser()
    return loaded, path.resolve().name if path.is_dir() else str(model)


def _ask(name: str, model: str, revision: str | None) -> None:
    """One question with a time limit: the loader itself asks for minutes before it gives up."""
    try:
        HfApi().model_info(name, revision=revision, timeout=_ANSWER_S)
    except Exception as error:  # the hub's client raises its own, httpx' and requests' errors
        raise EncoderError(
            f"the model {model!r} is neither a directory nor in the local cache, and the hub gave "
            f"{_said(error)}; {_WAYS_OUT}"
        ) from error


def _load(kind: Callable[..., Model], model: str, **arguments: Any) -> Model:
    try:
        with quiet(), warnings.catch_warnings():
            # What the libraries say to each other is not the user's to act on.
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            return kind(model, **arguments)
    except Exception as error:  # a damaged folder shows as almost any kind of error
        raise EncoderError(
            f"the model {model!r} cannot be loaded: {_said(error)}; {_WAYS_OUT}"
        ) from error


_PROGRESS: Any = transformers_logging  # its functions have no types


@contextmanager
def quiet() -> Iterator[None]:
    """Without the progress bars of transformers."""
    shown = _PROGRESS.is_progress_bar_enabled()
    _PROGRESS.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            _PROGRESS.enable_progress_bar()


def _said(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
