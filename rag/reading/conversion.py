"""LibreOffice as an optional helper: an Office file -> a file of another format.

It runs without a screen in a throw-away profile and folder: no macros, no links followed, nothing written beside the original, and
it is killed with all its processes when its time is up. Several may run at once, each in a profile of its own.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rag.errors import ReadingError

NEEDS_LIBREOFFICE, CONVERSION_FAILED = "needs_libreoffice", "conversion_failed"
PACKAGES = "libreoffice-writer・libreoffice-calc・libreoffice-impress"

_COMMANDS = ("soffice", "libreoffice")
_USUAL_PLACES = (
    "C:/Program Files/LibreOffice/program/soffice.exe",
    "C:/Program Files (x86)/LibreOffice/program/soffice.exe",
    "/Applications/LibreOffice.app/Contents/MacOS/soffice",
    "/usr/lib/libreoffice/program/soffice",
    "/opt/libreoffice/program/soffice",
)
_PLACES: tuple[str, ...] = ("HOME", "TEMP", "TMP", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
if sys.platform != "darwin":  # there the path of a folder in TMPDIR would be too long for the name of a socket
    _PLACES = (*_PLACES, "TMPDIR")
_OPTIONS = ("--headless", "--invisible", "--norestore", "--nolockcheck", "--nodefault", "--nologo")
_FILTERS = {".docx": "docx:MS Word 2007 XML", ".xlsx": "xlsx:Calc MS Excel 2007 XML", ".pptx": "pptx", ".pdf": "pdf"}
_PROFILE = {
    "Office.Common/Security/Scripting": {
        "MacroSecurityLevel": "3",
        "DisableMacrosExecution": "true",
        "BlockUntrustedRefererLinks": "true",
    },
    "Office.Calc/Content/Update": {"Link": "1"},  # 1 is never, 2 is on request
    "Office.Writer/Content/Update": {"Link": "0"},  # 0 is never, 1 is on request
    "Office.Calc/Formula/Load": {"OOXMLRecalcMode": "1", "ODFRecalcMode": "1"},  # never: the stored values count
    "Inet/Settings": {"ooInetProxyType": "2", "ooInetHTTPProxyName": "127.0.0.1", "ooInetHTTPProxyPort": "9"},
    "Setup/L10N": {"ooSetupSystemLocale": "ja-JP"},  # dates of the system's format come out in Japanese
}


def find_libreoffice() -> Path | None:
    """Return LibreOffice's program on this machine, or None where it is not installed."""
    found = next((path for name in _COMMANDS if (path := shutil.which(name))), None)
    if found is None:
        found = next((place for place in _USUAL_PLACES if os.access(place, os.X_OK)), None)
    return Path(found) if found else None


def find_mended() -> frozenset[str]:
    """Return the codes of problems that a conversion would solve on this machine as it is now."""
    return frozenset({NEEDS_LIBREOFFICE}) if find_libreoffice() else frozenset()


@contextmanager
def open_converted(
    path: Path, source: str, target: str, *, timeout_seconds: float, max_bytes: int | None = None
) -> Iterator[Path]:
    """Lend the file at `path`, known as `source`, in another format; it is gone afterwards.

    target: the suffix of that format, one of .docx, .xlsx, .pptx and .pdf. max_bytes: how large any written file may grow.
    Raises ReadingError with the codes needs_libreoffice and conversion_failed.
    """
    program = find_libreoffice()
    if program is None:
        raise _missing(source, target)
    with tempfile.TemporaryDirectory(prefix="rag-convert-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        original = folder / f"original{Path(source).suffix.lower()}"
        shutil.copyfile(path, original)  # LibreOffice puts a lock file beside what it opens
        command = [str(program), *_prepare(folder), "--convert-to", _FILTERS[target], "--outdir", str(folder / "out")]
        _run([*command, str(original)], folder, source, timeout_seconds, max_bytes)
        result = folder / "out" / f"original{target}"
        if not result.is_file() or not result.stat().st_size:
            raise _failed(source, "この形式として開けません")
        yield result


def _prepare(folder: Path) -> list[str]:
    """Write the profile, and return the options that make LibreOffice use it and nothing else."""
    profile = folder / "profile"
    (profile / "user").mkdir(parents=True)
    items = "".join(
        f'<item oor:path="/org.openoffice.{path}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>'
        for path, values in _PROFILE.items()
        for name, value in values.items()
    )
    (profile / "user" / "registrymodifications.xcu").write_text(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<oor:items xmlns:oor="http://openoffice.org/2001/registry">{items}</oor:items>',
        encoding="utf-8",
    )
    return [f"-env:UserInstallation={profile.as_uri()}", *_OPTIONS]


def _run(command: list[str], folder: Path, source: str, timeout_seconds: float, max_bytes: int | None) -> None:
    """Run a command to its end, or until its time is up; whatever it started ends with it."""
    places = dict.fromkeys(_PLACES, str(folder))
    silent: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    try:
        process = subprocess.Popen(command, cwd=folder, env=os.environ | places, start_new_session=True, **silent)
    except OSError as error:
        raise _failed(source, f"起動できません: {error.strerror or error}") from error
    try:
        _limit_files(process.pid, max_bytes)
        process.wait(timeout_seconds)
    except subprocess.TimeoutExpired as error:
        raise _failed(source, f"{timeout_seconds:.0f} 秒で終わりません") from error
    finally:
        if process.poll() is None:
            _kill(process)


def _limit_files(pid: int, max_bytes: int | None) -> None:
    """Limit the size of what a process and those that it starts may write, where the system can."""
    if max_bytes and sys.platform == "linux":
        import resource

        try:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (max_bytes, max_bytes))
        except ProcessLookupError:  # it has ended already
            return


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process that still runs, and all that it started."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _missing(source: str, target: str) -> ReadingError:
    way = f"{target.removeprefix('.')} 形式で保存し直す"
    return ReadingError(
        f"この形式を読むには LibreOffice が必要です: {source}",
        f"元のソフトで開いて {way}か、LibreOffice（{PACKAGES}）を入れてから、もう一度 `rag index` を実行してください。",
        code=NEEDS_LIBREOFFICE,
    )


def _failed(source: str, why: str) -> ReadingError:
    return ReadingError(
        f"LibreOffice で変換できません: {source}（{why}）",
        "元のソフトで開けることを確かめ、新しい形式（docx、xlsx、pptx）か PDF で保存し直してください。"
        f"LibreOffice に {PACKAGES} のうち必要なものが入っているかも確かめてください。",
        code=CONVERSION_FAILED,
    )
