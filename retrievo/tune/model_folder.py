"""A trained model put in its folder whole or not at all."""

import copy
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer

from retrievo.encode.matryoshka.cut import ladder_fingerprint
from retrievo.encode.matryoshka.heads import Head
from retrievo.encode.matryoshka.ladder import Cut, Ladder, write_ladder
from retrievo.encode.transformer.hub import load_model, quiet
from retrievo.encode.transformer.precision import dtype_of
from retrievo.errors import ConfigError
from retrievo.tune.folders import put_in_place

_MODEL_FILE = "modules.json"
_FORMATS = ("float32", "bfloat16", "float16")


def check_output(output: str | Path, model: Any, force: bool) -> Path:
    """The folder to write. Raises ConfigError for what must not be written over.

    With `force` another model's folder may be, but never the model's that is trained, and nothing
    that is no model's folder.
    """
    folder = Path(output).expanduser()
    if not folder.exists():
        return folder
    if isinstance(model, str | Path) and folder.resolve() == Path(model).expanduser().resolve():
        raise ConfigError(
            f"the output {folder} is the model that is trained; the original is the teacher and "
            "must stay: give another folder"
        )
    if folder.is_dir() and not any(folder.iterdir()):
        return folder
    if not (folder / _MODEL_FILE).is_file():
        raise ConfigError(f"the output {folder} is there and holds no model; give another folder")
    if not force:
        raise ConfigError(
            f"the output {folder} is there; give another folder, or --force (force = True in "
            "Python) to replace it"
        )
    return folder


def write_model(
    folder: Path,
    model: SentenceTransformer,
    declare: Callable[[Mapping[str, str]], Ladder],
    heads: Mapping[Cut, Head],
) -> Ladder:
    """The ladder that is then in the folder with the model; it has its name when all is there.

    `declare` makes the ladder from the fingerprints of the model as it was written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as made:
        new = Path(made) / "new"
        with quiet():
            model.save_pretrained(str(new), create_model_card=False)
        ladder = declare(fingerprints_of(new))
        write_ladder(new, ladder, heads)
        put_in_place(new, folder)
    return ladder


def fingerprints_of(folder: str | Path) -> dict[str, str]:
    """`ladder_fingerprint` of the model in the folder, by each number format it can be used in.

    Of the files, not of a model in memory: saving and loading may change what it counts.
    """
    model = load_model(str(folder), local_files_only=True, device="cpu")
    found = {dtype_of(model): ladder_fingerprint(model)}
    for form in _FORMATS:
        if form not in found:
            # From the files' own format, as the encoder does it: rounding twice is another number.
            narrowed = copy.deepcopy(model).to(getattr(torch, form))
            found[form] = ladder_fingerprint(narrowed)
    return found
