"""A trained model put in its folder whole or not at all."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer

from retrievo.encode.matryoshka.heads import Head
from retrievo.encode.matryoshka.ladder import Cut, Ladder, write_ladder
from retrievo.encode.transformer.hub import quiet
from retrievo.errors import ConfigError

_MODEL_FILE = "modules.json"


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
    folder: Path, model: SentenceTransformer, ladder: Ladder, heads: Mapping[Cut, Head]
) -> None:
    """Write the model and its ladder; the folder has its name when all of it is there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as made:
        new, old = Path(made) / "new", Path(made) / "old"
        with quiet():
            model.save_pretrained(str(new), create_model_card=False)
        write_ladder(new, ladder, heads)
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
