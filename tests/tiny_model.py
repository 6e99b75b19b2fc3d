"""A randomly initialised BERT in a sentence-transformers folder: the real format, in little."""

from collections.abc import Sequence
from pathlib import Path

WORDS = [
    "parrot", "bridge", "violin", "glacier", "lantern", "harbour", "meadow", "engine", "letter",
    "garden", "winter", "copper", "river", "castle", "orchard", "signal", "pepper", "saddle",
]  # fmt: skip


def sentences(count: int, *, seed: int = 0, length: int = 9) -> list[str]:
    """Different sentences of a few words each."""
    import random

    draw = random.Random(seed)
    return [f"{' '.join(draw.choices(WORDS, k=length))} {at}." for at in range(count)]


def tiny_model(
    folder: Path, *, layers: int = 4, dim: int = 32, words: Sequence[str] = WORDS
) -> Path:
    """The folder, which then holds a model of so many layers and dimensions."""
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    try:
        import sentence_transformers.sentence_transformer.modules as parts
    except ImportError:  # before version 6
        import sentence_transformers.models as parts

    torch.manual_seed(0)
    raw = folder.parent / f"{folder.name}-bert"
    raw.mkdir(parents=True)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", *words]
    pieces += [str(digit) for digit in range(10)] + [f"##{digit}" for digit in range(10)]
    (raw / "vocab.txt").write_text("\n".join(pieces))
    BertTokenizerFast(vocab=str(raw / "vocab.txt"), model_max_length=64).save_pretrained(str(raw))
    config = BertConfig(
        vocab_size=len(pieces), hidden_size=dim, num_hidden_layers=layers, num_attention_heads=2,
        intermediate_size=2 * dim, max_position_embeddings=64, initializer_range=0.3,
    )  # fmt: skip
    BertModel(config, add_pooling_layer=False).save_pretrained(str(raw))
    transformer = parts.Transformer(str(raw))
    model = SentenceTransformer(
        modules=[transformer, parts.Pooling(dim), parts.Normalize()], device="cpu"
    )
    model.save_pretrained(str(folder), create_model_card=False)
    return folder
