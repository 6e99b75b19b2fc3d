import logging
from concurrent.futures import ThreadPoolExecutor

import pypdf
import pytest
from minimal_pdf import encrypted, pdf
from pypdf.errors import DependencyError
from retrievo_pdf.reader import PdfReader

from retrievo.contracts import Reader
from retrievo.errors import ReadError, RetrievoWarning
from retrievo.read.walk import Walk
from retrievo.types import Section


def read(tmp_path, data):
    path = tmp_path / "a.pdf"
    path.write_bytes(data)
    (document,) = PdfReader().read(path)
    return document


def test_it_keeps_the_contract():
    assert isinstance(PdfReader(), Reader)


def test_text_by_page(tmp_path):
    found = read(tmp_path, pdf(["Hello page", "Second", "Third page"]))
    assert found.text == "Hello page\n\nSecond\n\nThird page"
    assert found.sections == (
        Section(0, ("page 1",)), Section(12, ("page 2",)), Section(20, ("page 3",)),
    )  # fmt: skip
    assert [found.text[section.start] for section in found.sections] == ["H", "S", "T"]
    assert (found.metadata, found.title) == ({"pages": 3}, "")


def test_what_the_file_tells_of_itself(tmp_path):
    info = "/Title (A title) /Author (Ann) /Keywords (a, b) /CreationDate (D:20240229120000Z)"
    found = read(tmp_path, pdf(["x"], info))
    assert found.title == "A title"
    assert found.metadata == {
        "pages": 1, "title": "A title", "author": "Ann", "keywords": "a, b",
        "date": "2024-02-29T12:00:00+00:00",
    }  # fmt: skip


def test_a_date_that_is_none_is_told(tmp_path):
    with pytest.warns(RetrievoWarning, match=r"a\.pdf: its date cannot be read and is left out"):
        found = read(tmp_path, pdf(["x"], "/CreationDate (yesterday) /Author (Ann)"))
    assert found.metadata == {"pages": 1, "author": "Ann"}


def test_pages_without_text_are_told_by_number(tmp_path):
    with pytest.warns(RetrievoWarning, match=r"a\.pdf: pages 1, 3 hold no text"):
        found = read(tmp_path, pdf(["", "Text", "", "More"]))
    assert found.text == "Text\n\nMore"
    assert found.sections == (Section(0, ("page 2",)), Section(6, ("page 4",)))


def test_a_long_list_of_pages_is_cut(tmp_path):
    with pytest.warns(RetrievoWarning, match=r"pages 2, 3, .*, 21 and 10 more hold no text"):
        read(tmp_path, pdf(["Text", *[""] * 30]))


def test_a_file_of_images_points_to_ocr(tmp_path):
    with pytest.raises(ReadError, match=r"a\.pdf: no text on its 2 pages; .*OCR"):
        read(tmp_path, pdf(["", ""]))


def test_an_empty_password_opens(tmp_path):
    assert read(tmp_path, encrypted(pdf(["Secret"]), user="")).text == "Secret"


def test_a_password_is_asked_for(tmp_path):
    with pytest.raises(ReadError, match=r"a\.pdf: it needs a password; .*qpdf --decrypt"):
        read(tmp_path, encrypted(pdf(["Secret"]), user="s3cret"))


def test_aes_without_its_library_names_the_extra(tmp_path, monkeypatch):
    def refuse(*_arguments, **_names):
        raise DependencyError("cryptography>=3.1 is required for AES algorithm")

    monkeypatch.setattr(pypdf.PdfReader, "decrypt", refuse)
    with pytest.raises(ReadError, match=r"a\.pdf: cryptography.*pip install 'retrievo-pdf\[aes\]'"):
        read(tmp_path, encrypted(pdf(["x"]), user=""))


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.4\n",
        b"no pdf at all",
        b"\0" * 1000,
        pdf(["x"])[:60],
        pdf(["x"])[:200],
        pdf([]),
        pdf(["x"]).replace(b"/Pages 2 0 R", b"/Pages 9 0 R"),
        pdf(["x"]).replace(b"/Kids [4 0 R]", b"/Kids [2 0 R]"),
    ],
)
def test_broken_files_are_named(tmp_path, data):
    with pytest.raises(ReadError, match=r"a\.pdf: "):
        read(tmp_path, data)


@pytest.mark.parametrize("cut", range(0, 900, 37))
def test_a_torn_file_is_read_or_named(tmp_path, cut):
    data = pdf(["Alpha", "Beta"])[:cut]
    try:
        found = read(tmp_path, data)
    except ReadError as error:
        assert "a.pdf: " in str(error)
    else:
        assert "Alpha" in found.text


def test_a_broken_page_is_told_and_the_others_kept(tmp_path, monkeypatch):
    extract = pypdf.PageObject.extract_text

    def torn(page, *arguments, **names):
        text = extract(page, *arguments, **names)
        if text == "Torn":
            raise KeyError("/Font")
        return text

    monkeypatch.setattr(pypdf.PageObject, "extract_text", torn)
    with pytest.warns(RetrievoWarning, match=r"a\.pdf: pages 2 cannot be read"):
        assert read(tmp_path, pdf(["One", "Torn", "Three"])).text == "One\n\nThree"
    with pytest.raises(ReadError, match="none of its 2 pages can be read"):
        read(tmp_path, pdf(["Torn", "Torn"]))


def test_pypdf_says_nothing_while_it_reads_and_what_it_likes_afterwards(tmp_path, caplog):
    torn = pdf(["Alpha"]).replace(b"startxref\n", b"startxref\n1")
    logging.getLogger("pypdf").setLevel(logging.INFO)
    with caplog.at_level(logging.DEBUG):
        assert read(tmp_path, torn).text == "Alpha"
        assert caplog.records == []
        pypdf.PdfReader(tmp_path / "a.pdf").pages[0].extract_text()
        assert caplog.records  # the same file, without the reader, is noisy
    assert logging.getLogger("pypdf").level == logging.INFO


def test_threads_leave_the_log_as_it_was(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(["x"] * 5))
    before = logging.getLogger("pypdf").level
    with ThreadPoolExecutor(8) as threads:
        texts = threads.map(lambda _: next(PdfReader().read(path)).text, range(32))
        assert set(texts) == {"x\n\nx\n\nx\n\nx\n\nx"}
    assert logging.getLogger("pypdf").level == before


def test_halves_of_surrogate_pairs_do_not_come_through(tmp_path, monkeypatch):
    monkeypatch.setattr(pypdf.PageObject, "extract_text", lambda _page: "a\ud835 b\0 \ud83d\ude00 ")
    assert read(tmp_path, pdf(["x"])).text == "a\ufffd b 😀"


def test_the_walk_reads_it_and_names_what_it_cannot(tmp_path):
    (tmp_path / "good.pdf").write_bytes(pdf(["Hello"]))
    (tmp_path / "scan.pdf").write_bytes(pdf([""]))
    walk = Walk(tmp_path, {"pdf": PdfReader()})
    ((document,), skipped) = (list(walk), walk.skipped)
    assert document.id == "good.pdf"
    assert document.metadata == {"path": f"{tmp_path}/good.pdf", "pages": 1}
    assert skipped[0].path == tmp_path / "scan.pdf"
    assert skipped[0].reason.startswith("no text on its 1 pages")
