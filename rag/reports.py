"""What commands show to people, in Japanese."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from rag.documents import Answer, Citation, Edition, Problem, Reason, Standing, Status
from rag.page_reports import page_row, render_pages, render_readability
from rag.settings import Settings

if TYPE_CHECKING:
    from rag.indexing.adaptation import Adaptation
    from rag.indexing.adapted_models import AdaptationNote
    from rag.indexing.sync import SyncReport

_REASONS = {
    Reason.WEAK_EVIDENCE: "質問に合う記述が見つかりませんでした",
    Reason.OUT_OF_SCOPE: "文書で扱っていない内容です",
    Reason.PERSONAL_DATA: "個人に関する情報はお答えできません",
    Reason.NO_DOCUMENTS: "検索できる文書がありません",
}
PAIR_LABELS = {
    "question": "質問と回答",
    "dropped": "短くした質問と回答",
    "heading": "見出しと本文",
    "row": "表の見出しと行",
    "sentence": "一文と続き",
    "judged": "職員が役に立ったとした質問",
}


def render_sync(report: SyncReport) -> str:
    """Return what a run of `rag index` did."""
    parts = (
        ("追加", report.added),
        ("変更", report.changed),
        ("改名", report.renamed),
        ("削除", report.removed),
        ("変更なし", report.unchanged),
    )
    changes = "、".join(f"{name} {len(items)}" for name, items in parts if items) or "文書なし"
    counts = report.counts
    lines = [
        f"文書: {changes}",
        f"索引: 文書 {counts.documents}、頁 {counts.pages}、まとまり {counts.chunks}（{report.snapshot}）",
        f"時間: {sum(report.seconds.values()):.1f} 秒",
    ]
    if report.gate:
        lines.append(
            ("質問集の確認: " if report.gate.passed else "質問集の確認で公開を見送りました: ") + report.gate.summary
        )
    if report.adaptation:
        lines.append(_describe_adaptation(report.adaptation))
    lines.append("新しい索引を公開しました。" if report.published else "索引は前のままです。")
    lines += [f"注意: {notice}。" for notice in report.notices]
    lines += render_readability(
        *([asdict(item) for item in items] for items in (report.readability, report.doubtful_pages))
    )
    return "\n".join(lines + render_problems(report.problems))


def render_adaptation(adaptation: Adaptation, report: SyncReport | None) -> str:
    """Return what `rag adapt` did: what was learned from, what was measured, and whether it is used."""
    lines = [_describe_adaptation(adaptation)]
    if adaptation.fingerprint is None:
        refused = report.gate.summary if report and report.gate else ""
        lines.append(f"学習したモデルは使わず、索引は前のままです。{refused}")
    elif report is None:
        lines.append("次の `rag index` で、学習したモデルで索引を作り直します。")
    return "\n".join([*lines, *(["", render_sync(report)] if report else [])])


def _describe_adaptation(adaptation: Adaptation) -> str:
    note = adaptation.note
    kinds = "、".join(f"{PAIR_LABELS.get(kind, kind)} {count}" for kind, count in note.pairs.items())
    change = _describe_change(note)
    finish = "。使うモデルは、このあと残りの組も加えて仕上げたもの" if note.kept else ""
    return (
        f"言葉づかいの学習: {sum(note.pairs.values())} 組（{kinds}）、{note.seconds:.0f} 秒\n"
        f"  学習に使わなかった {note.held_out} 問（意味の検索だけ）: 1位正解率 {note.before.hit_at_1:.3f} → {note.after.hit_at_1:.3f}、"
        f"nDCG@10 {note.before.ndcg_at_10:.3f} → {note.after.ndcg_at_10:.3f}（{change}{finish}）"
    )


def _describe_change(note: AdaptationNote) -> str:
    if note.kept:
        return "よくなった" if note.after != note.before else "変わらない"
    fallen = [
        name
        for name, before, after in (
            ("1位正解率", note.before.hit_at_1, note.after.hit_at_1),
            ("nDCG@10", note.before.ndcg_at_10, note.after.ndcg_at_10),
        )
        if after < before
    ]
    return f"{'と '.join(fallen)}が下がったので使わない"


def render_problems(problems: Sequence[Problem]) -> list[str]:
    """Return the lines that list what needs a person."""
    if not problems:
        return []
    lines = ["", f"要確認: {len(problems)} 件"]
    for problem in problems:
        place = f"（{problem.page}頁）" if problem.page else f"（{problem.row}行）" if problem.row else ""
        name = "" if problem.source in problem.message else f"{problem.source}: "
        lines += [f"  ・{_show_controls(name + problem.message)}{place}", f"    対処: {problem.remedy}"]
    return lines


def _show_controls(text: str) -> str:
    r"""Return a text without what would move the cursor: names of files may hold anything.

    >>> _show_controls("改行\nと\x1b[2Jのある名前")
    '改行␊と␛[2Jのある名前'
    """
    return text.translate({code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421})


def render_answer(answer: Answer) -> str:
    """Return an answer with its sources, or why there is none and whom to ask."""
    if answer.status is Status.NO_ANSWER:
        return _render_no_answer(answer)
    lines = [*_render_understood(answer), answer.text, "", "出典"]
    for citation in answer.citations:
        verified = "確認済み" if citation.verified else "未確認"
        lines.append(f"[{citation.number}] {citation.title} {citation.locator.describe(citation.source)}（{verified}）")
        lines.append(f"    {citation.source}{describe_edition(citation.edition)}")
        lines.append(f"    「{' '.join(_mark_quote(citation).split())}」")
    lines += [f"注意: {warning.message}" for warning in answer.warnings]
    lines += [f"取り除いた文: {struck.text}（{struck.reason}）" for struck in answer.checks.struck]
    return "\n".join([*lines, "", f"確信度 {answer.confidence:.0%}　{answer.elapsed_ms:.0f} ミリ秒"])


def _render_understood(answer: Answer) -> list[str]:
    return [f"質問の理解: {answer.understood}"] if answer.understood else []


def _mark_quote(citation: Citation) -> str:
    """Return the quote, its decisive words in 【】."""
    return "".join(f"【{words}】" if marked else words for words, marked in citation.marked_quote)


def _render_no_answer(answer: Answer) -> str:
    lines = [*_render_understood(answer), answer.text]
    if answer.reason:
        lines.append(f"理由: {_REASONS[answer.reason]}")
    if answer.sought:
        lines.append(f"探した語: {'、'.join(answer.sought)}")
    if answer.nearest:
        lines += ["", "近い箇所"]
        lines += [
            f"・{p.title} {p.locator.describe(p.source)}（{p.source}）{describe_edition(p.edition)}\n    {p.text}"
            for p in answer.nearest
        ]
    if answer.contact:
        extension = f"（内線 {answer.contact.extension}）" if answer.contact.extension else ""
        lines += ["", f"問い合わせ先: {answer.contact.department}{extension}"]
    return "\n".join(lines)


def describe_edition(edition: Edition | None) -> str:
    """Return the mark of an edition that is not in force, with the one that is: 「　【旧版】現行: 手引（手引_R6.pdf）」."""
    if edition is None or edition.standing is Standing.CURRENT:
        return ""
    instead = f"現行: {edition.instead.title}（{edition.instead.source}）" if edition.instead else ""
    return f"　【{edition.standing.label}】{instead}"


def collect_status(settings: Settings, *, pages: bool = False) -> dict[str, Any]:
    """Return what the index holds as plain values. Raises IndexMissingError."""
    from rag.indexing.readability import list_doubtful_pages, list_readability
    from rag.indexing.snapshot import SnapshotStore

    store = SnapshotStore(settings.index)
    snapshot = store.open_current()
    try:
        catalog = snapshot.catalog
        status: dict[str, Any] = {
            "index": str(settings.index),
            "snapshot": snapshot.id,
            "snapshots": store.snapshot_ids(),
            "embedder": snapshot.manifest.recipe.embedder_name,
            "counts": asdict(catalog.counts()),
            "characters": catalog.characters(),
            "documents": [_document(entry) for entry in catalog.documents()],
            "editions": [_family(family) for family in catalog.families()],
            "problems": [asdict(problem) for problem in catalog.problems()],
            "readability": [asdict(file) for file in list_readability(catalog)],
            "doubtful_pages": [asdict(page) for page in list_doubtful_pages(catalog)],
        }
        if pages:
            status["pages"] = [
                page_row(e.source, page) for e in catalog.documents() for page in catalog.pages(e.source)
            ]
        return status
    finally:
        snapshot.close()


def _document(entry: Any) -> dict[str, Any]:
    metadata = entry.metadata
    return {
        "source": entry.source,
        "title": metadata.title,
        "kind": metadata.kind.label,
        "department": metadata.department,
    }


def _family(family: Any) -> list[dict[str, Any]]:
    """Return the editions of one text, the newest first, each with what it is today."""
    found = [(member, family.judge(member.source, date.today())) for member in reversed(family.members)]
    return [
        {
            "source": member.source,
            "title": member.metadata.title,
            "standing": edition.standing.label,
            "begins": edition.begins.isoformat() if edition.begins else None,
        }
        for member, edition in found
    ]


def render_status(status: dict[str, Any]) -> str:
    """Return the status for people."""
    counts = status["counts"]
    lines = [
        f"索引 {status['index']}（{status['snapshot']}、埋め込み {status['embedder']}）",
        f"文書 {counts['documents']}、読めない文書 {counts['unreadable']}、頁 {counts['pages']}、まとまり {counts['chunks']}",
        "",
    ]
    lines += [
        f"・{d['title']}　{d['kind']}　{d['department'] or '所管課なし'}　{d['source']}" for d in status["documents"]
    ]
    lines += _render_editions(status["editions"])
    lines += render_pages(status.get("pages", ()))
    lines += render_readability(status["readability"], status["doubtful_pages"])
    return "\n".join(lines + render_problems([Problem(**problem) for problem in status["problems"]]))


def _render_editions(families: Iterable[Sequence[dict[str, Any]]]) -> list[str]:
    lines = []
    for members in families:
        lines.append(f"・{members[0]['title']}")
        for member in members:
            begins = f"{member['begins']} から" if member["begins"] else "期日の記載なし"
            lines.append(f"    {member['standing']}　{begins}　{member['source']}")
    return ["", "版のある文書", *lines] if lines else []
