"""What an index was made with, stamped into it, and what differs from another."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from retrievo.contracts import Space
from retrievo.errors import MismatchError

FORMAT = 2
"""The version of what is on disk: 2 since documents have tenants."""


@dataclass(frozen=True, slots=True)
class Passport:
    """Identity of the encoder, the chunker and the representations of an index.

    `encoder` holds name, model, fingerprint, dim and whatever else the encoder tells of itself.
    The document side must match to query or to write; chunker and tokenizer to write; the query
    encoder is recorded.
    """

    encoder: dict[str, Any]
    chunker: dict[str, Any]
    tokenizer: str
    representations: dict[str, Space]
    query_encoder: dict[str, Any] | None = None
    format: int = FORMAT
    notes: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Passport":
        """Raises MismatchError for another format."""
        data = json.loads(text)
        if data.get("format") != FORMAT:
            raise MismatchError(
                f"this index has format {data.get('format')}, this Retrievo reads format {FORMAT}; "
                "open it with the version that wrote it, or index again into a new folder"
            )
        data["representations"] = {
            name: Space(**space) for name, space in data["representations"].items()
        }
        return cls(**data)

    def differences(self, other: "Passport", *, writing: bool) -> list[tuple[str, Any, Any]]:
        """(field, here, there) for each field in which the other does not fit."""
        pairs: list[tuple[str, Any, Any]] = []
        for key in ("fingerprint", "dim"):
            pairs.append((f"encoder.{key}", self.encoder.get(key), other.encoder.get(key)))
        if writing:
            pairs += [
                (f"chunker.{key}", self.chunker.get(key), other.chunker.get(key))
                for key in sorted({*self.chunker, *other.chunker})
            ]
            pairs.append(("tokenizer", self.tokenizer, other.tokenizer))
        for name in sorted({*self.representations, *other.representations}):
            mine, theirs = self.representations.get(name), other.representations.get(name)
            pairs.append((f"representation {name}", mine, theirs))
        return [(name, mine, theirs) for name, mine, theirs in pairs if mine != theirs]

    def check(self, other: "Passport", *, where: str, writing: bool) -> None:
        """Raise MismatchError, with the field and the way out, unless `other` fits this index."""
        found = self.differences(other, writing=writing)
        if not found:
            return
        name, mine, theirs = found[0]
        here = self.encoder.get("model") or self.encoder.get("name")
        there = other.encoder.get("model") or other.encoder.get("name")
        if name.startswith("encoder"):
            what = f"was made with the encoder {here} ({self.encoder.get('dim')} dimensions)"
            given = f"the pipeline encodes with {there} ({other.encoder.get('dim')} dimensions)"
            out = "open it with the encoder that made it, or index into another folder"
            if self.notes.get("migrated_from", {}).get("fingerprint") == theirs:
                what = f"was migrated to the encoder {here} ({self.encoder.get('dim')} dimensions)"
                out = "set [encoder] to that one, as the index itself keeps it"
        elif name.startswith("representation"):
            what = f"was made with {mine or 'nothing'} as its {name}"
            given = f"the pipeline has {theirs or 'nothing'}"
            out = "use the retrievers that made it, or index into another folder"
        else:
            what = f"was cut with {name} = {mine!r}"
            given = f"the pipeline cuts with {theirs!r}"
            out = "set it back, or index into another folder"
        raise MismatchError(f"the index {where} {what}, {given} (differs: {name}); {out}")
