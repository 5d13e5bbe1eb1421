"""What every view of the page owes to whoever reads it: nothing that axe-core calls serious, nothing cut, nothing out of reach."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

ZOOMED: dict[str, Any] = {"viewport": {"width": 640, "height": 450}, "device_scale_factor": 2}
"""A window of 1280 × 900 at 200 %, as a browser lays it out."""
_TARGETS = "a[href], button, select, summary, textarea, input:not([type=hidden], [type=file], [tabindex='-1'])"
_FIND_CUT = """() => {
    const wide = document.documentElement.clientWidth, cut = [];
    const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (words.nextNode()) {
        const holder = words.currentNode.parentElement;
        if (!words.currentNode.data.trim() || !holder.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
        const range = document.createRange();
        range.selectNodeContents(words.currentNode);
        const boxes = [...range.getClientRects()];
        let left = 0, right = wide, top = -Infinity, bottom = Infinity, isHidden = false, rolls = false, turns = false;
        for (let at = holder; at; at = at.parentElement) {
            const style = getComputedStyle(at), box = at.getBoundingClientRect();
            isHidden ||= style.clipPath !== "none";
            if (at === document.body || at === document.documentElement) break;
            if (!turns && /auto|scroll/.test(style.overflowX)) [turns, left, right] = [true, -Infinity, Infinity];
            rolls ||= /auto|scroll/.test(style.overflowY);
            if (!turns && /hidden|clip/.test(style.overflowX)) [left, right] = [Math.max(left, box.left), Math.min(right, box.right)];
            if (!rolls && /hidden|clip/.test(style.overflowY)) [top, bottom] = [Math.max(top, box.top), Math.min(bottom, box.bottom)];
        }
        const isCut = (b) => b.left < left - 1 || b.right > right + 1 || b.top < top - 4 || b.bottom > bottom + 4;
        if (!isHidden && boxes.some(isCut)) cut.push(words.currentNode.data.trim().slice(0, 40));
    }
    return cut;
}"""
_FIND_OUT_OF_REACH = """targets => {
    const lost = [];
    for (const target of document.querySelectorAll(targets)) {
        if (!target.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
        const pressed = target.matches("[type=checkbox], [type=radio]") ? (target.closest("label") ?? target) : target;
        pressed.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
        const box = pressed.getClientRects()[0];
        if (!box) continue;
        const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
        const hit = document.elementFromPoint(x, y);
        const isHit = hit && (pressed.contains(hit) || hit.closest("label")?.control === target);
        const isInline = getComputedStyle(target).display === "inline" || target.matches("a.mark");
        if (!isHit || (!isInline && (box.height < 24 || box.width < 24)))
            lost.push([target.outerHTML.slice(0, 120), Math.round(box.width), Math.round(box.height)]);
    }
    return lost;
}"""


def find_serious(page: Any, part: str = "html") -> list[tuple[str, str]]:
    """Return what axe-core calls serious or critical in a part of the page: the rule, and the first element that breaks it."""
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("part => axe.run(part)", part)["violations"]
    return [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in ("serious", "critical")]


def find_serious_in_both_themes(page: Any, part: str = "html") -> dict[str, list[tuple[str, str]]]:
    """Return what `find_serious` finds on the light page and on the dark one."""
    found = {}
    for theme in ("light", "dark"):
        page.evaluate("theme => (document.documentElement.dataset.theme = theme)", theme)
        page.evaluate("document.getAnimations().forEach(each => each instanceof CSSTransition && each.finish())")
        found[theme] = find_serious(page, part)
    return found


def check_reflow(page: Any) -> None:
    """Fail where the page scrolls sideways, a text is cut, or something to press is covered or smaller than 24 px (WCAG 2.2)."""
    wide, narrow = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= narrow
    assert page.evaluate(_FIND_CUT) == []
    assert page.evaluate(_FIND_OUT_OF_REACH, _TARGETS) == []
