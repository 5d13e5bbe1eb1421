// What stands in an answer or a list: turning and enlarging pages, narrowing a list, copying an answer.
(() => {
  "use strict";
  const ZOOMS = [1, 1.5, 2, 3];

  const turn = (viewer, step) => {
    const { page, pages, title, place, address } = viewer.dataset;
    if (!address) return;
    const image = viewer.querySelector("img.page");
    viewer.dataset.cited ??= `${page} ${image.getAttribute("src")}`;
    const next = Math.min(Math.max(Number(page) + step, 1), Math.max(Number(pages), 1));
    const [cited, ...source] = viewer.dataset.cited.split(" ");
    viewer.dataset.page = next;
    if (step) {
      image.src = next === Number(cited) ? source.join(" ") : address.replace(place, next);
      image.alt = `${title} PDF ${next}枚目の画像`;
    }
    viewer.querySelector(".page-number").textContent = `PDF ${next}枚目（全 ${pages}枚）`;
    for (const button of viewer.querySelectorAll("[data-turn]")) {
      const beyond = next + Number(button.dataset.turn);
      button.setAttribute("aria-disabled", String(beyond < 1 || beyond > Number(pages)));
    }
  };

  const zoom = (viewer, step) => {
    const level = Number(viewer.dataset.level ?? 0);
    const next = step ? Math.min(Math.max(level + step, 0), ZOOMS.length - 1) : 0;
    viewer.dataset.level = next;
    viewer.querySelector("img.page").style.width = `${ZOOMS[next] * 100}%`;
  };

  const KEYS = { ArrowLeft: [turn, -1], ArrowRight: [turn, 1], "+": [zoom, 1], "-": [zoom, -1], 0: [zoom, 0] };

  const onKeydown = (event) => {
    const paper = event.target instanceof Element ? event.target.closest(".viewer .paper") : null;
    const known = KEYS[event.key];
    if (!paper || !known || event.ctrlKey || event.metaKey || event.altKey) return;
    const viewer = paper.closest(".viewer");
    // An enlarged page is moved by the arrows; then the buttons turn.
    if (known[0] === turn && Number(viewer.dataset.level ?? 0) > 0) return;
    event.preventDefault();
    known[0](viewer, known[1]);
  };

  // Without https the browser gives no clipboard: then the text is copied out of a box.
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const box = document.createElement("textarea");
      box.value = text;
      box.className = "visually-hidden";
      document.body.append(box);
      box.select();
      const done = document.execCommand("copy");
      box.remove();
      return done;
    }
  };

  const onCopy = async (button) => {
    const { copy: text, link } = button.dataset;
    const done = await copy(link ? location.origin + link : text);
    const label = (button.dataset.label ??= button.textContent);
    button.setAttribute("aria-live", "polite");
    button.textContent = done ? "コピーしました" : "コピーできません。文字を選んでコピーしてください";
    button.focus();
    setTimeout(() => (button.textContent = label), 3000);
  };

  const onClick = (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    const viewer = button?.closest(".viewer");
    if (button?.dataset.copy !== undefined || button?.dataset.link) onCopy(button);
    else if (viewer && button.dataset.turn) turn(viewer, Number(button.dataset.turn));
    else if (viewer && button.dataset.zoom) zoom(viewer, Number(button.dataset.zoom));
  };

  const onToggle = (event) => {
    if (event.target instanceof Element && event.target.matches(".viewer[open][data-address]")) turn(event.target, 0);
  };

  // Within one facet any of the ticked values will do; all facets must be met.
  const onTick = (event) => {
    const finder = event.target instanceof Element && event.target.matches("[data-facet]") && event.target.closest(".finder");
    if (!finder) return;
    const wanted = new Map();
    for (const box of finder.querySelectorAll("[data-facet]:checked")) {
      wanted.set(box.dataset.facet, [...(wanted.get(box.dataset.facet) ?? []), box.value]);
    }
    const hits = [...finder.querySelectorAll(".hit")];
    for (const hit of hits) hit.hidden = [...wanted].some(([facet, values]) => !values.includes(hit.dataset[facet]));
    const shown = hits.filter((hit) => !hit.hidden).length;
    finder.querySelector(".hit-count").textContent = wanted.size ? `${hits.length} 件のうち ${shown} 件` : `${shown} 件`;
  };

  document.addEventListener("keydown", onKeydown);
  document.addEventListener("click", onClick);
  document.addEventListener("toggle", onToggle, true);
  document.addEventListener("change", onTick);
})();
