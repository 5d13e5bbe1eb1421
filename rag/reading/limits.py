"""What is said of a file that is beyond a limit: one wording for every kind of file, with the limit and the setting that moves it.

Codes: too_large, too_many_pages (found by readers and by the listing), timeout, out_of_memory, crashed (found from outside).
"""

from __future__ import annotations

from rag.documents import Problem
from rag.errors import ReadingError
from rag.reading.options import ReadingOptions

_MB = 1_000_000
_READ_AGAIN = "大きくして `rag index --full` を実行してください。"


def check_bytes(size: int, source: str, options: ReadingOptions, *, unpacked: bool = False) -> None:
    """Raise ReadingError (too_large) when a file, or what it holds as unpacked, has more bytes than `max_bytes`."""
    if size > options.max_bytes:
        what = "展開すると大きすぎます" if unpacked else "大きすぎます"
        raise ReadingError(
            f"{what}: {source}（{_in_mb(size)} MB。上限 {options.max_bytes / _MB:,g} MB）",
            f"ファイルを分けるか、設定 max_file_mb を{_READ_AGAIN}",
            code="too_large",
        )


def check_pages(count: int, source: str, options: ReadingOptions, *, noun: str = "頁") -> None:
    """Raise ReadingError (too_many_pages) when a file has more pages than `max_pages`; noun: シート, スライド, …"""
    if count > options.max_pages:
        raise ReadingError(
            f"{noun}が多すぎます: {source}（{count:,}{noun}。上限 {options.max_pages:,}）",
            f"ファイルを分けるか、設定 max_file_pages を{_READ_AGAIN}",
            code="too_many_pages",
        )


def describe_timeout(source: str, options: ReadingOptions) -> Problem:
    """Return the problem of a file that took longer than `max_seconds`."""
    message = f"読み取りが {options.max_seconds:,} 秒の上限までに終わらず、打ち切りました。"
    remedy = f"ファイルを分けるか保存し直してください。時間をかけてよいときは、設定 max_file_seconds を{_READ_AGAIN}"
    return Problem(source, "timeout", message, remedy)


def describe_out_of_memory(source: str, options: ReadingOptions) -> Problem:
    """Return the problem of a file for which the memory of a process, or of the machine, did not do."""
    limit = f"{options.max_memory_bytes / _MB:,g} MB"
    message = f"読み取りに使えるメモリー（プロセス 1 つあたり {limit}。この PC の空きがそれより少なければその分）が足りず、打ち切りました。"
    remedy = (
        "ファイルを分けるか保存し直してください。空きメモリーがあるときは設定 max_worker_mb を大きく、"
        "ないときは設定 workers を小さくして、`rag index --full` を実行してください。"
    )
    return Problem(source, "out_of_memory", message, remedy)


def describe_crash(source: str, exit_code: int) -> Problem:
    """Return the problem of a file that killed the process that was reading it."""
    message = f"読み取り中に処理が異常終了しました（ファイルの破損、またはメモリー不足。終了コード {exit_code}）。"
    remedy = (
        "ファイルを保存し直すか分割してください。メモリー不足のときは、設定 workers を小さくするか "
        "max_worker_mb を大きくして、`rag index --full` を実行してください。"
    )
    return Problem(source, "crashed", message, remedy)


def _in_mb(size: int) -> str:
    """Return a size in megabytes, rounded up, so that it never reads as the limit that it is beyond.

    >>> _in_mb(300_000_001), _in_mb(1_234_567_890)
    ('301', '1,235')
    """
    return f"{-(-size // _MB):,}"
