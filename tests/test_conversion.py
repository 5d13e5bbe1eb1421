"""LibreOffice as an optional helper: what it is asked, that it can do no harm, and what is said where it is missing."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from coverage_check import check_page, quotes

from rag.documents import Document
from rag.errors import ReadingError
from rag.indexing.sync import sync
from rag.reading import conversion
from rag.reading.compound import is_encrypted, read_compound
from rag.reading.conversion import find_libreoffice, open_converted
from rag.reading.old_office import NEW_SUFFIXES
from rag.reading.options import DEFAULT_OPTIONS
from rag.reading.registry import CorpusFile, Listing, find_mended, list_corpus, read_document
from rag.settings import Settings

needs_soffice = pytest.mark.skipif(find_libreoffice() is None, reason="LibreOffice is not installed")
posix = pytest.mark.skipif(os.name != "posix", reason="the stand-in for LibreOffice is a shell script")
ROWS = [["課", "内線", "開設日"], ["税務課", 121, "4月1日"], ["市民課", 111, "5月1日"]]


def write_workbook(path: Path) -> Path:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "内線表"
    for row in ROWS:
        sheet.append(row)
    sheet.append(["合計", "=SUM(B2:B3)"])
    sheet.row_dimensions[3].hidden = True
    book.save(path)
    return path


def convert_to(path: Path, target: Path, kind: str) -> Path:
    """Write a file in an old format, with LibreOffice itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(conversion._FILTERS, target.suffix, kind)
        with open_converted(path, path.name, target.suffix, timeout_seconds=60) as converted:
            target.write_bytes(converted.read_bytes())
    return target


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return files in old formats, by suffix."""
    folder = tmp_path_factory.mktemp("old")
    workbook = write_workbook(folder / "a.xlsx")
    (folder / "a.txt").write_text("本文です。\n", encoding="utf-8")
    return {
        ".xls": convert_to(workbook, folder / "a.xls", "xls:MS Excel 97"),
        ".ods": convert_to(workbook, folder / "a.ods", "ods"),
        ".doc": convert_to(folder / "a.txt", folder / "a.doc", "doc:MS Word 97"),
    }


def read(path: Path, source: str | None = None) -> Document:
    file = CorpusFile(source or path.name, path)
    return read_document(file, path=path, sha256="00", listing=Listing(()))


def refuse(path: Path, source: str | None = None) -> ReadingError:
    with pytest.raises(ReadingError) as caught:
        read(path, source)
    return caught.value


@needs_soffice
@pytest.mark.parametrize("suffix", [".xls", ".ods"])
def test_an_old_workbook_is_read_like_a_new_one(old: dict[str, Path], suffix: str) -> None:
    document = read(old[suffix])

    (page,) = document.pages
    check_page(page)
    assert quotes(page) == ["課\t内線\t開設日", "税務課\t121\t4月1日", "合計\t232"]
    assert page.blocks[-1].locator.as_dict() == {"sheet": "内線表", "row": 4}
    assert [(p.code, p.row) for p in document.problems] == [("hidden_rows", 3)]


@needs_soffice
@pytest.mark.skipif(find_spec("rag.reading.word") is None, reason="there is no reader of Word files yet")
def test_an_old_word_file_is_read_like_a_new_one(old: dict[str, Path]) -> None:
    document = read(old[".doc"])

    assert [quotes(page) for page in document.pages] == [["本文です。"]]


@needs_soffice
def test_a_table_of_a_web_page_that_is_called_xls_is_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "一覧.xls"
    path.write_text(
        '<html><head><meta charset="utf-8"></head><body><table><tr><td>課</td><td>内線</td></tr>'
        "<tr><td>税務課</td><td>0121</td></tr></table></body></html>",
        encoding="utf-8",
    )

    assert "税務課" in read(path).pages[0].text


@needs_soffice
@pytest.mark.parametrize("suffix", [".xls", ".doc"])
def test_a_protected_old_file_says_so(old: dict[str, Path], tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"秘{suffix}"
    path.write_bytes(mark_encrypted(old[suffix]))

    assert not is_encrypted(old[suffix])
    error = refuse(path)
    assert (error.code, "パスワードを外して" in error.hint) == ("encrypted", True)


def mark_encrypted(path: Path) -> bytes:
    """Return an old file with the mark that its content is encrypted: a record FILEPASS, the flag fEncrypted."""
    file, data = read_compound(path), bytearray(path.read_bytes())
    assert file
    head = file.read("Workbook" if path.suffix == ".xls" else "WordDocument", 32)
    place = data.index(head)
    if path.suffix == ".xls":
        second = place + 4 + int.from_bytes(head[2:4], "little")
        data[second : second + 2] = b"\x2f\x00"
    else:
        data[place + 11] |= 1
    return bytes(data)


@needs_soffice
def test_what_libreoffice_cannot_convert_is_a_listed_failure(tmp_path: Path) -> None:
    path = tmp_path / "資料.ppt"
    path.write_text("<html><body><p>web</p></body></html>", encoding="utf-8")

    error = refuse(path)
    assert error.code == "conversion_failed"
    assert "資料.ppt" in error.message and "libreoffice-impress" in error.hint


@pytest.mark.parametrize("content", [bytes.fromhex("d0cf11e0a1b11ae1") + bytes(2000), b"PK\x03\x04" + bytes(2000)])
def test_a_broken_file_is_not_given_to_libreoffice_which_would_read_it_as_text(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "壊.xls"
    path.write_bytes(content)

    assert refuse(path).code == "broken"


def test_without_libreoffice_the_message_names_both_ways_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hide_libreoffice(monkeypatch, tmp_path)
    path = write_workbook(tmp_path / "a.xls")

    error = refuse(path, "税務課/台帳.xls")
    assert error.code == "needs_libreoffice"
    assert "税務課/台帳.xls" in error.message
    assert "xlsx 形式で保存し直す" in error.hint and "libreoffice-calc" in error.hint
    assert "needs_libreoffice" not in find_mended(DEFAULT_OPTIONS)


def hide_libreoffice(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(conversion, "_USUAL_PLACES", ())


@needs_soffice
def test_files_are_read_again_once_libreoffice_is_there(old: dict[str, Path], tmp_path: Path) -> None:
    settings = Settings(corpus=tmp_path / "corpus", index=tmp_path / "index", workers=1)
    settings.corpus.mkdir()
    (settings.corpus / "内線.xls").write_bytes(old[".xls"].read_bytes())
    (settings.corpus / "案内.txt").write_text("本文です。\n", encoding="utf-8")

    with pytest.MonkeyPatch.context() as patch:
        hide_libreoffice(patch, tmp_path)
        first = sync(settings)
        again = sync(settings)
    then = sync(settings)

    assert [(p.source, p.code) for p in first.problems] == [("内線.xls", "needs_libreoffice")]
    assert (again.published, again.problems) == (False, first.problems)
    assert (then.published, then.changed) == (True, ("内線.xls",))
    assert [p.code for p in then.problems] == ["hidden_rows"]
    assert sync(settings).published is False


# --- harmless ---------------------------------------------------------------------------------------------------------


def write_stand_in(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "soffice"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@posix
def test_a_conversion_that_takes_too_long_is_killed_with_all_that_it_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_stand_in(tmp_path, f"sleep 60 & echo $! > {tmp_path}/child; wait", monkeypatch)
    path = write_workbook(tmp_path / "a.ods")
    started = time.monotonic()

    with (
        pytest.raises(ReadingError, match="1 秒で終わりません") as caught,
        open_converted(path, "a.ods", ".xlsx", timeout_seconds=1),
    ):
        pass

    assert caught.value.code == "conversion_failed"
    assert time.monotonic() - started < 20
    assert not is_running(int((tmp_path / "child").read_text()))


def is_running(pid: int) -> bool:
    """Tell whether a process runs; one that has ended may still wait for the one who looks after orphans."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.strip().startswith("Z")


@posix
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process that has started")
def test_a_conversion_may_not_fill_the_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = 'while [ "$(ulimit -f)" = unlimited ]; do sleep 0.1; done; for last; do :; done; out="$(dirname "$last")/out"; mkdir "$out"; yes > "$out/original.pdf"'
    write_stand_in(tmp_path, script, monkeypatch)

    with open_converted(tmp_path / "soffice", "a.odt", ".pdf", timeout_seconds=30, max_bytes=10_000) as converted:
        assert converted.stat().st_size == 10_000


@posix
def test_nothing_is_written_beside_the_original_or_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = 'echo "$@" > "$HOME/../arguments"; for last; do :; done; mkdir out; cp "$last" out/original.xlsx; touch "$last.lock"'
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    (tmp_path / "program").mkdir()
    write_stand_in(tmp_path / "program", script, monkeypatch)
    folder = tmp_path / "files"
    folder.mkdir()
    path = write_workbook(folder / "a.ods")

    with open_converted(path, "a.ods", ".xlsx", timeout_seconds=30) as converted:
        assert converted.read_bytes() == path.read_bytes()
        assert converted.is_relative_to(temporary)
    assert list(folder.iterdir()) == [path]
    assert [left.name for left in temporary.iterdir()] == ["arguments"]
    assert "--headless" in (temporary / "arguments").read_text()


@needs_soffice
def test_several_may_convert_at_once(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "a.xlsx")

    def count_pages(_: int) -> int:
        with (
            open_converted(path, "a.xlsx", ".pdf", timeout_seconds=120) as converted,
            pypdfium2.PdfDocument(converted) as pdf,
        ):
            return len(pdf)

    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(count_pages, range(3))) == [1, 1, 1]


@pytest.fixture
def listener() -> Iterator[tuple[int, list[str]]]:
    """Lend the port of a server on this machine, and the list of what it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_OPTIONS = do_PROPFIND = do_GET

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, asked
        server.shutdown()
        thread.join()


FLAT = """<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:xlink="http://www.w3.org/1999/xlink"
 xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"
 xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"
 office:mimetype="application/vnd.oasis.opendocument.text" office:version="1.2"><office:body><office:text>
<text:p>before</text:p><text:section text:name="s"><text:section-source xlink:href="{file}"/><text:p>kept</text:p></text:section>
<text:p><draw:frame svg:width="2cm" svg:height="2cm"><draw:image xlink:href="http://127.0.0.1:{port}/x.png"/></draw:frame></text:p>
</office:text></office:body></office:document>"""


@needs_soffice
def test_links_of_a_document_are_not_followed(
    listener: tuple[int, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, asked = listener
    secret = tmp_path / "secret.txt"
    secret.write_text("himitsu", encoding="ascii")
    path = tmp_path / "a.fodt"
    path.write_text(FLAT.format(port=port, file=secret.as_uri()), encoding="utf-8")

    assert read_pdf_text(path).split() == ["before", "kept"]
    assert asked == []
    monkeypatch.setattr(conversion, "_PROFILE", {})
    read_pdf_text(path)
    assert "/x.png" in asked, "without our profile it would be followed: the test can fail"


def read_pdf_text(path: Path) -> str:
    with (
        open_converted(path, path.name, ".pdf", timeout_seconds=60) as converted,
        pypdfium2.PdfDocument(converted) as pdf,
    ):
        return str(pdf[0].get_textpage().get_text_range())


def test_no_program_runs_for_files_that_need_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[Any] = []

    def refuse_to_start(self: Any, arguments: Any, *rest: Any, **options: Any) -> None:
        started.append(arguments)
        raise OSError("no program may start")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse_to_start)
    monkeypatch.setattr(conversion, "find_libreoffice", lambda: Path("soffice"))
    write_workbook(tmp_path / "a.xlsx")
    for name in ("a.txt", "a.md", "a.csv"):
        (tmp_path / name).write_text("課,内線\n税務課,121\n", encoding="utf-8")

    texts = [file.source for file in list_corpus(tmp_path).files if read(file.path).pages[0].text]
    assert (texts, started) == (["a.csv", "a.md", "a.txt", "a.xlsx"], [])
    assert refuse(write_workbook(tmp_path / "a.xls")).code == "conversion_failed"
    assert len(started) == 1, "the guard sees what an old file needs: the test can fail"


def test_every_old_suffix_has_a_reader() -> None:
    from rag.reading.registry import READERS

    assert set(NEW_SUFFIXES) <= set(READERS)
