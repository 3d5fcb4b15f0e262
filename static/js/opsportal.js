/* Pages work without this. */
(() => {
  const doc = document, root = doc.documentElement;
  const $ = (s, r = doc) => r.querySelector(s);
  const $$ = (s, r = doc) => [...r.querySelectorAll(s)];
  const on = (type, f) => doc.addEventListener(type, f);

  const say = (text, stays) => {
    const toast = $("#toast").content.firstElementChild.cloneNode(true);
    toast.firstChild.textContent = text;
    $("#toasts").append(toast);
    stays || setTimeout(() => toast.remove(), 8000);
  };
  on("toast", (e) => say(e.detail.text, e.detail.stays));
  const failed = (e) => {
    if (/^live:|load/.test(e.detail.requestConfig?.triggeringEvent?.type)) return;
    say({ 0: "The portal does not answer.", 403: "You may not do that." }[e.detail.xhr.status] || "That did not work. Try again.", true);
  };
  ["htmx:responseError", "htmx:sendError", "htmx:timeout"].forEach((type) => on(type, failed));

  const nameTheme = () => $$("[data-theme-name]").forEach((n) => (n.textContent = root.dataset.theme || "system"));
  const nextTheme = () => {
    const theme = (root.dataset.theme = { light: "dark", dark: "system" }[root.dataset.theme] || "light");
    try { localStorage.theme = theme; } catch { /* blocked */ }
    nameTheme();
    doc.dispatchEvent(new Event("themechange"));
  };
  nameTheme();

  const deeds = {
    theme: nextTheme,
    print: () => print(),
    palette: () => open("#palette"),
    close: (el) => el.closest("dialog").close(),
    dismiss: (el) => el.closest(".toast").remove(),
    copy: async (el) => {
      try { await navigator.clipboard.writeText(el.dataset.copy || location.href); say(el.dataset.copied || "Copied"); } catch { say("Press Ctrl C to copy"); }
    },
  };
  on("click", (e) => {
    const el = e.target.closest("[data-action]"), deed = deeds[el?.dataset.action];
    if (!deed || e.ctrlKey || e.metaKey) return;
    e.preventDefault();
    deed(el);
  });
  const open = (id) => { const dialog = $(id); if (!dialog.open) { dialog.showModal(); $("input", dialog)?.select(); filter(); } };

  /* Ages, as ui/formats.py */
  const part = (s) => s < 60 ? `${s | 0} s` : s < 3600 ? `${s / 60 | 0} min` : s < 86400 ? `${s / 3600 | 0} h` : s < 172800 ? "1 day" : `${s / 86400 | 0} days`;
  const age = () => {
    if (doc.hidden) return;
    $$("[data-ago]").forEach((t) => {
      const s = (Date.now() - Date.parse(t.dateTime)) / 1000, late = t.parentNode.dataset.late;
      if (s < 2592e3) t.textContent = Math.abs(s) < 5 ? "now" : s < 0 ? `in ${part(-s)}` : `${part(s)} ago`;
      if (late) t.parentNode.classList.toggle("is-stale", s > late);
    });
    $$("[data-clock]").forEach((t) => (t.textContent = new Date().toLocaleTimeString("en-GB", { timeStyle: "short", timeZone: root.dataset.zone })));
  };
  setInterval(age, 10000);
  on("visibilitychange", age);

  /* Palette */
  const box = $("#palette"), input = $("input", box);
  const shown = () => $$(".palette__item:not([hidden])", box);
  const pick = (el) => {
    $$('[aria-selected="true"]', box).forEach((x) => (x.ariaSelected = "false"));
    if (!el) return input.removeAttribute("aria-activedescendant");
    el.ariaSelected = "true";
    input.setAttribute("aria-activedescendant", el.id);
    el.scrollIntoView({ block: "nearest" });
  };
  const filter = () => {
    const words = input.value.toLowerCase().split(/\s+/);
    $$("[data-local]", box).forEach((i) => (i.hidden = !words.every((w) => i.textContent.toLowerCase().includes(w))));
    pick(shown()[0]);
  };
  input.addEventListener("input", filter);
  box.addEventListener("htmx:afterSwap", filter);
  input.addEventListener("keydown", (e) => {
    const all = shown(), i = all.findIndex((x) => x.ariaSelected === "true"), step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (step) pick(all[(i + step + all.length) % all.length]);
    else if (e.key !== "Enter") return;
    else if (all[i]) all[i].click();
    else location.href = `${input.getAttribute("hx-get")}?q=${encodeURIComponent(input.value)}`;
    e.preventDefault();
  });

  /* Keys */
  let first = "", at = 0;
  const row = (step) => {
    const all = $$("main :is(tbody tr, .feed__item):has(a)"), i = all.findIndex((r) => r.matches(":focus-within"));
    all[i < 0 ? 0 : i + step]?.querySelector("a").focus();
  };
  const keys = { "/": () => open("#palette"), "?": () => open("#shortcuts"), j: () => row(1), k: () => row(-1) };
  on("keydown", (e) => {
    const mod = e.ctrlKey || e.metaKey;
    if (mod && e.key === "k") { e.preventDefault(); return open("#palette"); }
    if (mod || e.altKey || root.dataset.shortcuts || e.target.closest("input,textarea,select,[contenteditable],dialog")) return;
    const second = e.timeStamp - at < 1200 && first;
    at = e.timeStamp;
    first = e.key;
    if (second === "g") return $(`[data-go="${CSS.escape(e.key)}"]`)?.click();
    if (second === "t") return $$("[data-ranges] a")[e.key - 1]?.click();
    if (keys[e.key]) { e.preventDefault(); keys[e.key](); }
  });

  /* Chart cursor and lanes, on first use */
  const armed = new Set();
  on("pointerover", (e) => {
    const el = e.target.closest?.("[data-sync],[data-script]"), src = el && (el.dataset.script || root.dataset.charts);
    if (!src || armed.has(src)) return;
    armed.add(src);
    doc.head.append(Object.assign(doc.createElement("script"), { src }));
  });
})();
