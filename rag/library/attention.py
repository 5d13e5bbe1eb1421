"""The pages that need a person: what is wrong with each, in Japanese, and where its image is."""

from __future__ import annotations

import mimetypes
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum

from rag.documents import Locator, Quality
from rag.indexing.catalog import Catalog
from rag.indexing.lexical import tokenizer_version
from rag.indexing.snapshot import CATALOG, SnapshotStore
from rag.settings import Settings


class ImageKind(StrEnum):
    """How a page can be looked at. PAGE: drawn from the PDF (`/api/pages/<sha256>/<page>.png`); PICTURE: the file is the image."""

    PAGE = "page"
    PICTURE = "picture"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class AttentionPage:
    """A page that a person should look at. page: as it is stored, from 1; place: as people call it; sha256: of the indexed bytes.

    reasons: why, in Japanese. A page image needs source, page and sha256.
    """

    source: str
    title: str
    department: str | None
    page: int
    place: str
    reasons: tuple[str, ...]
    quality: Quality
    sha256: str
    image: ImageKind

    @property
    def reason(self) -> str:
        """Why, in one line."""
        sure = self.quality.ocr_confidence
        return "、".join(self.reasons) + (f"（確からしさ {sure:.0%}）" if sure is not None else "")


def list_attention(settings: Settings) -> tuple[AttentionPage, ...]:
    """Return the pages that need a person, by source and page.

    Raises IndexMissingError before the first index run, IndexMismatchError for an index that the next run builds anew.
    """
    store = SnapshotStore(settings.index)
    manifest = store.manifest()
    manifest.check_readable(tokenizer_version=tokenizer_version(), embedder_fingerprint=None)
    with closing(Catalog(store.folder(manifest.id) / CATALOG)) as catalog:
        entries = {entry.source: entry for entry in catalog.documents()}
        return tuple(
            AttentionPage(
                source=source,
                title=entries[source].metadata.title,
                department=entries[source].metadata.department,
                page=number,
                place=Locator(page=number, label=label).describe(source),
                reasons=tuple(concern.label for concern in quality.concerns),
                quality=quality,
                sha256=entries[source].sha256,
                image=find_image_kind(source),
            )
            for source, number, label, quality in catalog.pages_with_concerns()
            if source in entries
        )


def find_image_kind(source: str) -> ImageKind:
    """Return how a page of a file can be looked at.

    >>> find_image_kind("町報.PDF"), find_image_kind("掲示.png"), find_image_kind("様式.docx")
    (<ImageKind.PAGE: 'page'>, <ImageKind.PICTURE: 'picture'>, <ImageKind.NONE: 'none'>)
    """
    media_type = mimetypes.guess_type(source.rpartition("/")[2].lower())[0] or ""
    if media_type == "application/pdf":
        return ImageKind.PAGE
    return ImageKind.PICTURE if media_type.startswith("image/") else ImageKind.NONE
