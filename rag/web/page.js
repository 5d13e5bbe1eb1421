// The page's own script: keys of the question box, marks that lead to their card, new answers, the language.
(() => {
  "use strict";
  const inQuestion = (target) => target instanceof HTMLTextAreaElement && target.closest("#question, #wanted") !== null;

  // Gradio draws the boxes a moment before it listens to them: what is sent in between waits for `pageReady`, which Gradio calls
  // when it listens. Should that call be lost or late, it is tried after LATEST_MS all the same, and once more if the call comes.
  const LATEST_MS = 10_000;
  const BOXES = { "#send": "#question textarea", "#find": "#wanted textarea" };
  let waiting = null;
  let isDrawn = false;
  const isReady = () => "ready" in document.documentElement.dataset;
  const click = (button) => {
    if (button && document.querySelector(BOXES[button])?.value) document.querySelector(button)?.click();
  };
  const press = (button) => {
    waiting = isReady() ? null : button;
    if (isReady()) document.querySelector(button)?.click();
  };
  window.pageReady = () => {
    document.documentElement.dataset.ready = "";
    const button = waiting;
    waiting = null;
    click(button);
  };
  const onDrawn = () => {
    isDrawn = true;
    setTimeout(() => {
      if (isReady()) return;
      document.documentElement.dataset.ready = "";
      click(waiting);
    }, LATEST_MS);
  };

  // Gradio knows nothing of input methods, and in a box of several lines it sends on Shift+Enter (at keypress), not on Enter.
  // keyCode 229 is how Safari tells a key that ended a conversion.
  const onKeydown = (event) => {
    if (event.key !== "Enter" && event.keyCode !== 13 && event.keyCode !== 229) return;
    if (!inQuestion(event.target)) return;
    event.stopImmediatePropagation();
    if (event.isComposing || event.keyCode === 229 || event.shiftKey) return;
    event.preventDefault();
    press(event.target.closest("#question") ? "#send" : "#find");
  };

  const onKeypress = (event) => {
    if (event.key === "Enter" && inQuestion(event.target)) event.stopImmediatePropagation();
  };

  const onEarlyClick = (event) => {
    const button = event.target instanceof Element ? event.target.closest("#send, #find") : null;
    if (!button || isReady()) return;
    event.stopImmediatePropagation();
    waiting = `#${button.id}`;
  };

  const onClick = (event) => {
    const mark = event.target instanceof Element ? event.target.closest("a.mark") : null;
    if (!mark) return;
    const card = document.getElementById(mark.getAttribute("href").slice(1));
    if (!card) return;
    event.preventDefault();
    card.scrollIntoView({ block: "start", behavior: "smooth" });
    card.focus({ preventScroll: true });
  };

  // A new answer is announced, and brought into view where it would stand below the screen.
  const shown = new Map();
  const announce = (box) => {
    const result = box.querySelector(".result, .notice-box");
    if (!result || result === shown.get(box)) return;
    shown.set(box, result);
    box.setAttribute("aria-live", "polite");
    if (result.getBoundingClientRect().top > window.innerHeight * 0.6) box.scrollIntoView({ behavior: "smooth" });
  };

  const onChange = () => {
    const button = document.querySelector("#theme:not([data-ready])");
    if (button) {
      button.dataset.ready = "";
      window.showTheme();
    }
    if (!isDrawn && document.querySelector("#send")) onDrawn();
    document.querySelectorAll("#answer, #hits").forEach(announce);
  };

  // The page that a Word file or a slide is printed on comes with its image; a page that cannot be drawn is not shown at all.
  const onLoad = async (event) => {
    const image = event.target;
    if (!(image instanceof HTMLImageElement) || !image.matches("img.page[data-printed]")) return;
    const response = await fetch(image.src, { cache: "force-cache" });
    const page = response.headers.get("X-Printed-Page");
    if (page) image.alt = image.alt.replace("変換した PDF の", `変換した PDF の ${page}枚目の`);
    image.removeAttribute("data-printed");
  };

  const onError = (event) => {
    const image = event.target;
    if (!(image instanceof HTMLImageElement) || !image.matches("img.page")) return;
    for (const part of image.closest(".card")?.querySelectorAll("img.page, details") ?? []) part.hidden = true;
  };

  // The record of the conversation comes as base64 and is handed to the browser: no file of it lies on the server.
  window.saveRecord = (record) => {
    if (!record) return;
    const { name, type, data } = JSON.parse(record);
    const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([bytes], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };

  // A session that has ended leads to the sign-in page instead of an answer that never comes.
  const fetchHere = window.fetch;
  window.fetch = async (...given) => {
    const response = await fetchHere(...given);
    if (response.status === 401) location.assign("/sign-in");
    return response;
  };

  document.documentElement.lang = "ja";
  new MutationObserver(onChange).observe(document.body, { childList: true, subtree: true });
  document.addEventListener("keydown", onKeydown, true);
  document.addEventListener("keypress", onKeypress, true);
  document.addEventListener("click", onEarlyClick, true);
  document.addEventListener("click", onClick);
  document.addEventListener("load", onLoad, true);
  document.addEventListener("error", onError, true);
})();
