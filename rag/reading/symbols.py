"""Characters of symbol fonts (Wingdings, Symbol), which are private codes outside their font -> the characters people see."""

from __future__ import annotations

_WINGDINGS = {
    0x28: "☎", 0x2A: "✉", 0x3F: "✍", 0x46: "☞", 0x6C: "●", 0x6D: "○", 0x6E: "■", 0x6F: "□", 0x70: "□", 0x71: "□", 0x72: "□",
    0x73: "◆", 0x74: "◆", 0x75: "◆", 0x76: "❖", 0x77: "◆", 0x9F: "・", 0xA1: "○", 0xA3: "○", 0xA7: "▪", 0xA8: "□", 0xAB: "★",
    0xB2: "☆", 0xD8: "➢", 0xE8: "→", 0xF0: "⇨", 0xFB: "×", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑",
    **{0x81 + i: chr(ord("①") + i) for i in range(10)}, **{0x8C + i: chr(ord("❶") + i) for i in range(10)},
}  # fmt: skip
_SYMBOL = {0xB7: "・", 0xB0: "°", 0xB1: "±", 0xB4: "×", 0xB8: "÷", 0xA3: "≦", 0xB3: "≧", 0xAE: "→", 0xA8: "♦"}
_FONTS = {"wingdings": _WINGDINGS, "symbol": _SYMBOL}
UNKNOWN = "・"
"""Stands for a mark that nobody can name, in front of an item."""


def show_symbol(character: str, font: str | None) -> str:
    """Return what a character of a font looks like; the character itself in an ordinary font.

    Symbol fonts are addressed by their byte, or by that byte in the private use area (U+F000 to U+F0FF).

    >>> show_symbol("\\uf06e", "Wingdings"), show_symbol("l", "Wingdings"), show_symbol("l", "ＭＳ 明朝"), show_symbol("\\uf0b7", None)
    ('■', '●', 'l', '・')
    """
    table = _FONTS.get((font or "").lower())
    code = ord(character) & 0xFF
    is_private = 0xF000 <= ord(character) <= 0xF0FF
    if table is not None and (is_private or ord(character) < 0x100):
        return table.get(code, character)
    return (_SYMBOL.get(code) or _WINGDINGS.get(code) or character) if is_private and not font else character


def show_bullet(text: str, font: str | None) -> str:
    """Return the mark in front of an item as people see it; one that cannot be named becomes ・.

    >>> show_bullet("\\uf0a7", "Wingdings"), show_bullet("\\uf0ff", "Webdings"), show_bullet("•", None), show_bullet("o", "Courier New")
    ('▪', '・', '・', '○')
    """
    shown = "".join(show_symbol(character, font) for character in text.strip())
    shown = {"•": "・", "·": "・", "o": "○", "–": "・", "": ""}.get(shown, shown)
    return UNKNOWN if any("\ue000" <= character <= "\uf8ff" for character in shown) else shown
