"""How files are read: the limits that keep one file from hurting the others, and whether pages are recognised by OCR."""

from __future__ import annotations

from dataclasses import dataclass

from rag.settings import Settings

_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """What every reader is given. Sizes are in bytes, an archive's as unpacked; times in seconds."""

    max_bytes: int = 300 * _MB
    max_pages: int = 5_000
    max_seconds: int = 300
    max_memory_bytes: int = 4_000 * _MB
    ocr: bool = True
    ocr_page_seconds: int = 60

    @classmethod
    def from_settings(cls, settings: Settings) -> ReadingOptions:
        """Return the options that the settings ask for."""
        return cls(
            max_bytes=settings.max_file_mb * _MB,
            max_pages=settings.max_file_pages,
            max_seconds=settings.max_file_seconds,
            max_memory_bytes=settings.max_worker_mb * _MB,
            ocr=settings.ocr,
            ocr_page_seconds=settings.ocr_page_seconds,
        )


DEFAULT_OPTIONS = ReadingOptions()
