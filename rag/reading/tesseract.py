"""The OCR program tesseract, where it is installed: an image in, characters with their boxes and confidence out."""

from __future__ import annotations

import functools
import html
import io
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from rag.reading.deadline import pause

if TYPE_CHECKING:
    from PIL.Image import Image

PACKAGES = "tesseract-ocr、tesseract-ocr-jpn、tesseract-ocr-jpn-vert"
HORIZONTAL, VERTICAL = "jpn", "jpn_vert"
_TOKEN = re.compile(
    r"<span class='(?P<kind>ocr_line|ocr_header|ocr_caption|ocr_textfloat|ocrx_word)'[^>]*?"
    r"bbox (?P<word>\d+ \d+ \d+ \d+)[^>]*?(?:x_wconf (?P<confidence>\d+))?['\"]>"
    r"|<span class='ocrx_cinfo' title='x_bboxes (?P<box>\d+ \d+ \d+ \d+);[^>]*>(?P<text>.*?)</span>"
)
_ROTATE = re.compile(r"Rotate: (\d+)[\s\S]*?Orientation confidence: ([\d.]+)")
_MIN_ORIENTATION_CONFIDENCE = 1.0


class OcrCharacter(NamedTuple):
    """A recognised character, its box in pixels from the upper left, its confidence between 0 and 1, and the number of its line."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    confidence: float
    line: int


class OcrError(Exception):
    """Tesseract failed or took too long."""


@dataclass(frozen=True, slots=True)
class Tesseract:
    """An installed tesseract. vertical: whether it can read text written downwards; orientation: whether it finds how a page lies."""

    program: str
    vertical: bool
    orientation: bool

    def read(self, image: Image, *, dpi: int, language: str, seconds: float) -> list[OcrCharacter]:
        """Return the characters of an image in tesseract's order. Raises OcrError."""
        mode = "5" if language == VERTICAL else "3"
        options = ("-l", language, "--psm", mode, "--dpi", str(dpi), "-c", "hocr_char_boxes=1", "hocr")
        return list(_parse(self._run(image, options, seconds).decode("utf-8", "replace")))

    def find_turn(self, image: Image, *, dpi: int, seconds: float) -> int:
        """Return how many quarter turns counterclockwise set the image upright; 0 where nobody can say. Raises OcrError."""
        if not self.orientation:
            return 0
        try:
            found = _ROTATE.search(
                self._run(image, ("-l", "osd", "--psm", "0", "--dpi", str(dpi)), seconds).decode("utf-8", "replace")
            )
        except OcrError:  # "Too few characters": a page with hardly any text
            return 0
        if not found or float(found[2]) < _MIN_ORIENTATION_CONFIDENCE:
            return 0
        return -int(found[1]) // 90 % 4

    def _run(self, image: Image, options: tuple[str, ...], seconds: float) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, "PNG", compress_level=1)
        environment = os.environ | {
            "OMP_THREAD_LIMIT": "1"
        }  # workers read files side by side; threads only slow each other
        try:
            with pause():
                done = subprocess.run(
                    [self.program, "stdin", "stdout", *options],
                    input=buffer.getvalue(),
                    capture_output=True,
                    timeout=seconds,
                    env=environment,
                    check=True,
                )
        except subprocess.TimeoutExpired as error:
            raise OcrError(f"{seconds:.0f} 秒以内に終わりませんでした") from error
        except (subprocess.CalledProcessError, OSError) as error:
            raise OcrError(str(error)) from error
        return done.stdout


@functools.cache
def find_tesseract() -> Tesseract | None:
    """Return the installed tesseract that reads Japanese, None where there is none."""
    program = shutil.which("tesseract")
    if program is None:
        return None
    try:
        listed = subprocess.run([program, "--list-langs"], capture_output=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    languages = set(listed.stdout.decode("utf-8", "replace").split())
    return Tesseract(program, VERTICAL in languages, "osd" in languages) if HORIZONTAL in languages else None


def _parse(hocr: str) -> Iterator[OcrCharacter]:
    """Yield the characters of tesseract's hOCR; the confidence is that of the word that each is in."""
    line, confidence = -1, 0.0
    word: tuple[float, ...] = ()
    found: list[tuple[str, tuple[float, ...]]] = []
    for token in _TOKEN.finditer(hocr):
        if token["kind"]:
            yield from _place_word(found, word, confidence, line)
            found = []
            word = tuple(float(value) for value in token["word"].split())
            line += token["kind"] != "ocrx_word"
            confidence = int(token["confidence"] or 0) / 100
        elif text := html.unescape(re.sub(r"<[^>]+>", "", token["text"])).strip():
            found.append((text, tuple(float(value) for value in token["box"].split())))
    yield from _place_word(found, word, confidence, line)


def _place_word(
    found: Sequence[tuple[str, tuple[float, ...]]], word: tuple[float, ...], confidence: float, line: int
) -> Iterator[OcrCharacter]:
    """Yield the characters of a word; in text written downwards tesseract gives them no boxes: they share that of the word."""
    has_boxes = all(right > left and bottom > top for _, (left, top, right, bottom) in found)
    for index, (text, box) in enumerate(found):
        if not has_boxes:
            step = (word[3] - word[1]) / len(found)
            box = (word[0], word[1] + index * step, word[2], word[1] + (index + 1) * step)
        left, top, right, bottom = box
        yield OcrCharacter(text, left, top, right, bottom, confidence, line)
