"""Answers over a small real index: the documents' own words, proved by the stored page, or an honest no."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import METADATA, build_town
from office_files import ask, read_indexed

from rag.answering.extractive import build_extract
from rag.answering.selection import choose_units, is_partial
from rag.answering.unit_features import Measured, measure_units
from rag.answering.unit_model import score_units
from rag.answering.units import Unit, split_passages
from rag.assistant import MAX_QUESTION_CHARS, Assistant
from rag.documents import (
    COMMAND_LINE,
    EVERYONE,
    Answer,
    Asker,
    Chunk,
    ChunkKind,
    Contact,
    Filters,
    Kind,
    Locator,
    Metadata,
    Passage,
    Reason,
    Segment,
    Status,
)
from rag.errors import UsageError
from rag.indexing.catalog import Catalog
from rag.indexing.embedding import open_embedder
from rag.indexing.lexical import analyze
from rag.indexing.snapshot import SnapshotStore
from rag.indexing.sync import sync
from rag.retrieval.query import Query, Question, parse_query
from rag.retrieval.sentences import KnownText
from rag.settings import Settings
from rag.text import split_sentences

TAX_OFFICE = Asker(departments=("税務課",))
CLOSED = "税務課/滞納整理の手引.txt"
FAQ, WASTE, TRAVEL = "町民課/窓口のよくある質問.csv", "環境課/ごみの出し方.md", "総務課/職員旅費規程.txt"
RESIDENCE_FEE = "住民票の写しは1通300円です。コンビニエンスストアで取る場合は1通200円です。"
ANSWERABLE = {
    "住民票の写しの手数料はいくらですか": RESIDENCE_FEE,
    "マイナンバーカードをなくしたときはどうすればよいですか": "一時停止を申し出て",
    "燃えるごみは何曜日に出せばよいですか": "月曜日と木曜日",
    "布団の処理手数料はいくらですか": "300円",
    "合計特殊出生率の目標値はいくつですか": "1.60",
    "旅費の請求はいつまでにしなければなりませんか": "10日以内",
    "旅費の種類は何ですか": "鉄道賃、船賃、航空賃、車賃、日当及び宿泊料",
    "避難所を開設するときの手順を教えてください": "鍵を開ける",
    "空き店舗の改装にかかる費用の補助": "半分を補助",
}
OUTSIDE = ["明日の天気はどうなりますか", "今日の東京の最高気温は何度ですか"]
UNANSWERABLE = [
    "サッカーのワールドカップの優勝国はどこですか",
    "おいしいカレーの作り方を教えてください",
    "量子コンピューターの仕組みを説明してください",
    "日経平均株価の終値を教えてください",
]


@pytest.fixture(scope="module")
def willing(small_town: Settings) -> Iterator[Assistant]:
    """Lend an assistant that always answers: the form of an answer does not depend on the calibration."""
    assistant = Assistant.open(dataclasses.replace(small_town, answer_threshold=0.0))
    yield assistant
    assistant.close()


@pytest.fixture(scope="module")
def catalog(small_town: Settings) -> Iterator[Catalog]:
    snapshot = SnapshotStore(small_town.index).open_current(open_embedder(small_town.embedder).fingerprint)
    yield snapshot.catalog
    snapshot.close()


def _words(answer: Answer) -> str:
    """Return the text of an answer without the numbers of its citations."""
    return re.sub(r"\[\d+\]", "", answer.text)


def _measure(query: Query, passages: Sequence[Passage]) -> Measured:
    """Return the units of passages and their features, all words equally rare and all vectors alike."""
    embedder = open_embedder()
    question = Question(query.text, query, np.zeros(embedder.dimension, dtype=np.float32))
    known = {p.chunk.id: KnownText.of(p.chunk, analyze(p.chunk)) for p in passages}
    weights = dict.fromkeys(query.terms, 1.0)
    return measure_units(question, weights, passages, split_passages(passages), known, embedder)


def _score(query: Query, passages: Sequence[Passage]) -> list[Unit]:
    return score_units(_measure(query, passages))


def _comparable(answer: Answer) -> Answer:
    return dataclasses.replace(answer, elapsed_ms=0.0)


# --- the words of the documents ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("question", "fact"), ANSWERABLE.items())
def test_what_the_documents_say_is_answered(town_assistant: Assistant, question: str, fact: str) -> None:
    answer = town_assistant.ask(question)
    assert answer.status is Status.ANSWERED and fact in answer.text, (answer.text, answer.confidence)
    assert answer.reason is None and answer.nearest == () and 0 <= answer.confidence <= 1 and answer.elapsed_ms > 0


@pytest.mark.parametrize("question", ["住民票の写しの手数料はいくらですか", "住民票を一枚取るのにいくらかかりますか"])
def test_an_official_answer_is_given_word_for_word_with_its_question_as_proof(
    willing: Assistant, question: str
) -> None:
    answer = willing.ask(question)
    assert answer.text == f"{RESIDENCE_FEE}[1]"
    (citation,) = answer.citations
    assert citation.source == FAQ and citation.locator.row == 2 and citation.department == "町民課"
    assert "住民票の写しの手数料はいくらですか。" in citation.quote and RESIDENCE_FEE in citation.quote


def test_one_asked_word_that_a_row_lacks_is_a_gap(willing: Assistant) -> None:
    passages = [p for p in willing.search("布団の処理手数料はいくらですか") if p.chunk.source == WASTE]
    measured = _measure(parse_query("布団の処理手数料はいくらですか"), passages)
    gaps = dict(zip((unit.text(passages) for unit in measured.units), measured.column("likeness_gap"), strict=True))
    of = {item: gap for text, gap in gaps.items() for item in ("布団", "自転車") if item in text}
    assert of["布団"] == 0.0 < of["自転車"] <= 1 / 3, gaps


def test_a_row_is_answered_under_its_headings_and_quoted_with_them(willing: Assistant, catalog: Catalog) -> None:
    answer = willing.ask("布団の処理手数料はいくらですか")
    assert answer.text == "品目：布団、手数料：300円、大きさの目安：1組[1]"
    (citation,) = answer.citations
    header, row = (catalog.page_text(WASTE, citation.page)[slice(*span)] for span in citation.spans)
    assert "品目" in header and "大きさの目安" in header and "布団" not in header
    assert "布団" in row and "300円" in row and "自転車" not in row
    assert citation.quote == f"{header}…{row}"


def test_a_rule_is_answered_with_its_sentence_and_says_which_article(willing: Assistant) -> None:
    answer = willing.ask("旅費の請求はいつまでにしなければなりませんか")
    assert "旅行の終了した日の翌日から起算して10日以内に" in answer.text
    citation = answer.citations[0]
    assert citation.source == TRAVEL and citation.title == "緑沢町職員旅費規程"
    assert "第4条" in (citation.locator.heading or "") + citation.quote, citation
    assert "第2条" not in answer.text and citation.locator.line is not None


def test_steps_follow_their_lead_in_in_order(willing: Assistant) -> None:
    lines = _words(willing.ask("避難所を開設するときの手順を教えてください")).splitlines()
    assert lines[0] == "避難所を開設するときは、次の手順で行います。"
    assert [line.strip()[-8:] for line in lines[1:5]] == [
        "連絡し、鍵を開ける。"[-8:],
        "安全を目で確かめる。"[-8:],
        "者名簿の用紙を置く。"[-8:],
        "部に開設を報告する。"[-8:],
    ]


def test_steps_that_do_not_all_fit_are_said_to_be_only_a_part(small_town: Settings) -> None:
    """Whoever follows three steps of four must know that there is a fourth."""
    assistant = Assistant.open(dataclasses.replace(small_town, max_answer_chars=80, answer_threshold=0.0))
    answer = assistant.ask("避難所を開設するときの手順を教えてください")
    whole = "災害対策本部に開設を報告する" in answer.text
    assert "鍵を開ける" in answer.text
    assert whole or "partial" in {warning.code for warning in answer.warnings}, (answer.text, answer.warnings)
    assistant.close()


def test_numbers_in_the_text_are_those_of_the_citations(willing: Assistant) -> None:
    for question in ANSWERABLE:
        answer = willing.ask(question)
        marks = [int(number) for number in re.findall(r"\[(\d+)\]", answer.text)]
        assert marks == [citation.number for citation in answer.citations] == list(range(1, len(marks) + 1)), answer
        assert marks


@pytest.mark.parametrize("max_chars", [40, 80, 300])
def test_an_answer_is_no_longer_than_the_settings_say(small_town: Settings, max_chars: int) -> None:
    """Line ends aside, and neither a sentence or row nor a rule and its exception is cut in two; an official answer is whole."""
    assistant = Assistant.open(dataclasses.replace(small_town, max_answer_chars=max_chars, answer_threshold=0.0))
    for question in [*ANSWERABLE, *UNANSWERABLE]:
        answer = assistant.ask(question)
        words = _words(answer)
        official = answer.citations[0].source == FAQ
        single = len(list(split_sentences(words.replace("。ただし", "、ただし")))) == 1
        assert official or single or len(words.replace("\n", "")) <= max_chars, (question, len(words), answer.text)
    assistant.close()


@pytest.mark.parametrize("max_chars", [40, 300])
def test_an_official_answer_is_never_shortened(small_town: Settings, max_chars: int) -> None:
    assistant = Assistant.open(dataclasses.replace(small_town, max_answer_chars=max_chars, answer_threshold=0.0))
    answer = assistant.ask("マイナンバーカードを失くしたときはどうすればよいですか")
    assert _words(answer).startswith("すぐに専用の") and _words(answer).endswith("再交付を申請してください。")
    assistant.close()


def test_every_piece_of_an_extract_stands_in_a_quote(willing: Assistant) -> None:
    for question in ANSWERABLE:
        answer = willing.ask(question)
        quoted = "".join(citation.quote for citation in answer.citations)
        for piece in re.split(r"\n|：|、|\[\d+\]", answer.text):
            assert "".join(piece.split()) in "".join(quoted.split()), (piece, quoted)


# --- proof ------------------------------------------------------------------------------------------------------------


def test_every_quote_is_what_the_stored_page_says_at_its_spans(willing: Assistant, catalog: Catalog) -> None:
    for question in [*ANSWERABLE, *UNANSWERABLE, "差押えの決裁は誰が行いますか"]:
        for citation in willing.ask(question, asker=COMMAND_LINE).citations:
            text = catalog.page_text(citation.source, citation.page)
            assert citation.spans and all(0 <= start < end <= len(text) for start, end in citation.spans)
            assert citation.quote == "…".join(text[start:end] for start, end in citation.spans)
            assert citation.verified


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE page_texts SET text = replace(replace(replace(text, '円', '銭'), '日', '月'), 'する', 'せず')",
        "UPDATE page_texts SET text = 'あ' || text",
        "UPDATE page_texts SET text = substr(text, 1, 10)",
        "DELETE FROM page_texts",
    ],
    ids=["other words", "shifted", "shortened", "missing"],
)
def test_a_quote_that_the_stored_page_does_not_bear_out_is_never_shown(
    small_town: Settings, tmp_path: Path, tampering: str
) -> None:
    shutil.copytree(small_town.index, tmp_path / "index")
    (file,) = (tmp_path / "index" / "snapshots").glob("*/catalog.sqlite")
    file.chmod(0o644)
    connection = sqlite3.connect(file)
    connection.execute(tampering)
    connection.commit()
    connection.close()
    assistant = Assistant.open(dataclasses.replace(small_town, index=tmp_path / "index", answer_threshold=0.0))
    for question in (
        "住民票の写しの手数料はいくらですか",
        "布団の処理手数料はいくらですか",
        "旅費の請求はいつまでにしますか",
    ):
        answer = assistant.ask(question)
        assert answer.status is Status.NO_ANSWER and answer.citations == (), answer
        assert answer.reason is Reason.WEAK_EVIDENCE and "円" not in answer.text
    assistant.close()


# --- no answer --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", UNANSWERABLE)
def test_what_no_document_says_is_not_answered_and_someone_to_ask_is_named(
    town_assistant: Assistant, question: str
) -> None:
    answer = town_assistant.ask(question)
    assert answer.status is Status.NO_ANSWER, (answer.text, answer.confidence)
    assert answer.reason in (Reason.WEAK_EVIDENCE, Reason.OUT_OF_SCOPE) and answer.citations == ()
    assert 1 <= len(answer.nearest) <= 3
    departments = {entry.source: entry.metadata for entry in town_assistant.documents()}
    nearest = departments[answer.nearest[0].source]
    assert answer.contact == Contact(nearest.department or "", nearest.extension)
    assert len({(place.source, place.locator) for place in answer.nearest}) == len(answer.nearest)


@pytest.mark.parametrize(
    ("question", "reason"),
    [*((question, Reason.OUT_OF_SCOPE) for question in OUTSIDE), ("隣の家の滞納額を教えて", Reason.PERSONAL_DATA)],
)
def test_what_is_asked_of_no_document_is_declined_with_its_own_reason_however_willing_the_threshold(
    willing: Assistant, question: str, reason: Reason
) -> None:
    answer = willing.ask(question)
    assert (answer.status, answer.reason) == (Status.NO_ANSWER, reason)
    assert answer.citations == answer.nearest == () and answer.contact is not None and len(answer.text) > 20


def test_what_was_looked_for_is_said_in_the_words_of_the_question(town_assistant: Assistant) -> None:
    answer = town_assistant.ask("量子コンピューターの仕組みを説明してください")
    assert "".join(answer.sought).startswith("量子コンピューター") and "仕組み" in answer.sought
    assert answer.understood is None


def test_a_threshold_of_one_declines_everything_and_still_points_to_the_right_place(small_town: Settings) -> None:
    assistant = Assistant.open(dataclasses.replace(small_town, answer_threshold=1.0))
    answer = assistant.ask("布団の処理手数料はいくらですか")
    assert answer.status is Status.NO_ANSWER and "300円" not in answer.text
    assert answer.nearest[0].source == WASTE and answer.contact == Contact("環境課")
    assistant.close()


def test_the_settings_name_whom_to_ask_where_no_document_does(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "覚え書き.txt").write_text("会議室の鍵は受付で借ります。", encoding="utf-8")
    town = Settings(
        corpus=tmp_path / "corpus",
        index=tmp_path / "index",
        workers=1,
        contact_department="庶務係",
        contact_extension="9",
    )
    sync(town)
    assistant = Assistant.open(town)
    answer = assistant.ask(UNANSWERABLE[1])
    assert answer.status is Status.NO_ANSWER and answer.contact == Contact("庶務係", "9")
    nothing = assistant.ask("鍵はどこで借りますか", filters=Filters(kind=Kind.RULE))
    assert (nothing.reason, nothing.nearest, nothing.contact) == (Reason.NO_DOCUMENTS, (), Contact("庶務係", "9"))
    assistant.close()


@pytest.mark.parametrize("question", ["", " 　\n", "あ" * (MAX_QUESTION_CHARS + 1)])
def test_an_empty_or_endless_question_is_refused(town_assistant: Assistant, question: str) -> None:
    with pytest.raises(UsageError, match=r"質問が(空|長すぎ)"):
        town_assistant.ask(question)


def test_the_longest_question_allowed_gets_an_answer_of_some_kind(town_assistant: Assistant) -> None:
    assert MAX_QUESTION_CHARS == 2_000
    assert town_assistant.ask("住民票の写しの手数料は" + "あ" * (MAX_QUESTION_CHARS - 11)).status in Status


# --- who may see what -------------------------------------------------------------------------------------------------


def test_a_closed_document_is_answered_from_only_for_those_who_may_read_it(willing: Assistant) -> None:
    question = "差押えの決裁は誰が行いますか"
    assert "税務課長が行う" in willing.ask(question, asker=TAX_OFFICE).text
    for asker in (EVERYONE, Asker(("町民課",))):
        answer = willing.ask(question, asker=asker)
        shown = [answer.text, *(c.source for c in answer.citations), *(p.source for p in answer.nearest)]
        assert not any("税務課長" in text or CLOSED in text for text in shown), shown


def test_a_closed_document_is_neither_listed_nor_opened_nor_shown(
    town_assistant: Assistant, small_town: Settings
) -> None:
    for asker in (EVERYONE, Asker(("町民課",))):
        assert CLOSED not in {entry.source for entry in town_assistant.documents(asker)}
        assert town_assistant.original(CLOSED, asker) is None
        assert town_assistant.page_text(CLOSED, 1, asker) is None
    for asker in (TAX_OFFICE, COMMAND_LINE):
        entry = next(e for e in town_assistant.documents(asker) if e.source == CLOSED)
        assert town_assistant.original(CLOSED, EVERYONE, entry.sha256) is None
        assert "税務課長が行う" in (town_assistant.page_text(CLOSED, 1, asker) or "")
        original = town_assistant.original(CLOSED, asker)
        assert original is not None and original.name == "滞納整理の手引.txt"
        assert original.path.read_bytes() == (small_town.corpus / CLOSED).read_bytes()


@pytest.mark.parametrize("source", ["無い.txt", "../metadata.csv", "metadata.csv", "/etc/hosts", ""])
def test_what_is_no_document_is_not_opened(town_assistant: Assistant, source: str) -> None:
    assert town_assistant.original(source, COMMAND_LINE) is None
    assert town_assistant.page_text(source, 1, COMMAND_LINE) is None


def test_a_page_that_a_document_does_not_have_is_none(town_assistant: Assistant) -> None:
    assert town_assistant.page_text(WASTE, 2) is None and town_assistant.page_text(WASTE, 0) is None
    assert town_assistant.page_text(WASTE, 1) == (town_assistant.page_text(WASTE, 1, COMMAND_LINE))


def test_filters_hold_for_answers(willing: Assistant) -> None:
    answer = willing.ask("手数料はいくらですか", filters=Filters(department="環境課"))
    assert {citation.source for citation in answer.citations} == {WASTE}


def test_examples_are_questions_of_the_corpus_that_all_staff_may_ask(tmp_path: Path) -> None:
    town = build_town(tmp_path)
    (town.corpus / "税務課/内部の質問.csv").write_text(
        "質問,回答\n滞納者の口座はどう調べますか。,照会します。\n", encoding="utf-8"
    )
    (town.corpus / "metadata.csv").write_text(
        METADATA + "税務課/内部の質問.csv,内部の質問,Q&A,税務課,,,,税務課\n", encoding="utf-8"
    )
    assert sync(town).added == ("税務課/内部の質問.csv",)
    assistant = Assistant.open(town)
    examples = assistant.examples()
    assert "住民票の写しの手数料はいくらですか。" in examples and len(set(examples)) == len(examples) == 4
    assert not any("口座" in example for example in examples)
    assistant.close()


# --- change and load --------------------------------------------------------------------------------------------------


def test_the_bytes_that_an_answer_cited_are_served_as_long_as_their_snapshot_is_kept(tmp_path: Path) -> None:
    town = build_town(tmp_path, snapshots_kept=1)
    assistant = Assistant.open(town)
    question, file = "布団の処理手数料はいくらですか", town.corpus / WASTE
    old = file.read_bytes()
    sha = hashlib.sha256(old).hexdigest()
    assert "300円" in assistant.ask(question).text
    file.write_text(file.read_text(encoding="utf-8").replace("300円", "350円"), encoding="utf-8")
    assert sync(town).changed == (WASTE,)
    assert "350円" in assistant.ask(question).text
    now, then = assistant.original(WASTE), assistant.original(WASTE, sha256=sha)
    assert now is not None and now.path.read_bytes() == file.read_bytes()
    assert then is not None and then.path.read_bytes() == old and then.name == "ごみの出し方.md"
    assert assistant.original(WASTE, sha256="0" * 64) is None and assistant.original(FAQ, sha256=sha) is None
    file.write_text(file.read_text(encoding="utf-8").replace("350円", "380円"), encoding="utf-8")
    sync(town)
    gone = assistant.original(WASTE, sha256=sha)
    assert gone is None, gone
    assistant.close()


def test_eight_threads_get_what_one_gets(town_assistant: Assistant) -> None:
    questions = [*ANSWERABLE, *UNANSWERABLE]
    ask: Callable[[str], Answer] = lambda question: _comparable(town_assistant.ask(question))  # noqa: E731
    alone = [ask(question) for question in questions]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(ask, questions * 4))
    assert together == alone * 4


def test_an_answer_comes_token_by_token_to_whoever_listens(town_assistant: Assistant) -> None:
    heard: list[str] = []
    answer = town_assistant.ask("布団の処理手数料はいくらですか", on_token=heard.append)
    assert "".join(heard) == answer.text


def test_a_heading_that_is_asked_for_is_answered_by_its_whole_list_in_order() -> None:
    """「手順」 names the heading and none of the steps: the steps are the answer all the same, and nothing of the next section."""
    texts = [
        "(2) 手順",
        "① 届を記入させる。",
        "② 本人を確かめる。控えを渡す。",
        "③ 証明書を交付する。",
        "手数料は無料とする。",
    ]
    starts = [sum(len(text) + 1 for text in texts[:i]) for i in range(len(texts))]
    segments = tuple(
        Segment(1, start, start + len(text), Locator(page=1), heading=i == 0)
        for i, (start, text) in enumerate(zip(starts, texts, strict=True))
    )
    chunk = Chunk("0" * 32, "手引.pdf", 0, ChunkKind.TEXT, "\n".join(texts), "窓口の手引", ("2 転出届",), segments)
    passages = [Passage(chunk, Metadata("窓口の手引"), 1.0)]
    query = parse_query("転出届の手順を教えてください")

    units = _score(query, passages)
    chosen = choose_units(units, passages, max_chars=300)

    assert build_extract(chosen, passages).text == "\n".join(texts[:4]) + "[1]"
    assert not is_partial(chosen, units)
    short = choose_units(units, passages, max_chars=30)
    assert build_extract(short, passages).text.startswith("(2) 手順\n① 届を記入させる。")
    assert is_partial(short, units)


def test_what_somebody_wishes_or_worries_about_answers_only_who_asks_for_that(tmp_path: Path) -> None:
    text = """# 消防団の手引

## 町民の声

- 消防団に入りたいが、訓練の回数が分からず不安である。

## 入団

18歳以上の町民は、総務課に申込書を出して、消防団に入ることができる。
"""
    read_indexed(tmp_path, "消防団の手引.md", text.encode())

    joining = ask(tmp_path, "消防団に入りたい").text
    voices = ask(tmp_path, "訓練の回数が分からないという町民の声は、何についてですか").text

    assert "申込書" in joining and "不安" not in joining
    assert "訓練の回数が分からず不安" in voices


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        ("訪問の3日前までにお電話をいただけると助かります。", "訪問を頼むときは何日前までに電話しますか", "3日前"),
        (
            "津波注意報が出たときは、海岸から離れて高台に避難してほしい。",
            "津波注意報が出たときはどこに避難しますか",
            "高台",
        ),
    ],
)
def test_what_the_town_asks_for_is_no_voice(text: str, question: str, answer: str, tmp_path: Path) -> None:
    read_indexed(tmp_path, "手引.md", f"# 手引\n\n## 注意\n\n{text}\n".encode())

    assert answer in ask(tmp_path, question).text
