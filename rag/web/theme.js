// Light or dark: as the desktop is, until somebody chooses. Loaded before the page is drawn, so that nothing flashes.
(() => {
  "use strict";
  const KEY = "shirube-theme";
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const read = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage may be forbidden
    }
  };
  const show = () => {
    const theme = read() ?? (dark.matches ? "dark" : "light");
    document.documentElement.dataset.theme = theme;
    document.querySelector("#theme")?.setAttribute("aria-pressed", String(theme === "dark"));
  };

  const onClick = (event) => {
    if (!(event.target instanceof Element) || !event.target.closest("#theme")) return;
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem(KEY, next);
      show();
    } catch {
      document.documentElement.dataset.theme = next;
    }
  };

  show();
  dark.addEventListener("change", show);
  document.addEventListener("click", onClick);
  window.showTheme = show;
})();
