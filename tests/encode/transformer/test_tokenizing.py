import pytest

pytest.importorskip("tokenizers", reason="needs the extra models")

from tokenizers import Tokenizer, models, pre_tokenizers, processors

from retrievo.encode.transformer.tokenizing import TransformerTokenizer, limit_of, tokenizer_of


def fast_tokenizer():
    words = {word: at for at, word in enumerate(["?", "[CLS]", "[SEP]", "[PAD]", "a", "key", ":"])}
    fast = Tokenizer(models.WordLevel(words, unk_token="?"))
    fast.pre_tokenizer = pre_tokenizers.Whitespace()
    fast.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    fast.enable_truncation(4)
    fast.enable_padding(pad_id=3, pad_token="[PAD]", length=9)
    return fast


@pytest.fixture
def fast():
    return fast_tokenizer()


def test_ids_by_hand(fast):
    tokens = TransformerTokenizer(fast, 4).tokens(["a key : a", "", "zz"])
    assert [found.ids for found in tokens] == [[1, 4, 5, 6, 4, 2], [1, 2], [1, 0, 2]]
    assert tokens[0].types == [0] * 6


def test_what_the_model_reads_is_cut_and_keeps_its_last_special_token(fast):
    assert TransformerTokenizer(fast, 4).cut("a key : a").ids == [1, 4, 5, 2]
    assert TransformerTokenizer(fast, None).cut("a key : a").ids == [1, 4, 5, 6, 4, 2]


def test_the_end_of_a_text_where_the_model_cuts_its_beginning(fast):
    assert TransformerTokenizer(fast, 4, cut_at="left").cut("a key : a").ids == [1, 6, 4, 2]


def test_the_tokenizer_that_was_given_stays_as_it_is(fast):
    made = TransformerTokenizer(fast, 100)
    made.tokens(["a " * 50])
    made.cut("a " * 50)
    assert fast.truncation["max_length"] == 4 and fast.padding["length"] == 9
    assert fast.to_str() == fast_tokenizer().to_str()


def test_specials_and_prompt(fast):
    made = TransformerTokenizer(fast, 4)
    assert made.specials("") == 2
    assert made.specials("key : ") == 4


def test_spans_leave_special_tokens_out(fast):
    made = TransformerTokenizer(fast, 4)
    assert made.token_spans("a  key:\ta").tolist() == [[0, 1], [3, 6], [6, 7], [8, 9]]
    assert made.token_spans("").shape == (0, 2)
    assert made.token_spans("a \ud800 key").tolist() == [[0, 1], [2, 3], [4, 7]]


class Holder:
    def __init__(self, tokenizer, max_seq_length):
        self.tokenizer, self.max_seq_length = tokenizer, max_seq_length


@pytest.mark.parametrize(
    ("told", "limit"), [(256, 256), (None, None), (float("inf"), None), (10**30, None), (0, None)]
)
def test_limits_that_are_none(fast, told, limit):
    assert limit_of(Holder(fast, told)) == limit


def test_a_model_without_a_fast_tokenizer(fast):
    assert tokenizer_of(Holder(fast, 4)).tokens(["a"])[0].ids == [1, 4, 2]
    assert tokenizer_of(Holder(object(), 4)) is None
