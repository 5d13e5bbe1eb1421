"""The command line `rag` (also `python -m rag`). Heavy libraries are imported inside the commands that need them.

Exit status: 0 done (a no_answer too); 1 done, with problems that are listed; 2 wrong usage, or nothing done.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.documents import COMMAND_LINE, Filters, Kind
from rag.errors import RagError
from rag.parser import DONE, DONE_WITH_PROBLEMS, NOT_DONE, Parser
from rag.progress import use_utf8
from rag.settings import Settings, load_settings
from rag.user_commands import add_user_commands, record_command

if TYPE_CHECKING:
    from rag.assistant import Assistant
    from rag.documents import Context, Passage
    from rag.explanation import Explanation


def build_parser() -> Parser:
    """Return the parser of every command."""
    parser = Parser(prog="rag", description="しるべ: 自治体の文書を索引にして、出典つきで答えます。")
    commands = parser.add_subparsers(dest="command", metavar="コマンド", required=True, title="コマンド")
    _add_index(commands)
    _add_search(commands)
    _add_ask(commands)
    _add_adapt(commands)
    for name, text, run in (
        ("status", "索引の状態と、要確認の文書を表示する", run_status),
        ("rollback", "一つ前の索引に戻す", run_rollback),
    ):
        command = _add_command(commands, name, text, run)
        command.add_argument("--json", action="store_true", help="JSON で表示する")
        if name == "status":
            command.add_argument("--pages", action="store_true", help="頁ごとの読み取り結果も表示する")
    models = _add_command(commands, "models", "この端末にあるモデルと、設定が選んでいるものを表示する", run_models)
    models.add_argument(
        "--check", metavar="モデル", help="フォルダーか名前のモデルを、ネットワークなしで読み込んで確かめる"
    )
    models.add_argument("--check-llm", action="store_true", help="設定 llm_url のサーバーに一言たずねて確かめる")
    models.add_argument("--json", action="store_true", help="JSON で表示する")
    serve = _add_command(commands, "serve", "質問の画面を開く（既定 http://127.0.0.1:7860）", run_serve)
    serve.add_argument("--host", help="待ち受けるアドレス")
    serve.add_argument("--port", type=int, help="待ち受ける番号")
    add_user_commands(commands)
    return parser


def _add_command(commands: Any, name: str, text: str, run: Callable[[argparse.Namespace], int]) -> Any:
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    command.add_argument("--index", type=Path, metavar="フォルダー", help="索引の場所（既定 indexes/default）")
    return command


def _add_index(commands: Any) -> None:
    command = _add_command(commands, "index", "文書フォルダーの変更を索引に取り込む", run_index)
    command.add_argument("corpus", nargs="?", type=Path, metavar="文書フォルダー", help="既定は corpus")
    command.add_argument("--full", action="store_true", help="変わっていない文書もすべて読み直す")
    command.add_argument("--allow-removal", action="store_true", help="文書の大半が消えていても続ける")
    _add_gate(command, "公開しない")
    command.add_argument(
        "--write-proposals",
        type=Path,
        metavar="ファイル",
        help="--gate の質問集を新しい索引と突き合わせ、移り先の提案を加えた写しを書く（CSV か Excel。公開しなかったときも）",
    )
    command.add_argument("--json", action="store_true", help="結果を JSON で表示する")


def _add_gate(command: Any, what: str) -> None:
    told = (
        "この質問集で測り、正答率・hit@5・引用正解率・不回答F1 のどれかが偶然とは言えないほど下がるか、"
        f"正答率が 5 ポイントを超えて下がるなら{what}（20 問に満たない質問集では、差し引き 1 問の誤りで止まる）"
    )
    command.add_argument("--gate", type=Path, metavar="質問集", help=told)


def _add_adapt(commands: Any) -> None:
    command = _add_command(commands, "adapt", "文書の言葉づかいを、埋め込みモデルに学習させる", run_adapt)
    what = command.add_mutually_exclusive_group()
    what.add_argument("--no-index", action="store_true", help="学習だけして、索引は次の rag index で作り直す")
    what.add_argument("--reset", action="store_true", help="学習したモデルをやめ、標準のモデルで索引を作り直す")
    _add_gate(command, "使わない")
    command.add_argument("--json", action="store_true", help="結果を JSON で表示する")


def _add_search(commands: Any) -> None:
    command = _add_command(commands, "search", "質問に近い箇所を、順に表示する", run_search)
    _add_question(command, "jsonl")
    command.add_argument("-k", type=positive, default=10, metavar="件数", help="表示する箇所の数（既定 10）")
    command.add_argument("--explain", action="store_true", help="なぜ見つかったか（語・順位・得点・重み）も表示する")
    command.add_argument("--context", action="store_true", help="前後の箇所と、同じ見出しの本文も表示する")


def _add_ask(commands: Any) -> None:
    _add_question(_add_command(commands, "ask", "質問に、出典つきで答える", run_ask), "jsonl・csv・xlsx")


def _add_question(command: Any, forms: str) -> None:
    command.add_argument("question", nargs="?", metavar="質問", help="質問文")
    command.add_argument("--batch", type=Path, metavar="ファイル", help="質問を並べたファイル（jsonl・csv・xlsx）")
    command.add_argument("--output", type=Path, metavar="ファイル", help=f"--batch の結果を書くファイル（{forms}）")
    command.add_argument("--json", action="store_true", help="JSON で表示する")
    command.add_argument("--department", metavar="課", help="所管課で絞る")
    command.add_argument(
        "--kind",
        choices=[k.value for k in Kind],
        metavar="種別",
        help="種別で絞る（" + "・".join(k.value for k in Kind) + "）",
    )
    command.add_argument("--year", type=year, metavar="年度", help="年度で絞る（2024、R6、令和6年度）")
    command.add_argument(
        "--as-of", type=date.fromisoformat, metavar="年-月-日", help="その日に施行されている文書に絞る"
    )


def positive(text: str) -> int:
    """Return a whole number of at least 1; raise ValueError for anything else."""
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def year(text: str) -> int:
    """Return the western fiscal year of 2024, R6 or 令和6年度; raise ArgumentTypeError for anything else."""
    from rag.reading.metadata import parse_year

    try:
        return parse_year(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"「{text}」は使えません。{error}") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    use_utf8()
    options = build_parser().parse_args(arguments)
    try:
        with record_command(options, read_settings):
            status: int = options.run(options)
    except RagError as error:
        print(error, file=sys.stderr)
        return NOT_DONE
    except BrokenPipeError:  # the reader of our output has seen enough (`rag status | head`)
        sys.stdout = None
        return DONE
    except OSError as error:
        print(f"ファイルを読み書きできません: {error.filename or ''}（{error.strerror or error}）", file=sys.stderr)
        print("対処: 場所と名前、空き容量、アクセス権を確かめてください。", file=sys.stderr)
        return NOT_DONE
    except KeyboardInterrupt:
        print("中断しました。索引は前のままです。", file=sys.stderr)
        return NOT_DONE
    return status


def read_settings(options: argparse.Namespace) -> Settings:
    """Return the settings with the options of the command line on top."""
    names = ("corpus", "index", "host", "port")
    return load_settings(**{name: getattr(options, name, None) for name in names})


def _filters(options: argparse.Namespace) -> Filters:
    kind = Kind(options.kind) if options.kind else None
    return Filters(department=options.department, kind=kind, year=options.year, as_of=options.as_of)


def print_json(value: Any) -> None:
    """Print a value as JSON for other programs."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


# --- commands ---------------------------------------------------------------------------------------------------------


def run_index(options: argparse.Namespace) -> int:
    """Bring the index up to date with the corpus."""
    from rag.errors import UsageError
    from rag.indexing.updating import update_index
    from rag.progress import StageBars
    from rag.reports import render_sync

    settings = read_settings(options)
    if options.write_proposals and not options.gate:
        raise UsageError("--write-proposals には --gate が要ります。", "--gate に質問集を指定してください。")
    gate = _gate(options, settings, options.write_proposals)
    with StageBars() as bars:
        report = update_index(
            settings, full=options.full, allow_removal=options.allow_removal, gate=gate, progress=bars
        )
    if options.json:
        print_json(report.as_dict())
    else:
        print(render_sync(report))
    if options.write_proposals and report.gate is None:
        told = f"python -m eval check {options.gate} --write-proposals {options.write_proposals}"
        print(f"注意: 文書に変更がないので、提案は書いていません。公開中の索引との突き合わせ: {told}", file=sys.stderr)
    refused = report.gate is not None and not report.gate.passed
    return DONE_WITH_PROBLEMS if report.problems or refused else DONE


def run_adapt(options: argparse.Namespace) -> int:
    """Adapt the embedder to the corpus, and embed everything again if that helps."""
    from rag.errors import AdaptationError
    from rag.indexing.updating import adapt_index, reset_index
    from rag.progress import StageBars
    from rag.reports import render_adaptation, render_sync

    settings = read_settings(options)
    gate = _gate(options, settings)
    try:
        with StageBars() as bars:
            if options.reset:
                back = reset_index(settings, gate=gate, progress=bars)
                return _show(options, back.as_dict(), render_sync(back), done=not back.gate or back.gate.passed)
            adaptation, report = adapt_index(settings, publish=not options.no_index, gate=gate, progress=bars)
    except AdaptationError as error:  # the index is as good as before
        print(error, file=sys.stderr)
        return DONE_WITH_PROBLEMS
    values = adaptation.as_dict() | {"index": report.as_dict() if report else None}
    return _show(options, values, render_adaptation(adaptation, report), done=adaptation.fingerprint is not None)


def _show(options: argparse.Namespace, values: Any, text: str, *, done: bool) -> int:
    """Print a result, as JSON where that was asked for; return the exit status."""
    if options.json:
        print_json(values)
    else:
        print(text)
    return DONE if done else DONE_WITH_PROBLEMS


def _gate(options: argparse.Namespace, settings: Settings, proposals: Path | None = None) -> Any:
    if not options.gate:
        return None
    from eval.check import write_proposals
    from eval.gate import Proposals, build_gate

    return build_gate(options.gate, settings, Proposals(proposals, write_proposals) if proposals else None)


def run_search(options: argparse.Namespace) -> int:
    """Print or write the passages nearest to questions."""
    question = None if options.batch else _question(options)

    def find(assistant: Assistant, question: str) -> _Found:
        limits: dict[str, Any] = {"filters": _filters(options), "asker": COMMAND_LINE, "limit": options.k}
        if options.explain:
            passages, explanation = assistant.explain(question, **limits)
        else:
            passages, explanation = assistant.search(question, **limits), None
        return _Found(passages, explanation, _contexts(assistant, passages) if options.context else {})

    if question is None:
        return _run_batch(options, (".jsonl",), lambda a, q: find(a, q.question).as_dict(q.id), None)
    with _assistant(options) as assistant:
        found = find(assistant, question)
    if options.json:
        print_json(found.as_dict())
    else:
        from rag.search_report import render_hits

        print(render_hits(found.passages, explanation=found.explanation, contexts=found.contexts))
    return DONE


@dataclass(frozen=True, slots=True)
class _Found:
    """What `rag search` found for one question. contexts: chunk id -> what stands around it."""

    passages: Sequence[Passage]
    explanation: Explanation | None
    contexts: Mapping[str, Context]

    def as_dict(self, id: str | None = None) -> dict[str, Any]:
        from rag.answer_json import add_explanation, context_to_dict, hits_to_dict

        hits = hits_to_dict(self.passages, id)
        if self.explanation is not None:
            hits = add_explanation(hits, self.explanation)
        for hit, passage in zip(hits["hits"], self.passages, strict=True):
            if passage.chunk.id in self.contexts:
                hit["context"] = context_to_dict(self.contexts[passage.chunk.id])
        return hits


def _contexts(assistant: Assistant, passages: Sequence[Passage]) -> dict[str, Context]:
    found = ((passage.chunk.id, assistant.context(passage, COMMAND_LINE)) for passage in passages)
    return {id_: context for id_, context in found if context is not None}


def run_ask(options: argparse.Namespace) -> int:
    """Print or write the answers to questions."""
    from rag.answer_json import answer_to_dict
    from rag.batch import answer_row
    from rag.reports import render_answer

    def ask(assistant: Assistant, question: str) -> Any:
        return assistant.ask(question, filters=_filters(options), asker=COMMAND_LINE)

    if options.batch:
        forms = (".jsonl", ".csv", ".xlsx")
        to_object = lambda a, q: answer_to_dict(ask(a, q.question), id=q.id)  # noqa: E731
        return _run_batch(options, forms, to_object, lambda a, q: answer_row(q, ask(a, q.question)))
    question = _question(options)
    with _assistant(options) as assistant:
        answer = ask(assistant, question)
    if options.json:
        print_json(answer_to_dict(answer))
    else:
        print(render_answer(answer))
    return DONE


def _run_batch(options: argparse.Namespace, forms: Sequence[str], to_object: Any, to_row: Any) -> int:
    from rag.batch import ANSWER_COLUMNS, check_output_file, read_batch, write_jsonl, write_sheet
    from rag.errors import UsageError
    from rag.progress import track

    if options.question:
        raise UsageError("質問文と --batch の両方があります。", "どちらか一つにしてください。")
    if options.output is None:
        raise UsageError("--batch の結果を書くファイルがありません。", "--output ファイル名 を付けてください。")
    check_output_file(options.output, options.batch, allowed=forms)
    questions = read_batch(options.batch)
    for question in questions:
        _check_batch_question(question)
    with _assistant(options) as assistant:
        tracked = track(questions, "質問")
        if options.output.suffix.lower() == ".jsonl":
            count = write_jsonl(options.output, (to_object(assistant, q) for q in tracked))
        else:
            rows = [to_row(assistant, q) for q in tracked]
            write_sheet(options.output, rows, ANSWER_COLUMNS)
            count = len(rows)
    print(f"{count}問の結果を {options.output} に書きました。", file=sys.stderr)
    return DONE


def _check_batch_question(question: Any) -> None:
    from rag.assistant import check_question
    from rag.errors import QuestionSetError, UsageError

    try:
        check_question(question.question)
    except UsageError as error:
        raise QuestionSetError(f"番号 {question.id} の質問: {error.message}", error.hint) from error


def _question(options: argparse.Namespace) -> str:
    from rag.errors import UsageError

    if options.output:
        raise UsageError(
            "--output は --batch と一緒に使います。", "--batch 質問ファイル を付けるか、--output を外してください。"
        )
    if not options.question:
        raise UsageError("質問がありません。", "質問文を引用符で囲んで渡すか、--batch でファイルを渡してください。")
    return str(options.question)


def _assistant(options: argparse.Namespace) -> Any:
    from contextlib import closing

    from rag.assistant import Assistant

    return closing(Assistant.open(read_settings(options)))


def run_status(options: argparse.Namespace) -> int:
    """Print what the index holds and what needs a person."""
    from rag.reports import collect_status, render_status

    status = collect_status(read_settings(options), pages=options.pages)
    if options.json:
        print_json(status)
    else:
        print(render_status(status))
    return DONE_WITH_PROBLEMS if status["problems"] else DONE


def run_rollback(options: argparse.Namespace) -> int:
    """Let the snapshot before the current one answer again."""
    from rag.indexing.lock import write_lock
    from rag.indexing.snapshot import SnapshotStore

    settings = read_settings(options)
    store = SnapshotStore(settings.index)
    store.manifest()  # refuses an index that is not there, before the lock makes its folder
    with write_lock(settings.index):
        rollback = store.rollback()
    if options.json:
        print_json({"from": rollback.left, "to": rollback.restored})
    else:
        print(f"索引を {rollback.left} から {rollback.restored} に戻しました。")
    return DONE


def run_models(options: argparse.Namespace) -> int:
    """Print the models of this machine, or what one of them, or the LLM server, does."""
    from rag.model_reports import collect_check, collect_llm_check, collect_models

    settings = read_settings(options)
    if options.check_llm:
        found = collect_llm_check(settings)
    else:
        found = collect_check(options.check, settings) if options.check else collect_models(settings)
    text = found.pop("text")
    if options.json:
        print_json(found)
    else:
        print(text)
    return DONE if found.get("passed", True) else DONE_WITH_PROBLEMS


def run_serve(options: argparse.Namespace) -> int:
    """Serve the page until stopped."""
    from rag.web.server import serve

    serve(read_settings(options))
    return DONE


if __name__ == "__main__":
    sys.exit(main())
