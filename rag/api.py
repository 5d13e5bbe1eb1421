"""The JSON API, the page images and the originals: routes of our own beside the page.

Every route asks `find_asker` who is asking, and knows only the sources that the assistant gives to that asker; where a role is
needed it asks `find_user(request, Role.ADMIN)`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from rag.accounts.visits import find_gate, find_user
from rag.answer_json import answer_to_dict, hits_to_dict
from rag.assistant import MAX_QUESTION_CHARS
from rag.documents import Asker, Filters, Kind, Span
from rag.errors import IndexError_, NotAllowedError, RagError
from rag.web.desk import Desk, thank
from rag.web.entrance import render_account_error
from rag.web.links import parse_spans
from rag.web.page_images import DEFAULT_WIDTH, Box, PageImageError, PageImages, PageView

if TYPE_CHECKING:
    from rag.assistant import Assistant, OriginalFile, PrintedPage

__all__ = ["build_router", "find_asker", "find_user", "render_rag_error", "send_original"]
MAX_HITS = 100
MAX_TURNS = 20
PDF = "application/pdf"
ORIGINAL_POLICY = "default-src 'none'; sandbox"
PDF_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; object-src 'self'; frame-ancestors 'none'"
"""A sandbox would keep the browser's own PDF viewer from opening; a PDF viewer runs no script of ours."""


def find_asker(connection: object) -> Asker:
    """Return who is asking: what the user behind a connection, or behind a Gradio request, may read. Raises NotSignedInError."""
    return find_user(connection).asker


class FilterBody(BaseModel):
    """What a question is limited to."""

    model_config = ConfigDict(extra="forbid")
    department: str | None = None
    kind: Kind | None = None
    year: int | None = None
    as_of: date | None = None

    def to_filters(self) -> Filters:
        """Return the noun."""
        return Filters(**self.model_dump())


class TurnBody(BaseModel):
    """An earlier question and its answer."""

    model_config = ConfigDict(extra="forbid")
    question: Annotated[str, Field(min_length=1, max_length=MAX_QUESTION_CHARS, pattern=r"\S")]
    answer: str = ""


class AskBody(BaseModel):
    """A question. history: what was asked and answered before, oldest first."""

    model_config = ConfigDict(extra="forbid")
    question: Annotated[str, Field(min_length=1, max_length=MAX_QUESTION_CHARS, pattern=r"\S")]
    filters: FilterBody = FilterBody()
    history: Annotated[list[TurnBody], Field(max_length=MAX_TURNS)] = []


class SearchQuery(FilterBody):
    """A search."""

    question: Annotated[str, Field(min_length=1, max_length=MAX_QUESTION_CHARS, pattern=r"\S")]
    limit: Annotated[int, Field(ge=1, le=MAX_HITS)] = 10

    def to_filters(self) -> Filters:
        """Return the noun."""
        return Filters(**self.model_dump(exclude={"question", "limit"}))


def build_router(desk: Desk) -> APIRouter:
    """Return our routes over one desk and its assistant."""
    router = APIRouter()
    _add_questions(router, desk)
    _add_files(router, desk.assistant)
    return router


def _add_questions(router: APIRouter, desk: Desk) -> None:
    assistant = desk.assistant

    @router.get("/health")
    def health(request: Request) -> dict[str, Any]:
        user = find_gate(request).identify(request)  # whether the server is alive is no secret
        return {"status": "ok"} | ({"documents": len(assistant.documents(user.asker))} if user else {})

    @router.get("/api/me")
    def me(request: Request) -> dict[str, Any]:
        return find_user(request).as_dict()

    @router.post("/api/ask")
    def ask(body: AskBody, request: Request) -> dict[str, Any]:
        user = find_user(request)
        history = [(turn.question, turn.answer) for turn in body.history]
        if thanks := thank(body.question, history):
            return answer_to_dict(thanks)
        filters = body.filters.to_filters()
        answer = desk.answer(body.question, history, filters, user.asker)
        follow_ups = desk.suggest(body.question, answer, history, filters, user.asker)
        named = not find_gate(request).is_open
        id_ = desk.remember(body.question, answer, user, None, named=named)
        link = {"link": f"/answers/{id_}"} if id_ else {}
        return answer_to_dict(replace(answer, follow_ups=follow_ups)) | link

    @router.get("/api/search")
    def search(query: Annotated[SearchQuery, Query()], request: Request) -> dict[str, Any]:
        asker = find_asker(request)
        passages = assistant.search(query.question, filters=query.to_filters(), asker=asker, limit=query.limit)
        return hits_to_dict(passages)


def _add_files(router: APIRouter, assistant: Assistant) -> None:
    images = PageImages()

    @router.get("/api/pages/{sha256}/{page}.png")
    def page_image(
        sha256: str,
        page: int,
        source: str,
        request: Request,
        spans: str = "",
        width: int = DEFAULT_WIDTH,
        strip: bool = False,
    ) -> Response:
        asker = find_asker(request)
        original = _find_original(assistant, source, sha256, asker)
        wanted = _read_spans(assistant, original, source, spans, asker)
        headers = {"Cache-Control": "private, max-age=3600"}
        path = original.path
        if original.media_type == PDF:
            boxes: tuple[Box, ...] = tuple(assistant.page_boxes(source, page, wanted, asker)) if wanted else ()
        else:
            printed = _find_printed(assistant, source, page, wanted, asker)
            path, page, boxes = printed.path, printed.page, tuple(printed.boxes)
            headers["X-Printed-Page"] = str(page)
        image = images.render(path, sha256, PageView(page, boxes, width, strip))
        return Response(image, media_type="image/png", headers=headers)

    @router.get("/originals/{sha256}/{name}")
    def original_file(sha256: str, name: str, request: Request, source: str) -> Response:
        return send_original(_find_original(assistant, source, sha256, find_asker(request)))


def _find_original(assistant: Assistant, source: str, sha256: str, asker: Asker) -> OriginalFile:
    original = assistant.original(source, asker, sha256)
    if original is None or not original.path.is_file():
        raise HTTPException(404)
    return original


def _read_spans(
    assistant: Assistant, original: OriginalFile, source: str, spans: str, asker: Asker
) -> tuple[Span, ...]:
    """Return what to mark; nothing where the file has been indexed anew since, as the spans belong to another text."""
    try:
        wanted = parse_spans(spans)
    except ValueError as error:
        raise HTTPException(422) from error
    current = assistant.original(source, asker)
    return wanted if current is not None and current.path == original.path else ()


def _find_printed(assistant: Assistant, source: str, page: int, spans: tuple[Span, ...], asker: Asker) -> PrintedPage:
    """Return the page of an Office document as it is printed; nobody has seen it before the quotation is found on it."""
    printed = assistant.printed_page(source, page, spans, asker) if spans else None
    if printed is None:
        raise HTTPException(404)
    return printed


def send_original(original: OriginalFile) -> FileResponse:
    """Return a file so that nothing in it can act in our name: PDF in the viewer, text as plain text, the rest as a download."""
    text = original.media_type.startswith("text/")
    inline = text or original.media_type == PDF
    return FileResponse(
        original.path,
        media_type=f"text/plain; charset={_text_encoding(original)}" if text else original.media_type,
        filename=original.name,
        content_disposition_type="inline" if inline else "attachment",
        headers={"Content-Security-Policy": PDF_POLICY if original.media_type == PDF else ORIGINAL_POLICY},
    )


def _text_encoding(original: OriginalFile) -> str:
    """Return the encoding that the browser is told; municipal CSV files are often in Shift_JIS."""
    try:
        original.path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return "shift_jis"
    return "utf-8"


def render_rag_error(request: Request, error: Exception) -> JSONResponse:
    """Return an error of ours as JSON: what happened and what to do; 401 and 403 for who may not, 503 without a usable index."""
    assert isinstance(error, RagError)
    if isinstance(error, NotAllowedError):
        return render_account_error(error)
    status = 503 if isinstance(error, IndexError_) else 404 if isinstance(error, PageImageError) else 400
    return JSONResponse({"error": {"message": error.message, "hint": error.hint}}, status_code=status)
