"""Writing that a power cut does not undo: flush to the disk, then one rename."""

from __future__ import annotations

import os
import time
from pathlib import Path


def replace_text(file: Path, text: str) -> None:
    """Write one line of text so that at every instant the file holds the old text or the new one, whole."""
    temporary = file.with_name(f"{file.name}.tmp")
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(text + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    _replace(temporary, file)
    sync_folder(file.parent)


def sync_tree(folder: Path) -> None:
    """Flush everything in a folder, and the folder, to the disk."""
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("r+b") as stream:  # Windows flushes only what is open for writing
                os.fsync(stream.fileno())
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk."""
    if os.name == "nt":  # folders cannot be opened there; NTFS keeps its own journal
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(source: Path, target: Path) -> None:
    """Move a file over another; Windows refuses while a reader has it open, for microseconds."""
    for _ in range(50):
        try:
            source.replace(target)
            return
        except PermissionError:
            time.sleep(0.02)
    source.replace(target)
