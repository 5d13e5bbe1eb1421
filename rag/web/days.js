// A day is written, or taken from the browser's own calendar; what is taken stands in the field as town halls write it.
(() => {
  "use strict";
  const WRITTEN = new Intl.DateTimeFormat("ja-JP-u-ca-japanese", { era: "long", year: "numeric", month: "long", day: "numeric", timeZone: "UTC" });

  const onClick = (event) => {
    const button = event.target instanceof Element ? event.target.closest(".day button.calendar") : null;
    button?.parentElement.querySelector("[type=date]").showPicker();
  };

  const onChange = (event) => {
    const calendar = event.target;
    if (!(calendar instanceof HTMLInputElement) || !calendar.matches(".day [type=date]") || !calendar.value) return;
    const field = calendar.closest(".day").querySelector("input:not([type=date]), textarea");
    field.value = WRITTEN.format(calendar.valueAsDate);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
    calendar.value = "";
  };

  document.addEventListener("click", onClick);
  document.addEventListener("change", onChange);
})();
