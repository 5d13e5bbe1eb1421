"""What is in a corpus folder: its files and the members of its archives, and what is refused before anyone opens it."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from rag.documents import Problem
from rag.errors import ReadingError
from rag.reading.archives import ARCHIVE_SUFFIX, list_members
from rag.reading.limits import check_bytes
from rag.reading.metadata import METADATA_FILE, MetadataRow, read_metadata
from rag.reading.options import ReadingOptions
from rag.reading.unpacking import Member
from rag.reading.wording import DICTIONARY_FILE, SYNONYMS_FILE, WordingTables, read_wording

_TABLES = frozenset({METADATA_FILE, SYNONYMS_FILE, DICTIONARY_FILE})
_RESERVED = _TABLES | {"thumbs.db", "desktop.ini"}
_KEPT = "索引に前の内容があれば、そのまま残しています。"


@dataclass(frozen=True, slots=True, order=True)
class CorpusFile:
    """A file of the corpus: its name there (NFC, with /), and where its bytes are: those of the file at `path`, or of a member.

    A member of an archive is called forms.zip/様式1.docx.
    """

    source: str
    path: Path
    member: Member | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """What a corpus holds: the files that can be read, sorted; what metadata.csv says of them; and what cannot be read and why.

    wording: what synonyms.csv and dictionary.csv say; its problems are among the others.
    inaccessible: folders and archives that cannot be looked into at the moment; what is indexed of them stays.
    """

    files: tuple[CorpusFile, ...]
    metadata: Mapping[str, MetadataRow] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    inaccessible: tuple[str, ...] = ()
    wording: WordingTables = field(default_factory=WordingTables)


def list_folder(corpus: Path, *, refuse: Callable[[str], Problem | None], options: ReadingOptions) -> Listing:
    """Return what a corpus folder holds. refuse: why nobody reads a file of that name, or None.

    Raises ReadingError when the folder is missing or closed, or its metadata.csv cannot be read as a whole.
    """
    if not corpus.is_dir():
        message = f"文書のフォルダーがありません: {corpus}"
        raise ReadingError(message, "フォルダーの場所を確かめてください。", code="missing_corpus")
    return _Lister(corpus, refuse, options).list()


class _Lister:
    """One walk through a corpus: the files so far, and what stands in the way."""

    def __init__(self, corpus: Path, refuse: Callable[[str], Problem | None], options: ReadingOptions) -> None:
        self._corpus, self._refuse_name, self._options = corpus, refuse, options
        self._files: dict[str, CorpusFile] = {}
        self._problems: list[Problem] = []
        self._inaccessible: list[str] = []

    def list(self) -> Listing:
        """Walk, look into the archives, and read metadata.csv last: it may name any of the files."""
        for file in sorted(self._walk()):
            problem = self._refuse(file)
            if problem is not None:
                self._problems.append(problem)
            elif _is_archive(file.source):
                self._open_archive(file)
            else:
                self._files[file.source] = file
        metadata: dict[str, MetadataRow] = {}
        if (declared := self._corpus / METADATA_FILE).is_file():
            metadata, wrong = read_metadata(declared, self._files.keys(), out_of_sight=self._inaccessible)
            self._problems += wrong
        wording = read_wording(self._corpus)
        problems = (*self._problems, *wording.problems)
        return Listing(tuple(self._files.values()), metadata, problems, tuple(self._inaccessible), wording)

    def _walk(self) -> Iterator[CorpusFile]:
        """Yield the files that are neither hidden nor reserved; linked folders are not entered, and reported."""
        for folder, folders, names in os.walk(self._corpus, onerror=self._report_closed_folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in folders:
                if (linked := Path(folder, name)).is_symlink():
                    self._problems.append(_refuse_link(self._source_of(linked)))
            for name in names:
                path = Path(folder, name)
                if not _is_reserved(name):
                    yield CorpusFile(self._source_of(path), path)
                elif name.lower() in _TABLES and Path(folder) != self._corpus:
                    self._problems.append(_refuse_table(self._source_of(path)))

    def _report_closed_folder(self, error: OSError) -> None:
        folder = Path(error.filename or self._corpus)
        remedy = "読み取りの権限を確かめてください。"
        if folder == self._corpus:
            message = f"文書のフォルダーを開けません: {folder}（{error.strerror}）"
            raise ReadingError(message, remedy, code="missing_corpus") from error
        source = self._source_of(folder)
        message = f"フォルダーを開けません（{error.strerror}）: {source}。{_KEPT}"
        self._problems.append(Problem(source, "unreadable", message, remedy))
        self._inaccessible.append(source)

    def _source_of(self, path: Path) -> str:
        """Return the name of a file in the corpus; macOS hands names over in NFD, and bytes that are no name become ?."""
        name = path.relative_to(self._corpus).as_posix().encode("utf-8", "replace").decode("utf-8")
        return unicodedata.normalize("NFC", name)

    def _refuse(self, file: CorpusFile) -> Problem | None:
        """Return why a file is not taken, or None."""
        if file.path.is_symlink() and not _is_inside(file.path, self._corpus):
            return _refuse_link(file.source)
        if file.source in self._files:
            message = "同じ名前のファイルがもう一つあります（文字の組み立て方だけが違う名前）。"
            return Problem(file.source, "duplicate_name", message, "どちらかの名前を変えてください。")
        if not _is_archive(file.source) and (problem := self._refuse_name(file.source)):
            return problem
        try:
            return self._refuse_status(file.source, file.path.stat())
        except OSError:  # whoever opens it will say why it cannot be opened
            return None

    def _refuse_status(self, source: str, status: os.stat_result) -> Problem | None:
        if not stat.S_ISREG(status.st_mode):  # to open a pipe would wait for ever
            message = "ふつうのファイルではありません（パイプ、装置など）。"
            return Problem(source, "not_a_file", message, "文書のフォルダーの外に移してください。")
        try:
            check_bytes(status.st_size, source, self._options)
        except ReadingError as error:
            return Problem(source, error.code, error.message, error.hint)
        return None

    def _open_archive(self, file: CorpusFile) -> None:
        try:
            members, refused = list_members(file.path, file.source, self._options)
        except ReadingError as error:
            self._report_archive(file.source, error.code, error.message, error.hint)
        except OSError as error:
            message = f"ファイルを開けません: {file.source}（{error.strerror or error}）"
            remedy = (
                "ほかの人が開いていないか、読み取りの権限があるかを確かめて、もう一度 `rag index` を実行してください。"
            )
            self._report_archive(file.source, "inaccessible", message, remedy)
        else:
            self._problems += refused
            for member in members:
                self._add_member(CorpusFile(f"{file.source}/{member.name}", file.path, member))

    def _report_archive(self, source: str, code: str, message: str, remedy: str) -> None:
        """Report an archive that yields no members; one that may be half copied or open elsewhere keeps what is indexed of it."""
        if code in ("inaccessible", "broken"):
            self._inaccessible.append(source)
            message = f"{message}。{_KEPT}"
        self._problems.append(Problem(source, code, message, remedy))

    def _add_member(self, file: CorpusFile) -> None:
        name = PurePosixPath(file.source).name
        if name.lower() in _TABLES:
            self._problems.append(_refuse_table(file.source))
        elif _is_reserved(name):
            return
        elif problem := self._refuse_name(file.source):
            self._problems.append(problem)
        else:
            self._files[file.source] = file


def _is_archive(source: str) -> bool:
    return PurePosixPath(source).suffix.lower() == ARCHIVE_SUFFIX


def _is_reserved(name: str) -> bool:
    return name.startswith((".", "~$")) or name.lower() in _RESERVED


def _is_inside(path: Path, corpus: Path) -> bool:
    try:
        target = path.resolve()
    except (OSError, RuntimeError):  # a link that leads to itself
        return False
    return target.is_file() and target.is_relative_to(corpus.resolve())


def _refuse_link(source: str) -> Problem:
    message = "文書のフォルダーの外を指すリンクか、フォルダーへのリンク、または切れたリンクです。"
    return Problem(source, "symlink", message, "ファイルそのものを置いてください。")


def _refuse_table(source: str) -> Problem:
    message = f"{PurePosixPath(source).name} は文書のフォルダーの直下にあるものだけを使います。"
    return Problem(source, "reserved_name", message, "直下に移すか、名前を変えてください。")
