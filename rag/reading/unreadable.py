"""Formats that are not read: what people call them, and the way out of each."""

from __future__ import annotations

_PDF = "{}で開き、PDF で保存し直してください。"
_ARCHIVE = "展開し、中のファイルを置いてください。"
_SOUND = "音声・動画の内容は検索できません。文字に起こした文書を置いてください。"

_FORMATS: dict[str, tuple[str, str]] = {
    **dict.fromkeys((".jtd", ".jtdc", ".jtt", ".jtw", ".jaw"), ("一太郎の文書", _PDF.format("一太郎"))),
    **dict.fromkeys((".docx", ".docm"), ("Word の文書", _PDF.format("Word"))),
    **dict.fromkeys((".pptx", ".pptm"), ("PowerPoint の資料", _PDF.format("PowerPoint"))),
    **dict.fromkeys((".dot", ".dotx"), ("Word のひな形", "Word で開き、docx 形式で保存し直してください。")),
    **dict.fromkeys((".xlt", ".xltx", ".xltm"), ("Excel のひな形", "Excel で開き、xlsx 形式で保存し直してください。")),
    **dict.fromkeys(
        (".xdw", ".xbd", ".xct"), ("DocuWorks の文書", "DocuWorks Desk で PDF に変換したものを置いてください。")
    ),
    **dict.fromkeys(
        (".dwg", ".dxf", ".jww", ".sfc", ".p21"), ("CAD の図面", "CAD ソフトで文字の入った PDF に書き出してください。")
    ),
    **dict.fromkeys(
        (".mdb", ".accdb"),
        ("Access のデータベース", "Access で表やクエリを開き、Excel（xlsx）か CSV に書き出してください。"),
    ),
    **dict.fromkeys((".dbf", ".fp7", ".fmp12"), ("データベースのファイル", "元のソフトで CSV に書き出してください。")),
    **dict.fromkeys(
        (".lzh", ".7z", ".rar", ".cab", ".gz", ".tgz", ".tar", ".bz2", ".xz"), ("この圧縮ファイル", _ARCHIVE)
    ),
    ".zip": ("ZIP ファイル", _ARCHIVE),
    **dict.fromkeys((".exe", ".msi"), ("実行ファイル", "自己解凍ファイルなら、展開した中のファイルを置いてください。")),
    **dict.fromkeys(
        (".msg", ".eml", ".pst"),
        ("電子メール", "メールソフトで開き、PDF かテキストで保存し、添付ファイルは別に置いてください。"),
    ),
    ".pages": ("Pages の書類", "Pages で、PDF か Word（docx）に書き出してください。"),
    ".key": ("Keynote の書類", "Keynote で、PDF か PowerPoint（pptx）に書き出してください。"),
    ".numbers": ("Numbers の書類", "Numbers で、Excel（xlsx）に書き出してください。"),
    **dict.fromkeys((".html", ".htm", ".mht", ".mhtml"), ("Web ページのファイル", _PDF.format("ブラウザー"))),
    **dict.fromkeys((".pub",), ("Publisher の文書", _PDF.format("Publisher"))),
    **dict.fromkeys((".vsd", ".vsdx"), ("Visio の図面", _PDF.format("Visio"))),
    **dict.fromkeys((".odg", ".ai", ".eps", ".psd", ".indd"), ("この図版のファイル", _PDF.format("作成したソフト"))),
    **dict.fromkeys((".xps", ".oxps"), ("XPS の文書", _PDF.format("XPS ビューアー"))),
    **dict.fromkeys((".mp4", ".mov", ".avi", ".wmv", ".m4v", ".mkv"), ("動画", _SOUND)),
    **dict.fromkeys((".mp3", ".wav", ".m4a", ".wma", ".aac", ".flac"), ("音声", _SOUND)),
    **dict.fromkeys(
        (".lnk", ".url"), ("ショートカット", "ショートカットの先にある、ファイルそのものを置いてください。")
    ),
    **dict.fromkeys(
        (".tmp", ".bak"), ("一時ファイル・控えのファイル", "要らなければ消し、要るなら正しい拡張子に直してください。")
    ),
}


def find_way_out(suffix: str) -> tuple[str, str]:
    """Return what people call files of a suffix that is not read, and what to do with them.

    >>> find_way_out(".jtd")
    ('一太郎の文書（.jtd）', '一太郎で開き、PDF で保存し直してください。')
    >>> find_way_out("")[0]
    '拡張子のないファイル'
    """
    if not suffix:
        return "拡張子のないファイル", "正しい拡張子（.pdf、.docx など）を付けてください。"
    name, remedy = _FORMATS.get(suffix, ("この形式のファイル", "元のソフトで、PDF で保存し直してください。"))
    return f"{name}（{suffix}）", remedy
