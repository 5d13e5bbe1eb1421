"""The container of Office files (OPC, a zip of XML parts): checked before anything is parsed, then read part by part.

Macros are parts like any other, and nobody asks for them: a .docm or .pptm is read as its plain form.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from rag.errors import ReadingError
from rag.reading.options import ReadingOptions

OLE_SIGNATURE = bytes.fromhex("d0cf11e0a1b11ae1")
_PROLOG_BYTES = 4096  # a document type stands before the root element
_DOCTYPES = tuple("<!DOCTYPE".encode(encoding) for encoding in ("ascii", "utf-16-le", "utf-16-be"))
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(wordprocessingml|drawingml|presentationml)/(\w+)")
_STRICT_RELATIONS = b"http://purl.oclc.org/ooxml/officeDocument/relationships"
_RELATIONS = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"

Element = Any
"""An lxml element (the library has no types of its own)."""


@dataclass(frozen=True, slots=True)
class Application:
    """The program that people open a file with, and the suffix that it saves."""

    name: str
    suffix: str


WORD = Application("Word", "docx")
POWERPOINT = Application("PowerPoint", "pptx")
EXCEL = Application("Excel", "xlsx")


def check_container(path: Path, source: str, application: Application, options: ReadingOptions) -> None:
    """Raise ReadingError when a file is encrypted, of an old format, too large unpacked, or has an XML part with a DTD."""
    with path.open("rb") as file:
        head = file.read(len(OLE_SIGNATURE))
    if head == OLE_SIGNATURE:
        raise refuse_ole(path, source, application)
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > options.max_bytes:
            message = f"展開すると大きすぎます: {source}（上限 {options.max_bytes // 1_000_000} MB）"
            raise ReadingError(message, "大きな画像を減らすか、分けて保存し直してください。", code="too_large")
        for member in archive.infolist():
            if member.filename.lower().endswith((".xml", ".rels")):
                _check_part(archive, member, source, application)


def _check_part(archive: zipfile.ZipFile, member: zipfile.ZipInfo, source: str, application: Application) -> None:
    """Refuse a document type: no Office program writes one, and its entities can make a small part enormous."""
    with archive.open(member) as part:
        prolog = part.read(_PROLOG_BYTES)
    if any(doctype in prolog for doctype in _DOCTYPES):
        message = f"{application.name} が作らない XML（DTD）が含まれています: {source}（{member.filename}）"
        raise ReadingError(message, f"{application.name} で開き、保存し直してください。", code="broken")


def refuse_ole(path: Path, source: str, application: Application) -> ReadingError:
    """Return the reason why an OLE file is not read: an encrypted document and one of Office 97 share that container."""
    if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        message = f"パスワードで保護されています: {source}"
        remedy = f"{application.name} で開き、パスワードを外して保存し直してください。"
        return ReadingError(message, remedy, code="encrypted")
    message = f"古い形式の {application.name} ファイルです: {source}"
    remedy = f"{application.name} で開き、{application.suffix} 形式で保存し直してください。"
    return ReadingError(message, remedy, code="unknown_format")


@dataclass(frozen=True, slots=True)
class Relation:
    """A part that another one refers to: the last word of the relationship's type, and the name of the part."""

    kind: str
    target: str


class Package:
    """The parts of an open Office file. Names of parts have no leading slash; upper and lower case are the same."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = {name.replace("\\", "/").lstrip("/").lower(): name for name in archive.namelist()}

    @property
    def main(self) -> str:
        """The name of the part that holds the document. Raises KeyError."""
        return next(r.target for r in self.relations("").values() if r.kind == "officeDocument")

    def names(self, pattern: str) -> Iterator[str]:
        """Yield the names of the parts that fit a glob pattern, lower case."""
        return (name for name in self._names if PurePosixPath(name).match(pattern))

    def read_xml(self, name: str) -> Element | None:
        """Return the root element of a part; None when there is no such part. Raises lxml's XMLSyntaxError."""
        from lxml import etree

        member = self._names.get(name.lower())
        if member is None:
            return None
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        return etree.fromstring(_as_transitional(self._archive.read(member)), parser)

    def relations(self, name: str) -> Mapping[str, Relation]:
        """Return the parts that a part refers to, by id; "" stands for the package itself. Links to outside are left out."""
        folder, base = posixpath.split(name)
        root = self.read_xml(posixpath.join(folder, "_rels", f"{base}.rels"))
        return {
            relation.get("Id", ""): Relation(
                relation.get("Type", "").rpartition("/")[2],
                posixpath.normpath(posixpath.join("/", folder, relation.get("Target", ""))).lstrip("/"),
            )
            for relation in (root if root is not None else ())
            if relation.get("TargetMode") != "External"
        }

    def related(self, name: str, kind: str) -> Element | None:
        """Return the root element of the first part of a kind that a part refers to."""
        target = next((r.target for r in self.relations(name).values() if r.kind == kind), None)
        return self.read_xml(target) if target else None


def _as_transitional(data: bytes) -> bytes:
    """Return a part of a "Strict Open XML" file in the names that everybody else uses."""
    if b"purl.oclc.org/ooxml" not in data:
        return data
    data = data.replace(_STRICT_RELATIONS, _RELATIONS)
    return _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/\2", data)
