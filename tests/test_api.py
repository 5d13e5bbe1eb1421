"""The API, the page images and the originals: what is served, to whom, and with which headers."""

from __future__ import annotations

import hashlib
import io
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from fake_assistant import (
    CSV_SOURCE,
    EVIL,
    EVIL_SOURCE,
    HTML_SOURCE,
    OLD_SHA256,
    PDF_SOURCE,
    QUOTE,
    SECRET_SOURCE,
    WORD_SOURCE,
    FakeAssistant,
)
from fastapi.testclient import TestClient
from PIL import Image

from rag.answer_json import answer_to_dict, hits_to_dict
from rag.documents import EVERYONE, Filters, Kind
from rag.errors import RagError
from rag.settings import Settings
from rag.web.links import Links, parse_spans
from rag.web.page_images import MAX_WIDTH, PageImageError, PageImages, PageView, render_page
from rag.web.server import build_app, open_listener

Box = tuple[float, float, float, float]


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> FakeAssistant:
    return FakeAssistant(tmp_path_factory.mktemp("originals"))


@pytest.fixture(scope="module")
def client(assistant: FakeAssistant) -> Iterator[TestClient]:
    with TestClient(
        build_app(assistant, Settings(data_dir=assistant.folder / "data")), raise_server_exceptions=False
    ) as client:
        yield client


def test_an_answer_is_the_object_of_the_command_line(client: TestClient, assistant: FakeAssistant) -> None:
    given = client.post("/api/ask", json={"question": "転入の届出はいつまで"}).json()
    link = given.pop("link")

    assert re.fullmatch(r"/answers/[\w-]{22}", link) and QUOTE in client.get(link).text
    assert given == {
        "status": "answered",
        "answer": f"{QUOTE}[1] 存在しない番号は[9]です。",
        "citations": [
            {
                "number": 1,
                "source": PDF_SOURCE,
                "title": "窓口マニュアル",
                "locator": {"page": 2, "label": "12"},
                "quote": QUOTE,
                "verified": True,
            }
        ],
        "warnings": [{"code": "partial", "message": "質問の一部にだけ答えています。"}],
        "follow_ups": ["転入届の費用は？", "記録の取り方は？", "悪意" + EVIL],
        "confidence": 0.83,
        "engine": "extractive",
        "elapsed_ms": 31.4,
    }
    answer = assistant.ask("転入の届出はいつまで")
    assert given == answer_to_dict(replace(answer, follow_ups=assistant.suggest("転入", answer)))


def test_absent_keys_are_left_out_and_the_id_comes_first(assistant: FakeAssistant) -> None:
    answer = answer_to_dict(assistant.ask("粗大ごみ"), id="q1")

    assert list(answer) == ["id", "status", "reason", "nearest", "contact", "confidence", "engine", "elapsed_ms"]
    assert answer["contact"] == {"department": "市民課", "extension": "2110"}
    assert answer["nearest"][0]["locator"] == {"page": 2, "label": "12"}


def test_filters_reach_the_assistant(client: TestClient, assistant: FakeAssistant) -> None:
    filters = {"department": "市民課", "kind": "manual", "year": 2024, "as_of": "2024-04-01"}
    client.post("/api/ask", json={"question": "転入", "filters": filters})

    question, given, asker = assistant.asked[-1]
    assert (question, asker) == ("転入", EVERYONE)
    assert (given.department, given.kind, given.year, str(given.as_of)) == ("市民課", Kind.MANUAL, 2024, "2024-04-01")


def test_search_lists_hits_with_rank_and_place(client: TestClient, assistant: FakeAssistant) -> None:
    response = client.get("/api/search", params={"question": "転入", "limit": 5})

    hit, *_ = response.json()["hits"]
    assert list(hit) == ["rank", "score", "source", "title", "locator", "text"]
    assert (hit["rank"], hit["score"], hit["source"]) == (1, 0.875, PDF_SOURCE)
    assert response.json() == hits_to_dict(assistant.search("転入", Filters(), EVERYONE, 5))
    assert hits_to_dict([], "q1") == {"id": "q1", "hits": []}


def test_earlier_questions_reach_the_assistant_in_their_order(client: TestClient, assistant: FakeAssistant) -> None:
    history = [{"question": "転入の届出はいつまで", "answer": "14日以内です。"}, {"question": "費用は"}]
    assert client.post("/api/ask", json={"question": "その期限は？", "history": history}).status_code == 200
    client.post("/api/ask", json={"question": "転入"})
    assert assistant.histories[-2:] == [[("転入の届出はいつまで", "14日以内です。"), ("費用は", "")], []]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"question": "a", "history": [{"question": " "}]},
        {"question": "a", "history": [{"question": "a"}] * 21},
        {"question": ""},
        {"question": " \n"},
        {"question": "あ" * 2001},
        {"question": "a", "filters": {"kinds": "faq"}},
    ],
)
def test_a_body_that_is_no_question_is_refused(client: TestClient, body: dict[str, Any]) -> None:
    assert client.post("/api/ask", json=body).status_code == 422


def test_our_errors_say_what_to_do_and_others_say_nothing(client: TestClient) -> None:
    known = client.post("/api/ask", json={"question": "故障"})
    unknown = client.post("/api/ask", json={"question": "爆発"})

    assert known.status_code == 503
    assert known.json()["error"]["hint"] == "rag index を実行してください。"
    assert unknown.status_code == 500
    assert "秘密" not in unknown.text


def test_the_page_image_is_marked_where_the_boxes_are(client: TestClient, assistant: FakeAssistant) -> None:
    span = assistant.quote_span()
    image = get_page_image(client, assistant, spans=f"{span.start}-{span.end}")
    boxes = assistant.page_boxes(PDF_SOURCE, 2, [span], EVERYONE)
    assert len(boxes) == 2, "the quotation runs over a line break"

    areas = [to_pixels(box, image.width) for box in boxes]
    marked = yellow_pixels(image)
    outside = [pixel for pixel in marked if not any(holds(area, pixel, margin=4) for area in areas)]
    assert not outside, f"{len(outside)} of {len(marked)} yellow pixels lie outside {areas}, e.g. {outside[:3]}"
    for area in areas:
        size = (area[2] - area[0]) * (area[3] - area[1])
        assert sum(holds(area, pixel, margin=0) for pixel in marked) > 0.5 * size


def test_a_page_without_spans_is_not_marked(client: TestClient, assistant: FakeAssistant) -> None:
    assert not yellow_pixels(get_page_image(client, assistant, spans=""))


def test_the_page_of_an_earlier_version_is_shown_but_not_marked(client: TestClient, assistant: FakeAssistant) -> None:
    span = assistant.quote_span()
    image = get_page_image(client, assistant, sha256=OLD_SHA256, spans=f"{span.start}-{span.end}")
    assert not yellow_pixels(image), "the spans belong to the text of today's version"


def test_a_strip_shows_the_quotation_and_little_else(client: TestClient, assistant: FakeAssistant) -> None:
    span = assistant.quote_span()
    strip = get_page_image(client, assistant, spans=f"{span.start}-{span.end}", strip="1")
    whole = get_page_image(client, assistant, spans=f"{span.start}-{span.end}")

    assert strip.height < whole.height / 3
    assert len(yellow_pixels(strip)) == len(yellow_pixels(whole))


def test_the_width_of_an_image_is_limited(client: TestClient, assistant: FakeAssistant) -> None:
    assert get_page_image(client, assistant, width="99999").width == MAX_WIDTH


def test_boxes_count_from_the_lower_left_of_a_page_as_displayed(assistant: FakeAssistant, tmp_path: Path) -> None:
    original = assistant.original(PDF_SOURCE, EVERYONE)
    assert original
    turned = write_turned(original.path, tmp_path / "turned.pdf")  # displayed 575.28 points wide, 419.53 high

    image = open_image(render_page(turned, PageView(2, ((400, 19.53, 500, 49.53),), width=575)))
    assert image.size == pytest.approx((575, 420), abs=1)
    assert yellow_bounds(image) == pytest.approx((400, 370, 500, 400), abs=4)


def test_the_latest_images_are_kept(assistant: FakeAssistant) -> None:
    original = assistant.original(PDF_SOURCE, EVERYONE)
    assert original
    images = PageImages(capacity=1)
    first = images.render(original.path, "x", PageView(1, width=200))

    assert images.render(Path("gone.pdf"), "x", PageView(1, width=200)) is first
    images.render(original.path, "x", PageView(2, width=200))
    with pytest.raises((PageImageError, FileNotFoundError)):
        images.render(Path("gone.pdf"), "x", PageView(1, width=200))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/pages/{sha}/3.png?source={pdf}", 404),
        ("/api/pages/{sha}/0.png?source={pdf}", 404),
        ("/api/pages/{sha}/2.png?source={pdf}&spans=1-2;drop", 422),
        ("/api/pages/{sha}/1.png?source=%E3%81%AA%E3%81%84.pdf", 404),
        ("/api/pages/{other}/1.png?source={pdf}", 404),
        ("/api/pages/{sha}/1.png", 422),
        ("/originals/{other}/a.pdf?source={pdf}", 404),
        ("/originals/{sha}/a.pdf?source=../../etc/passwd", 404),
        ("/originals/{sha}/..%2F..%2Fetc%2Fpasswd?source=/etc/passwd", 404),
        ("/web/..%2Fserver.py", 404),
        ("/web/server.py", 404),
    ],
)
def test_only_what_the_catalog_knows_is_served(
    client: TestClient, assistant: FakeAssistant, path: str, status: int
) -> None:
    address = path.format(sha=assistant.sha256(PDF_SOURCE), other="0" * 64, pdf=PDF_SOURCE)
    assert client.get(address).status_code == status


def test_what_the_asker_may_not_read_is_not_served(client: TestClient, assistant: FakeAssistant) -> None:
    sha256 = assistant.sha256(SECRET_SOURCE)
    response = client.get(f"/originals/{sha256}/秘密.md", params={"source": SECRET_SOURCE})

    assert response.status_code == 404
    assert Links(assistant, EVERYONE).original(SECRET_SOURCE) is None


def test_a_pdf_opens_in_the_viewer_with_its_own_bytes(client: TestClient, assistant: FakeAssistant) -> None:
    response = get_original(client, assistant, PDF_SOURCE)

    assert response.headers["content-type"] == "application/pdf"
    assert response.headers["content-disposition"].startswith("inline; filename*=utf-8''")
    assert hashlib.sha256(response.content).hexdigest() == assistant.sha256(PDF_SOURCE)


@pytest.mark.parametrize(
    ("source", "content_type", "disposition"),
    [
        (EVIL_SOURCE, "text/plain; charset=utf-8", "inline"),
        (HTML_SOURCE, "text/plain; charset=utf-8", "inline"),
        (CSV_SOURCE, "text/plain; charset=shift_jis", "inline"),
        (WORD_SOURCE, "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "attachment"),
    ],
)
def test_no_original_can_run_scripts(
    client: TestClient, assistant: FakeAssistant, source: str, content_type: str, disposition: str
) -> None:
    response = get_original(client, assistant, source)

    assert response.status_code == 200
    assert response.headers["content-type"] == content_type
    assert response.headers["content-disposition"].partition(";")[0] == disposition
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in response.headers["content-security-policy"]
    assert not set('<>"{} ') & set(response.headers["content-disposition"].partition("filename*=")[2])


@pytest.mark.parametrize("path", ["/", "/health", "/web/page.js", "/nowhere", "/api/search"])
def test_every_response_carries_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers

    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert "http" not in headers["content-security-policy"]
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


@pytest.mark.parametrize(
    "path",
    [
        "/docs",
        "/openapi.json",
        "/gradio_api/openapi.json",
        "/gradio_api/upload",
        "/gradio_api/file=/etc/hostname",
        "/gradio_api/proxy=http://evil.example/",
        "/gradio_api/runs",
        "/gradio_api/vibe-code",
        "/gradio_api/deep_link",
        "/gradio_api/run/predict",
        "/gradio_api/call/ask",
        "/monitoring",
        "/login",
    ],
)
def test_what_the_page_does_not_need_is_closed(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 404


def test_building_and_starting_the_server_connects_to_nobody(
    assistant: FakeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: calls.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: calls.append(arguments) or [])
    with TestClient(build_app(assistant, Settings(data_dir=assistant.folder / "data"))) as client:
        assert client.get("/").status_code == 200

    assert calls == []


def test_a_taken_address_is_an_error_with_a_remedy() -> None:
    with open_listener("127.0.0.1", 0) as listener, pytest.raises(RagError) as caught:
        open_listener("127.0.0.1", listener.getsockname()[1])

    assert "RAG_PORT" in caught.value.hint


@pytest.mark.parametrize("text", ["1", "1-", "-1-2", "1-2,", "a-b", "1-2 "])
def test_spans_that_are_written_wrongly_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_spans(text)


def get_page_image(
    client: TestClient, assistant: FakeAssistant, *, sha256: str | None = None, **query: str
) -> Image.Image:
    """Return page 2 of the PDF as the server draws it."""
    address = f"/api/pages/{sha256 or assistant.sha256(PDF_SOURCE)}/2.png"
    response = client.get(address, params={"source": PDF_SOURCE, **query})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "image/png"
    assert response.content.startswith(b"\x89PNG\r\n")
    return open_image(response.content)


def get_original(client: TestClient, assistant: FakeAssistant, source: str) -> Any:
    """Return the response to the address that the page would link to."""
    address = Links(assistant, EVERYONE).original(source)
    assert address
    return client.get(address)


def open_image(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGB")


def yellow_pixels(image: Image.Image) -> list[tuple[int, int]]:
    data = image.tobytes()
    pixels = (tuple(data[i : i + 3]) for i in range(0, len(data), 3))
    return [divmod(i, image.width)[::-1] for i, (r, g, b) in enumerate(pixels) if r > 200 and g > 180 and b < 130]


def yellow_bounds(image: Image.Image) -> tuple[int, int, int, int]:
    xs, ys = zip(*yellow_pixels(image), strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def to_pixels(box: Box, width: int) -> Box:
    """Return a box of an A5 page (419.5 by 595.3 points) in pixels from the top left."""
    scale = width / 419.53
    left, bottom, right, top = box
    return left * scale, (595.28 - top) * scale, right * scale, (595.28 - bottom) * scale


def holds(area: Box, pixel: tuple[int, int], *, margin: float) -> bool:
    return area[0] - margin <= pixel[0] <= area[2] + margin and area[1] - margin <= pixel[1] <= area[3] + margin


def write_turned(path: Path, target: Path) -> Path:
    """Write the PDF with its second page turned by 90 degrees and 20 points cut off its top."""
    with pypdfium2.PdfDocument(path) as document:
        page = document[1]
        page.set_cropbox(0, 0, 419.53, 595.28 - 20)
        page.set_rotation(90)
        page.close()
        document.save(target)
    return target
