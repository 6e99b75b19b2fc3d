"""A randomly initialised cross-encoder in the real format, in little."""

from pathlib import Path

from tiny_model import WORDS


def tiny_cross_encoder(folder: Path, *, labels: int = 1, reads: int = 40) -> Path:
    """The folder, which then holds a BERT with a head that gives so many scores for a pair."""
    import torch
    from sentence_transformers import CrossEncoder
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    torch.manual_seed(3)
    raw = folder.parent / f"{folder.name}-bert"
    raw.mkdir(parents=True)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", *WORDS]
    pieces += [str(digit) for digit in range(10)] + [f"##{digit}" for digit in range(10)]
    (raw / "vocab.txt").write_text("\n".join(pieces))
    BertTokenizerFast(vocab=str(raw / "vocab.txt"), model_max_length=reads).save_pretrained(
        str(raw)
    )
    config = BertConfig(
        vocab_size=len(pieces), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64, initializer_range=0.6, num_labels=labels,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(str(raw))
    model = CrossEncoder(str(raw), device="cpu", max_length=reads)
    model.save_pretrained(str(folder))
    return folder
