// Questions that wait behind buttons: a press brings one into the question box and asks it; one with blanks waits to be filled in.
(() => {
  "use strict";

  const fill = (box, text) => {
    box.value = text;
    box.dispatchEvent(new Event("input", { bubbles: true }));
  };

  // The box may be on a tab that was never shown.
  const findBox = async () => {
    for (let tries = 0; tries < 40; tries++) {
      const box = document.querySelector("#question textarea");
      if (box?.checkVisibility()) return box;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return null;
  };

  const onClick = async (event) => {
    const button = event.target instanceof Element ? event.target.closest("button[data-ask]") : null;
    if (!button) return;
    const { ask, blanks } = button.dataset;
    document.querySelector("#tab-ask-button[aria-selected='false']")?.click();
    const box = await findBox();
    if (!box) return;
    fill(box, ask);
    box.focus();
    const blank = blanks === undefined ? null : /〔[^〕]*〕/.exec(ask);
    if (blank) box.setSelectionRange(blank.index, blank.index + blank[0].length);
    else setTimeout(() => document.querySelector("#send")?.click(), 0);
  };

  // The list shows what holds the words that are typed above it.
  const onInput = (event) => {
    const box = event.target;
    if (!(box instanceof HTMLInputElement) || box.id !== "find-example") return;
    const words = box.value.normalize("NFKC").toLowerCase().split(/\s+/).filter(Boolean);
    for (const group of document.querySelectorAll("#registry .category")) {
      let shown = 0;
      for (const item of group.querySelectorAll("li")) {
        const text = `${group.dataset.name} ${item.textContent}`.normalize("NFKC").toLowerCase();
        item.hidden = !words.every((word) => text.includes(word));
        shown += item.hidden ? 0 : 1;
      }
      group.hidden = shown === 0;
    }
  };

  // A file goes to the server as base64 inside the call of its button: "" for none, "too-large" above the limit.
  window.readFile = async (selector, most) => {
    const input = document.querySelector(selector);
    const file = input?.files?.[0];
    if (!file) return "";
    if (file.size > most) return "too-large";
    const bytes = new Uint8Array(await file.arrayBuffer());
    let text = "";
    for (let start = 0; start < bytes.length; start += 32_768) text += String.fromCharCode(...bytes.subarray(start, start + 32_768));
    input.value = "";
    return btoa(text);
  };

  document.addEventListener("click", onClick);
  document.addEventListener("input", onInput);
})();
