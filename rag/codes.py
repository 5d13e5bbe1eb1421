"""Names of forms, articles and numbers that are looked for as a whole: 様式第3号の2, 第12条の3, A-12, 0120-123-456."""

from __future__ import annotations

import re
from collections.abc import Iterator

# 様式第3号の2部: two copies of a form, not the second form of that number.
_COUNTED = r"(?![0-9]*(?:部|通|枚|冊|人|名|年|月|日|週|回|つ|種|号|円|箇|分|割|倍|階|件|点))"
_SUB = rf"(?P<sub>(?:[の\-]{_COUNTED}[0-9]+)*)"
_KINDS = r"(?P<kind>様式|別表|別紙|別図|別添|付表)"
_FORM = re.compile(rf"{_KINDS}\s?第?\s?(?P<number>[0-9]+)\s?(?:号|表)?{_SUB}")
_FORM_BEHIND = re.compile(rf"第\s?(?P<number>[0-9]+)\s?号{_SUB}\s?{_KINDS}")
_ARTICLE = re.compile(rf"(?<![0-9])(?P<number>[0-9]+)\s?(?P<kind>条){_SUB}")
_LETTERS = re.compile(r"(?<![a-z0-9\-])[a-z]{1,4}-?[0-9]{1,6}(?:-[a-z0-9]{1,6})*(?![a-z0-9])")
_NUMBERS = re.compile(r"(?<![a-z0-9\-])[0-9]{1,6}(?:-[0-9]{1,6}){2,3}(?![a-z0-9\-])")
_MAY_HOLD = re.compile(r"様式|別[表紙図添]|付表|条|[a-z]-?[0-9]|[0-9]-[0-9]+-")


def find_codes(text: str) -> Iterator[str]:
    """Yield each code as one word, however it is written; text is in NFKC, lower case, with digits and one kind of hyphen.

    >>> list(find_codes("別記様式第3号の2、第3号の2様式、様式3号、第12条の3第2項、a-12、0120-123-456"))
    ['様式3の2', '様式3', '様式3の2', '12条の3', 'a12', '0120-123-456']
    >>> list(find_codes("様式第3号の2部、条例、10-12、条件"))
    ['様式3']
    """
    if not _MAY_HOLD.search(text):
        return
    for pattern in (_FORM, _FORM_BEHIND):
        for match in pattern.finditer(text):
            yield f"{match['kind']}{int(match['number'])}{match['sub'].replace('-', 'の')}"
    for match in _ARTICLE.finditer(text):
        yield f"{int(match['number'])}条{match['sub'].replace('-', 'の')}"
    for match in _LETTERS.finditer(text):
        yield re.sub(r"(?<=[a-z])-(?=[0-9])", "", match[0], count=1)
    yield from _NUMBERS.findall(text)
