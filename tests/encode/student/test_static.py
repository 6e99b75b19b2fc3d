import json
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from retrievo.encode.student import static
from retrievo.encode.student.card import Fidelity, StudentCard, Teacher
from retrievo.encode.student.counting import TokenCounter
from retrievo.encode.student.static import StaticStudent
from retrievo.encode.student.static_file import FORMAT, TABLE_FILE, TOKENIZER_FILE
from retrievo.errors import ConfigError, EncoderError, RetrievoWarning
from retrievo.testing.encoders import TEXTS, EncoderContract
from retrievo.testing.texts import ZOO
from retrievo.tune.distill.static_files import write_table
from retrievo.tune.distill.static_table import StaticTable, fit_table
from retrievo.tune.distill.token_directions import token_directions
from retrievo.tune.distill.token_statistics import TokenStatistics, frequent_pairs
from retrievo.tune.distill.tokenizer_json import tokenizer_json

DIM = 12


def card(folder, dim=DIM, kind="static"):
    StudentCard(
        kind=kind,
        teacher=Teacher(model="a-teacher", fingerprint="f" * 32, dim=dim),
        chunks=90,
        last_row=89,
        documents=Fidelity(texts=9, documents=90, cosine=0.9, overlap=0.6),
        min_overlap=0.5,
    ).save(folder)


def student(folder, seed=1, dim=DIM):
    """Fitted on random vectors of texts in which each token comes."""
    texts = [*TEXTS, *ZOO.values()] * 3
    texts = [text for text in texts if text.strip()]
    told = tokenizer_json(object())
    made = TokenStatistics(told, dim, frequent_pairs(told, texts, 50))
    vectors = np.random.default_rng(seed).standard_normal((len(texts), dim)).astype(np.float32)
    made.add(np.arange(len(texts)), texts, vectors)
    directions = token_directions(told, made.counter.vocabulary)
    write_table(folder, fit_table(made, directions=directions), made)
    card(folder, dim)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return student(tmp_path_factory.mktemp("student"))


class _BothSides(StaticStudent):
    """What the kit asks of documents is asked of queries a second time."""

    encode_document = StaticStudent.encode_query


class TestContract(EncoderContract):
    sides = "alike"

    @pytest.fixture
    def encoder(self, folder):
        return _BothSides(folder)

    @pytest.fixture
    def variants(self, tmp_path, folder):
        bias = copied(folder, tmp_path / "bias", lambda parts: parts["bias"].__imul__(2))
        tokens = copied(folder, tmp_path / "tokenizer", lambda parts: None)
        told = json.loads((tokens / TOKENIZER_FILE).read_text(encoding="utf-8"))
        del told["normalizer"]["normalizers"][0]  # cased
        (tokens / TOKENIZER_FILE).write_text(json.dumps(told), encoding="utf-8")
        made = {"bias": bias, "tokenizer": tokens, "table": student(tmp_path / "table", seed=2)}
        return {name: _BothSides(path) for name, path in made.items()}

    @pytest.fixture
    def same(self, folder):
        return {"opened again": _BothSides(str(folder))}


def copied(folder, to, change):
    to.mkdir(parents=True)
    for path in folder.iterdir():
        (to / path.name).write_bytes(path.read_bytes())
    parts = load_file(folder / TABLE_FILE)
    change(parts)
    save_file(parts, to / TABLE_FILE, {"format": FORMAT})
    return to


def by_hand(folder, text):
    """A query from the files, as the format says."""
    parts = load_file(folder / TABLE_FILE)
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    vocabulary = len(parts["table"]) - len(parts["pairs"])
    rows = {one: ids.count(one) for one in ids}
    total = sum(times**0.5 for times in rows.values())
    pairs = [one * vocabulary + other for one, other in pairwise(ids)]
    for at, pair in enumerate(parts["pairs"].tolist()):
        if pair in pairs:
            rows[vocabulary + at] = pairs.count(pair)
    made = parts["bias"].astype(np.float64)
    for row, times in rows.items():
        made += times**0.5 / total * parts["table"][row].astype(np.float64)
    return made / np.linalg.norm(made)


@pytest.mark.parametrize("text", [*TEXTS, "key key key", "The cat sat on the mat.", "Grüße\r\nAB"])
def test_equals_what_the_files_say(folder, text):
    made = StaticStudent(folder).encode_query([text])[0]
    assert np.abs(made - by_hand(folder, text)).max() < 1e-5


def test_what_it_says_of_itself(folder):
    encoder = StaticStudent(folder)
    assert (encoder.dim, encoder.max_tokens, encoder.special_tokens) == (DIM, None, 0)
    assert len(bytes.fromhex(encoder.fingerprint)) == 16
    assert encoder.aligned_to == "f" * 32 == encoder.card.teacher.fingerprint
    assert encoder.identity()["model"] == "a-teacher"
    assert str(folder) not in json.dumps(encoder.identity())


def test_a_document_is_refused_with_the_reason(folder):
    with pytest.raises(EncoderError, match=r"queries only.*a-teacher"):
        StaticStudent(folder).encode_document(["a document"])


def test_case_counts_for_what_the_tokenizer_says(folder):
    loud, quiet = StaticStudent(folder).encode_query(["ROTATE THE KEY", "rotate the key"])
    assert np.array_equal(loud, quiet)


def test_a_text_of_unknown_tokens_has_the_mean_and_is_told(tmp_path, folder):
    def forget(parts):
        parts["table"][:] = 0

    encoder = StaticStudent(copied(folder, tmp_path / "forgetful", forget))
    with pytest.warns(RetrievoWarning, match="2 of 2 texts have no token"):
        vectors = encoder.encode_query(["key", "moon"])
    bias = load_file(folder / TABLE_FILE)["bias"]
    assert np.abs(vectors[0] - bias / np.linalg.norm(bias)).max() < 1e-6
    assert np.array_equal(vectors[0], vectors[1])


@pytest.fixture(scope="module")
def opened(folder):
    return StaticStudent(folder)


@given(text=st.text(st.characters(exclude_categories=()), max_size=300))
def test_any_text(opened, text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RetrievoWarning)
        made = opened.encode_query([text])[0]
    assert abs(np.linalg.norm(made) - bool(text.strip())) < 1e-5


def test_ten_megabytes(folder):
    encoder = StaticStudent(folder)
    for text in ("rotate the key " * 700_000, "x" * 10_000_000):
        assert abs(np.linalg.norm(encoder.encode_query([text])) - 1) < 1e-5


class TestDamage:
    def opened(self, folder, name):
        with pytest.raises(ConfigError, match="distill") as caught:
            StaticStudent(folder)
        assert name in str(caught.value)
        return str(caught.value)

    @pytest.mark.parametrize("name", [TABLE_FILE, TOKENIZER_FILE, "student.json"])
    @pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff" * 400, 0.5, 0.99])
    def test_a_file_that_is_missing_foreign_or_cut_is_named(self, tmp_path, folder, name, content):
        made = copied(folder, tmp_path / "damaged", lambda parts: None)
        whole = (made / name).read_bytes()
        if content is None:
            (made / name).unlink()
        elif isinstance(content, float):
            (made / name).write_bytes(whole[: int(len(whole) * content)])
        else:
            (made / name).write_bytes(content)
        self.opened(made, name)

    @pytest.mark.parametrize(
        ("part", "change"),
        [
            ("table", lambda part: part[:-1]),
            ("table", lambda part: part[:, :-1]),
            ("table", lambda part: part.astype(np.float32)),
            ("table", lambda part: part.ravel()),
            ("bias", lambda part: part[:-1]),
            ("pairs", lambda part: part[::-1].copy()),
            ("pairs", lambda part: part[:-1]),
            ("bias", lambda part: np.where(np.arange(len(part)) == 3, np.nan, part)),
        ],
    )
    def test_parts_that_cannot_be(self, tmp_path, folder, part, change):
        def changed(parts):
            made = np.ascontiguousarray(change(parts[part]))
            parts[part] = made if part != "bias" else made.astype(np.float32)

        self.opened(copied(folder, tmp_path / "damaged", changed), TABLE_FILE)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_one_number_that_is_not_finite(self, tmp_path, folder, value):
        def spoil(parts):
            parts["table"][-1, -1] = value

        said = self.opened(copied(folder, tmp_path / "damaged", spoil), TABLE_FILE)
        assert "not finite" in said

    def test_files_of_two_students(self, tmp_path, folder):
        made = copied(folder, tmp_path / "mixed", lambda parts: None)
        other = Tokenizer.from_file(str(made / TOKENIZER_FILE))
        other.add_tokens(["a new token"])
        other.save(str(made / TOKENIZER_FILE))
        self.opened(made, TOKENIZER_FILE)
        (made / TOKENIZER_FILE).write_bytes((folder / TOKENIZER_FILE).read_bytes())
        card(made, dim=DIM + 1)
        self.opened(made, "dimensions")
        card(made, kind="layers")
        self.opened(made, "layers")

    def test_another_format_is_told(self, tmp_path, folder):
        made = copied(folder, tmp_path / "foreign", lambda parts: None)
        save_file(load_file(folder / TABLE_FILE), made / TABLE_FILE, {"format": "another-1"})
        assert "another-1" in self.opened(made, TABLE_FILE)

    def test_what_is_not_finite_is_not_written(self, tmp_path):
        made = TokenStatistics(tokenizer_json(object()), 2)
        table = np.full((made.counter.columns, 2), 1e6, np.float32)  # infinite in float16
        with pytest.raises(EncoderError, match="not finite"), np.errstate(over="ignore"):
            write_table(
                tmp_path / "none", StaticTable(table, np.ones(2, np.float32), {}, None, table), made
            )
        assert not (tmp_path / "none").exists()


LIGHT = """
import sys
from retrievo.encode.student.static import StaticStudent
assert "pydantic" not in sys.modules
vectors = StaticStudent(sys.argv[1]).encode_query(["rotate the key"])
assert vectors.any()
heavy = {"torch", "scipy", "sentence_transformers", "transformers", "huggingface_hub", "pandas"}
print(sorted(heavy & set(sys.modules)))
"""


def test_nothing_heavy_is_imported(folder):
    command = [sys.executable, "-c", LIGHT, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


class TestShortTexts:
    """What is remembered of words gives what the tokenizer gives of the whole text."""

    def counters(self):
        names = [*"? a b ab ##b é . [UNK] the".split(), "\u3000"]
        bert = Tokenizer(models.WordPiece({name: at for at, name in enumerate(names)}))
        bert.normalizer = normalizers.BertNormalizer()
        bert.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        pairs = np.array([len(names) + 2, 8 * len(names) + 1])
        yield TokenCounter(bert.to_str(), pairs)
        yield TokenCounter(tokenizer_json(object()))

    @given(text=st.text(st.one_of(st.sampled_from("ab .\n\u3000é\u0301"), st.characters())))
    @settings(deadline=None)
    def test_any(self, text):
        for counter in COUNTERS or COUNTERS.extend(self.counters()) or COUNTERS:
            columns, counts = counter.count(counter.ids(text))
            wanted = dict(zip(columns.tolist(), counter.weights(columns, counts), strict=True))
            columns, weights = counter.weighted(text)
            assert set(columns.tolist()) == set(wanted) and len(columns) == len(wanted)
            for column, weight in zip(columns.tolist(), weights, strict=True):
                assert abs(weight - wanted[column]) < 1e-6

    def test_it_is_known_where_words_are_independent(self):
        made = list(self.counters())
        assert [counter._words is not None for counter in made] == [True, False]


COUNTERS = []


def test_rows_are_the_tables_however_full_the_memory_is(monkeypatch):
    monkeypatch.setattr(static, "_KEPT", 16)
    table = np.random.default_rng(2).standard_normal((100, 5)).astype(np.float16)
    rows = static._WideRows(table)
    draw = np.random.default_rng(3)

    def work(seed):
        draw = np.random.default_rng(seed)
        for _ in range(300):
            columns = draw.choice(100, draw.integers(1, 9), replace=False)
            assert np.array_equal(rows.take(columns.tolist()), table[columns].astype(np.float32))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, draw.integers(0, 1000, 4)))
    many = draw.permutation(100)[:16]
    assert np.array_equal(rows.take(many.tolist()), table[many].astype(np.float32))
