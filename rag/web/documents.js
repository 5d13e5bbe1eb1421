// The tab 「文書の管理」: sections are read from their routes, forms and buttons are sent to theirs, files are sent one by one.
(() => {
  "use strict";
  const FAILED = { message: "サーバーから返事がありません。", hint: "ネットワークを確かめて、もう一度操作してください。" };
  const TOO_MANY = 10_000;
  const library = () => document.querySelector("#library");
  const part = (name) => library()?.querySelector(`.loaded[data-section="${name}"]`);

  // --- what came of it ---------------------------------------------------------------------------------------------

  const renderError = ({ message, hint }) => {
    const box = document.createElement("div");
    box.className = "notice-box error";
    box.setAttribute("role", "alert");
    for (const words of [message, `対処: ${hint}`]) box.appendChild(document.createElement("p")).textContent = words;
    return box;
  };

  const readError = async (response) => {
    try {
      return (await response.json()).error ?? FAILED;
    } catch {
      return FAILED;
    }
  };

  const show = (place, content) => {
    if (typeof content === "string") place.innerHTML = content;
    else place.replaceChildren(content);
  };

  const notify = (content) => {
    const notice = library().querySelector("#library-notice");
    notice.hidden = false;
    show(notice.querySelector(".said"), content);
    keepClear(notice.offsetHeight + 16);
  };

  // The notice stands over the lower end of the screen: nothing is hidden behind it for good, nor what has the focus.
  const keepClear = (pixels) => {
    library().style.paddingBottom = document.documentElement.style.scrollPaddingBottom = pixels ? `${pixels}px` : "";
  };

  const closeNotice = () => {
    library().querySelector("#library-notice").hidden = true;
    keepClear(0);
  };

  const say = (words) => {
    const place = library()?.querySelector("#library-said");
    if (place && place.textContent !== words) place.textContent = words;
  };

  // --- sections ----------------------------------------------------------------------------------------------------

  const call = async (address, options) => {
    let response;
    try {
      response = await fetch(address, options);
    } catch {
      throw FAILED;
    }
    if (!response.ok) throw await readError(response);
    return { html: await response.text(), reload: (response.headers.get("X-Reload") ?? "").split(" ").filter(Boolean) };
  };

  // Whatever is asked for or filled in later makes what is still on its way to a section too old for it.
  const begin = (section) => (section.turn = (section.turn ?? 0) + 1);

  const fill = (section, html) => {
    begin(section);
    const focused = section.contains(document.activeElement) ? document.activeElement : null;
    const [id, sent] = [focused?.id, focused?.dataset.send];
    const before = section.querySelector("[data-poll]")?.dataset.after;
    section.innerHTML = html;
    section.dataset.read = "";
    const again = (id && document.getElementById(id)) || (sent && section.querySelector(`[data-send="${sent}"]`));
    again?.focus({ preventScroll: true });
    const words = section.querySelector("[data-say]")?.dataset.say;
    if (words) say(words);
    clearTimeout(section.timer);
    const poll = section.querySelector("[data-poll]")?.dataset.poll;
    if (poll) section.timer = setTimeout(() => section.isConnected && load(section), Number(poll));
    else if (before) reload(before.split(" "));
  };

  const load = async (section, address) => {
    if (address) section.dataset.load = address;
    const turn = begin(section);
    try {
      const { html } = await call(section.dataset.load);
      if (section.turn === turn) fill(section, html);
    } catch (error) {
      if (section.turn !== turn) return;
      clearTimeout(section.timer);
      const poll = section.querySelector("[data-poll]");
      if (poll) section.timer = setTimeout(() => section.isConnected && load(section), 5_000);
      else {
        delete section.dataset.read; // to be tried again when it is opened again
        show(section, renderError(error));
      }
    }
  };

  // A section that nobody has opened is read when it is opened.
  const reload = (names) => {
    for (const name of names) {
      const section = part(name);
      if (section?.closest("details").open) load(section);
      else if (section) delete section.dataset.read;
    }
  };

  // --- forms and buttons -------------------------------------------------------------------------------------------

  const busy = (element, is) => {
    element.toggleAttribute("aria-busy", is);
    for (const button of element.matches("button") ? [element] : element.querySelectorAll("button")) button.disabled = is;
  };

  const send = async (address, values, element, into) => {
    const pairs = values instanceof URLSearchParams ? values : new URLSearchParams(values);
    busy(element, true);
    try {
      const { html, reload: names } = await call(address, { method: "POST", body: pairs });
      if (!into) notify(html);
      else if (into.matches(".loaded")) fill(into, html);
      else show(into, html);
      reload(names);
      return true;
    } catch (error) {
      if (into && !into.matches(".loaded")) show(into, renderError(error));
      else {
        notify(renderError(error));
        if (into) load(into);
      }
      return false;
    } finally {
      busy(element, false);
    }
  };

  const onSubmit = (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.closest("#library")) return;
    event.preventDefault();
    if (form.dataset.show) load(form.closest(".loaded"), withFields(form));
    else if (form.dataset.upload) upload(form);
    else if (form.dataset.send) {
      const address = event.submitter?.getAttribute("formaction") ?? form.dataset.send;
      const beside = event.submitter?.dataset.into === "next" ? form.querySelector(".result-of") : null;
      send(address, fieldsOf(form), form, beside ?? (form.dataset.into ? part(form.dataset.into) : null));
    }
  };

  const fieldsOf = (form) => {
    const pairs = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (typeof value === "string") pairs.append(name, value);
    return pairs;
  };

  const withFields = (form) => {
    const pairs = fieldsOf(form);
    for (const [name, value] of [...pairs]) if (!value) pairs.delete(name);
    return `${form.dataset.show}?${pairs}`;
  };

  const onClick = (event) => {
    const button = event.target instanceof Element ? event.target.closest("#library button") : null;
    if (!button) return;
    const { show: address, send: to, values, open } = button.dataset;
    if (address) load(button.closest(".loaded"), address);
    else if (to && values) send(to, JSON.parse(values), button, to.endsWith("/index") || to.endsWith("/cancel") ? part("index") : null);
    else if (open) toggleRow(button);
    else if ("erase" in button.dataset) erase(button);
    else if ("close" in button.dataset) closeNotice();
  };

  const erase = (button) => {
    const form = button.closest("form");
    for (const cell of form.querySelectorAll('[name="cell"]')) cell.value = "";
    send(form.dataset.send, fieldsOf(form), form, null);
  };

  const onChange = (event) => {
    const field = event.target;
    if (!(field instanceof HTMLElement) || !field.closest("#library")) return;
    if (field.matches(".choice select")) load(field.closest(".loaded"), withFields(field.form));
    else if (field.matches(".upload input[type=file]")) pick(field.form, [...field.files].map((file) => [file.webkitRelativePath || file.name, file]));
  };

  // --- one document ------------------------------------------------------------------------------------------------

  const toggleRow = async (button) => {
    const row = button.closest("tr");
    const is = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!is));
    if (is) return row.nextElementSibling.remove();
    const editor = document.createElement("tr");
    editor.className = "editor";
    editor.setAttribute("role", "row");
    const cell = editor.appendChild(document.createElement("td"));
    cell.setAttribute("role", "cell");
    cell.colSpan = row.children.length;
    cell.textContent = "読み込んでいます…";
    row.after(editor);
    try {
      show(cell, (await call(button.dataset.open)).html);
    } catch (error) {
      show(cell, renderError(error));
    }
  };

  // --- files -------------------------------------------------------------------------------------------------------

  const picked = new WeakMap();
  const pick = (form, files) => {
    picked.set(form, files);
    const bytes = files.reduce((sum, [, file]) => sum + file.size, 0);
    const many = files.length > TOO_MANY ? `（多すぎます。${TOO_MANY.toLocaleString()} 件までにするか、zip にまとめてください）` : "";
    form.querySelector(".picked").textContent = files.length
      ? `${files.length.toLocaleString()} 件、${(bytes / 1e6).toFixed(1)} MB を選びました${many}: ${files.slice(0, 5).map(([name]) => name).join("、")}${files.length > 5 ? "、ほか" : ""}`
      : "";
    form.querySelector("button[type=submit]").disabled = !files.length || Boolean(many);
    form.querySelector(".result-of").replaceChildren();
  };

  const walk = async (entry, folder, found) => {
    const name = folder ? `${folder}/${entry.name}` : entry.name;
    if (entry.isFile) found.push([name, await new Promise((done, fail) => entry.file(done, fail))]);
    if (!entry.isDirectory) return;
    const reader = entry.createReader();
    for (;;) {
      const entries = await new Promise((done, fail) => reader.readEntries(done, fail));
      if (!entries.length) return;
      for (const each of entries) await walk(each, name, found);
    }
  };

  const onDrag = (event) => {
    const drop = event.target instanceof Element ? event.target.closest("#library .upload") : null;
    for (const each of document.querySelectorAll("#library .upload")) each.classList.toggle("over", each === drop && event.type === "dragover");
    if (drop) event.preventDefault();
  };

  const onDrop = async (event) => {
    const form = event.target instanceof Element ? event.target.closest("#library .upload") : null;
    onDrag(event);
    if (!form) return;
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const loose = [...event.dataTransfer.files].map((file) => [file.name, file]);
    const found = [];
    try {
      for (const entry of entries) await walk(entry, "", found);
      pick(form, entries.length ? found : loose);
    } catch {
      show(form.querySelector(".result-of"), renderError({ message: "フォルダーの中を読めません。", hint: "ファイルを選び直してください。" }));
    }
  };

  // XMLHttpRequest tells how far it is; fetch does not.
  const sendFile = (file, progress) =>
    new Promise((done, fail) => {
      const request = new XMLHttpRequest();
      request.open("POST", "/api/library/incoming");
      request.upload.onprogress = (event) => progress(event.loaded);
      request.onerror = () => fail({ message: `送れませんでした: ${file.name}`, hint: "ファイルが開かれていないか、ネットワークを確かめてください。" });
      request.onload = () => {
        if (request.status === 401) location.assign("/sign-in");
        try {
          const said = JSON.parse(request.responseText);
          if (request.status === 200) done(said.id);
          else fail(said.error ?? FAILED);
        } catch {
          fail(FAILED);
        }
      };
      request.send(file);
    });

  const upload = async (form) => {
    const single = "single" in form.dataset;
    const files = single ? [...form.querySelector("[type=file]").files].map((file) => [file.name, file]) : (picked.get(form) ?? []);
    const bar = form.querySelector("progress");
    const total = files.reduce((sum, [, file]) => sum + file.size, 0) || 1;
    const values = fieldsOf(form);
    let sent = 0;
    busy(form, true);
    bar.hidden = false;
    say("ファイルを送っています");
    try {
      for (const [name, file] of files) {
        const id = await sendFile(file, (loaded) => (bar.value = (sent + loaded) / total));
        sent += file.size;
        bar.value = sent / total;
        values.append("file", id);
        values.append("name", name);
      }
      const into = single ? null : form.querySelector(".result-of");
      if ((await send(form.dataset.upload, values, form, into)) && !single) forget(form);
    } catch (error) {
      if (single) notify(renderError(error));
      else show(form.querySelector(".result-of"), renderError(error));
    } finally {
      busy(form, false);
      bar.hidden = true;
      if (!single) form.querySelector("button[type=submit]").disabled = !picked.get(form)?.length;
    }
  };

  const forget = (form) => {
    picked.delete(form);
    for (const field of form.querySelectorAll("[type=file]")) field.value = "";
    form.querySelector(".picked").textContent = "";
  };

  // --- the tab is there --------------------------------------------------------------------------------------------

  const open = (details) => {
    const section = details.querySelector(":scope > .loaded");
    if (section && details.open && !("read" in section.dataset)) {
      section.dataset.read = "";
      load(section);
    }
  };

  const seen = new IntersectionObserver((changes) => {
    for (const { isIntersecting, target } of changes) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      for (const details of target.querySelectorAll("details.section")) open(details);
    }
  });

  const onMutation = () => {
    const frame = document.querySelector("#library:not([data-ready])");
    if (!frame) return;
    frame.dataset.ready = "";
    seen.observe(frame);
  };

  new MutationObserver(onMutation).observe(document.body, { childList: true, subtree: true });
  document.addEventListener("toggle", (event) => event.target.matches?.("#library details.section") && open(event.target), true);
  document.addEventListener("submit", onSubmit);
  document.addEventListener("click", onClick);
  document.addEventListener("change", onChange);
  for (const name of ["dragover", "dragleave"]) document.addEventListener(name, onDrag);
  document.addEventListener("drop", onDrop);
})();
