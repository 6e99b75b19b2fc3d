"""Transformers of a few thousand random weights, made from their configs: nothing is downloaded."""

import torch
import transformers
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer, models, pre_tokenizers

try:
    import sentence_transformers.sentence_transformer.modules as parts
except ImportError:  # before version 6
    import sentence_transformers.models as parts

WORDS = "[UNK] [PAD] [CLS] [SEP] [MASK] the quick brown fox jumps over a lazy dog".split()
SIZES = {
    "vocab_size": len(WORDS),
    "hidden_size": 16,
    "num_attention_heads": 4,
    "num_hidden_layers": 4,
    "intermediate_size": 24,
    "max_position_embeddings": 40,
    "pad_token_id": 1,
}
DECODER = {**SIZES, "num_key_value_heads": 2}
GEMMA = {**DECODER, "head_dim": 4, "sliding_window": 4, "layer_types": None}
DISTIL = {"dim": 16, "n_heads": 4, "n_layers": 4, "hidden_dim": 24}
SLIDING = ["sliding_attention", "full_attention"] * 2
# The config's class, what it is given, and the final normalisation's name.
MODELS = {
    "bert": ("BertConfig", SIZES, None),
    "camembert": ("CamembertConfig", SIZES, None),
    "deberta-v2": ("DebertaV2Config", {**SIZES, "relative_attention": True}, None),
    "electra": ("ElectraConfig", {**SIZES, "embedding_size": 16}, None),
    "mpnet": ("MPNetConfig", SIZES, None),
    "roberta": ("RobertaConfig", SIZES, None),
    "xlm-roberta": ("XLMRobertaConfig", SIZES, None),
    "distilbert": ("DistilBertConfig", {**SIZES, **DISTIL}, None),
    "modernbert": ("ModernBertConfig", {**SIZES, "local_attention": 4}, "final_norm"),
    "gemma3_text": ("Gemma3TextConfig", {**GEMMA, "layer_types": SLIDING}, "norm"),
    "llama": ("LlamaConfig", DECODER, "norm"),
    "mistral": ("MistralConfig", {**DECODER, "sliding_window": 4}, "norm"),
    "qwen2": (
        "Qwen2Config",
        {**DECODER, "use_sliding_window": True, "sliding_window": 4, "max_window_layers": 2},
        "norm",
    ),
    "qwen3": ("Qwen3Config", {**DECODER, "head_dim": 4}, "norm"),
}


def tiny(folder, kind, **more):
    """A SentenceTransformer of this architecture, with mean pooling."""
    name, sizes, _ = MODELS[kind]
    torch.manual_seed(7)
    config = getattr(transformers, name)(**{**sizes, **more})
    backbone = transformers.AutoModel.from_config(config)
    with torch.no_grad():  # as they are made, norms are all ones: one left out would not show
        for parameter in backbone.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    backbone.save_pretrained(folder)
    words = models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]")
    tokenizer = Tokenizer(words)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=30
    )
    fast.save_pretrained(folder)
    transformer = parts.Transformer(str(folder))
    # For some architectures another class is loaded than was saved, which knows no words.
    setattr(transformer, "processor" if hasattr(transformer, "processor") else "tokenizer", fast)
    model = SentenceTransformer(
        modules=[transformer, parts.Pooling(16), parts.Normalize()], device="cpu"
    )
    return model.eval()
