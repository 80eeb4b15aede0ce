/* The rater's page: what comes next, opening it, submitting it, and settling what two pages did to one assignment. */
"use strict";

(() => {
  const root = document.getElementById("review");
  const consent = document.getElementById("consent");
  const api = new Api((root ?? consent).dataset.seat);
  const BREAK_AFTER = 20;

  if (consent) {
    consent.querySelector("[data-do=consent]").addEventListener("click", async () => {
      const answer = await api.send("POST", "consent", {}).catch(() => null);
      if (answer?.status === 200) location.reload();
      else consent.querySelector(".error").textContent = answer?.data.message ?? "—";
    });
    return;
  }

  let words = JSON.parse(document.getElementById("words").textContent);
  const worked = new Worked();
  const holder = tabName();
  /* The sheet that is open: `values` is what was entered, `form` and `saver` work on it; `touched`: an amendment not yet kept. */
  let at = null;
  let standing = null;

  /* A name for this tab, which survives a reload of it and nothing else. */
  function tabName() {
    const kept = "medassist-review-tab";
    try {
      const found = sessionStorage.getItem(kept) ?? unguessed();
      sessionStorage.setItem(kept, found);
      return found;
    } catch {
      return unguessed();
    }
  }

  const announce = (text) => {
    const live = document.getElementById("live");
    if (live.textContent !== text) live.textContent = text;
  };

  /* Ask until there is an answer. */
  async function ask(method, path, body) {
    for (let pause = 1000; ; pause = Math.min(2 * pause, 30_000)) {
      const answer = await api.send(method, path, body).catch(() => ({ status: 0, data: {} }));
      if (!again(answer.status)) return answer;
      const text = answer.status === 401 ? words.signed_out : words.cannot_load;
      notice(el("p", { class: "alert warn", role: "alert" }, `${text} `, answer.status === 401 ? signInLink() : null));
      await nudged(pause);
    }
  }

  const signInLink = () => el("a", { href: "/signin", target: "_blank", rel: "noopener", text: words.sign_in_there });

  /* What is said above the sheet, in place of what was. */
  function notice(...nodes) {
    let place = root.querySelector(".said");
    if (!place) root.append((place = el("div", { class: "said stack" })));
    place.replaceChildren(...nodes);
  }

  // --- What is next.

  async function next({ rest = false } = {}) {
    at?.saver.close();
    const answer = await ask("GET", "standing");
    at = null;
    if (answer.status !== 200) return screen(words.stopped, answer.data.message, reloadButton());
    standing = answer.data;
    if (standing.shows !== "rate") return location.reload();
    if (rest && standing.next && standing.rated[0] && standing.rated[0] % BREAK_AFTER === 0) return takeBreak();
    if (standing.next) return open(standing.next);
    if (standing.waiting_until) return screen(words.waiting, fill(words.waiting_text, { date: dated(standing.waiting_until) }));
    return screen(words.all_done, words.all_done_text);
  }

  function takeBreak() {
    const [done, all] = standing.rated;
    screen(words.break, fill(words.break_text, { done, all }), button(words.go_on, () => next(), "primary"));
  }

  const dated = (iso) => new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "long", timeStyle: "short" }).format(new Date(iso));
  const reloadButton = () => button(words.reload, () => location.reload(), "primary");

  function button(text, onclick, kind = "") {
    return el("button", { type: "button", class: kind || null, "data-next": kind === "primary", text, onclick });
  }

  function screen(title, text, ...more) {
    const heading = el("h1", { tabindex: "-1", text: title });
    root.replaceChildren(el("section", { class: "card pause" }, heading, el("p", { text }), el("div", { class: "row" }, ...more)));
    heading.focus({ preventScroll: true });
    window.scrollTo({ top: 0, behavior: "instant" });
  }

  // --- One assignment.

  const opening = (id, take) => `assignments/${encodeURIComponent(id)}?holder=${holder}${take ? "&take=1" : ""}`;

  async function open(id, take = false) {
    const answer = await ask("GET", opening(id, take));
    if (answer.status === 200) return begin(answer.data, answer.data.values);
    if (answer.data.error === "lease_held")
      return screen(words.held, words.held_text, button(words.go_on_here, () => open(id, true), "primary"));
    return screen(words.stopped, answer.data.message, reloadButton());
  }

  /* Show a sheet and save what is entered in it. */
  function begin(sheet, values, { revision = sheet.revision, quietly = false } = {}) {
    at?.saver.close();
    worked.take();
    at = { sheet, values: structuredClone(values), touched: false, reason: at?.sheet.id === sheet.id ? at.reason : "" };
    const mine = at;
    at.saver = new Saver({
      api, holder, revision, worked, id: sheet.id,
      collect: () => mine.form.collect(),
      show: (state, answer) => mine === at && saved(state, answer),
      refused: (answer) => mine === at && refused(answer),
    });
    draw();
    if (sheet.revision) saved("saved");
    if (!quietly) {
      root.querySelector("h1").focus({ preventScroll: true });
      window.scrollTo({ top: 0, behavior: "instant" });
    }
  }

  const amending = () => at.sheet.state === "submitted";

  function draw() {
    const { sheet } = at;
    at.form = new Form(sheet, at.values, words, { amending: amending(), changed });
    const cards = [caseCard(sheet, words), ...Object.keys(sheet.answers).map((label) => answerCard(label, sheet, words))];
    root.replaceChildren(
      bar(), el("div", { class: "said stack" }),
      el("div", { class: `sheet${sheet.paired ? " paired" : ""}` },
        el("div", { class: "reads" }, ...cards),
        el("section", { class: "card asks", id: "questions", "aria-labelledby": "asks-title" },
          el("h2", { id: "asks-title", text: words.your_rating }),
          amending() ? el("p", { class: "alert", text: words.amend_hint }) : null,
          el("div", { class: "faults" }), at.form.node, ending())),
      el("nav", { class: "jump", "aria-label": words.to_questions },
        el("a", { href: "#case", text: words.to_case }),
        ...Object.keys(sheet.answers).map((label) => el("a", { href: `#answer-${label}`, text: sheet.paired ? label : words.answer })),
        el("a", { href: "#questions", class: "to", text: words.to_questions })),
    );
    at.form.activate(at.form.active ?? at.form.labels[0]);
    at.form.update();
  }

  function bar() {
    const { sheet } = at;
    const title = fill(words[`${sheet.kind}_place`], sheet);
    const left = standing.usual_ms ? fill(words.time_left, { time: duration(standing.usual_ms * (standing.rated[1] - standing.rated[0]), words) }) : "";
    const practice = sheet.kind === "practice";
    return el("div", { class: "where" },
      el("h1", { tabindex: "-1", text: title }),
      practice ? el("span", { class: "badge warn", text: words.practice_badge }) : null,
      amending() ? el("span", { class: "badge", text: words.submitted }) : null,
      el("progress", { class: "progress", max: sheet.of, value: sheet.place - (amending() ? 0 : 1), "aria-label": words.progress }),
      el("span", { class: "state", id: "saved" }),
      el("span", { class: "hint", text: left && sheet.kind === "rating" && !amending() ? left : words.stop_any_time }),
      practice && sheet.place === 1 && !amending()
        ? el("p", { class: "hint whole", text: words.practice_first_text }) : null);
  }

  function ending() {
    if (!amending())
      return el("div", { class: "row" }, el("button", { type: "button", class: "primary last", "data-next": true, onclick: submit }, `${words.submit} `, el("kbd", { text: "Ctrl ↵" })));
    const reason = el("textarea", { id: "reason", rows: 2, oninput: () => (at.reason = cleaned(reason.value)) });
    reason.value = at.reason ?? "";
    return el("div", { class: "stack" },
      el("div", { class: "field" }, el("label", { for: "reason", text: words.amend_reason }), reason),
      el("div", { class: "row" }, button(words.back, back), el("button", { type: "button", class: "primary last", "data-next": true, onclick: amend, text: words.amend })));
  }

  function changed() {
    if (amending()) at.touched = true;
    else at.saver.change();
  }

  function saved(state, answer = undefined) {
    const place = document.getElementById("saved");
    if (!place) return;
    const text = state === "signed_out" ? words.not_saved : words[state];
    place.textContent = text;
    place.dataset.state = state;
    if (state === "saved" || state === "retrying") announce(text);
    if (state === "saved" && root.querySelector(".said .passing")) notice();
    if (state === "signed_out" && !root.querySelector(".said .passing"))
      notice(el("p", { class: "alert warn passing", role: "alert" }, `${words.signed_out} `, signInLink()));
    if (state === "not_saved" && answer) notice(el("p", { class: "alert bad passing", role: "alert", text: answer.data.message }));
  }

  // --- Submitting.

  async function submit() {
    if (at.busy) return;
    const faults = root.querySelector(".faults");
    faults.replaceChildren();
    const missing = at.form.missing();
    if (missing.length) return faults.replaceChildren(at.form.problems(missing));
    const mine = at;
    lock(true);
    let answer = null;
    for (const page of at.form.openPages.map((each) => each.id)) {
      answer = await at.saver.once("submit", { page });
      if (mine !== at) return;
      if (answer?.status !== 200) break;
    }
    if (answer?.status === 200) {
      announce(words.submitted); // and nothing can be pressed until the next one is there
      return answer.data.state === "submitted" ? next({ rest: true }) : open(at.sheet.id);
    }
    lock(false);
    if (answer) decline(answer);
  }

  /* While it is on its way nothing can be changed. */
  function lock(on) {
    at.busy = on;
    at.form.node.inert = on;
    const send = root.querySelector(".asks .primary");
    if (send) send.disabled = on;
    if (on) saved("saving");
  }

  function decline(answer) {
    const faults = root.querySelector(".faults");
    if (answer.data.problems) faults.replaceChildren(at.form.problems(answer.data.problems));
    else if (answer.status === 409) {
      at.saver.dirty = true;
      at.saver.paused = true;
      refused(answer);
    } else faults.replaceChildren(el("p", { class: "alert bad", role: "alert", text: answer.data.message }));
    saved("not_saved");
  }

  async function amend() {
    if (at.busy) return;
    const faults = root.querySelector(".faults");
    faults.replaceChildren();
    const missing = at.form.missing();
    if (missing.length) return faults.replaceChildren(at.form.problems(missing));
    lock(true);
    const answer = await at.saver.once("amend", { reason: at.reason ?? "" });
    lock(false);
    if (answer?.status !== 200) return answer && decline(answer);
    at.touched = false;
    at.reason = document.getElementById("reason").value = "";
    saved("saved");
    notice(el("p", { class: "alert good", role: "status", text: words.amended }));
    announce(words.amended);
  }

  function back() {
    if (!at.touched || confirm(words.unsaved)) next();
  }

  // --- What only the rater can decide.

  async function refused(answer) {
    if (answer.data.error === "stale_revision") return reconcile(await ask("GET", opening(at.sheet.id)));
    if (answer.data.error === "lease_held") {
      const take = async () => reconcile(await ask("GET", opening(at.sheet.id, true)));
      return decide(words.taken, words.taken_text, null, button(words.go_on_here, take, "primary"));
    }
    return decide(words.stopped, `${answer.data.message} ${words.stopped_text}`, null, reloadButton());
  }

  function decide(title, text, body, ...choices) {
    notice(el("section", { class: "alert warn decide", role: "alert" },
      el("h2", { text: title }), el("p", { text }), body, el("div", { class: "row" }, ...choices)));
    announce(title);
    root.querySelector(".said").scrollIntoView({ block: "nearest" });
  }

  /* Go on from what the server has, with what was entered here, asking only where the two differ. */
  function reconcile(answer) {
    if (answer.status !== 200) return refused(answer);
    const { data: sheet } = answer;
    if (sheet.state !== at.sheet.state && sheet.state === "submitted")
      return decide(words.stopped, `${words.submitted}. ${words.stopped_text}`, null, reloadButton());
    const mine = structuredClone(at.values);
    const keep = () => {
      begin(sheet, merged(sheet, mine), { quietly: true });
      if (amending()) at.touched = true;
      else at.saver.change();
    };
    const rows = differences(at.form, at.form.collect(), sheet.values);
    if (!rows.length) return begin(sheet, merged(sheet, mine), { quietly: true });
    return decide(words.two_versions, words.two_versions_text, versionsTable(at.form, rows, words),
      button(words.take_other, () => begin(sheet, sheet.values, { quietly: true })), button(words.keep_mine, keep, "primary"));
  }

  /* Mine, but for what was locked meanwhile. */
  function merged(sheet, mine) {
    if (sheet.state === "submitted") return mine;
    const locked = new Set(sheet.pages.filter((page) => page.locked).flatMap((page) => page.items.map((item) => item.id)));
    const values = structuredClone(mine);
    for (const [label, told] of Object.entries(sheet.values))
      for (const [item, value] of Object.entries(told)) if (locked.has(item)) (values[label] ??= {})[item] = value;
    return values;
  }

  // --- The other language, with what is typed.

  async function speak(address) {
    if (!at || at.busy) return location.assign(address);
    const answer = await fetch(address, { cache: "no-store" }).then((page) => (page.ok ? page.text() : null)).catch(() => null);
    const page = answer && new DOMParser().parseFromString(answer, "text/html");
    if (!page?.getElementById("words")) return announce(words.cannot_load);
    const before = document.documentElement.lang;
    document.documentElement.lang = page.documentElement.lang;
    const sheet = await api.send("GET", opening(at.sheet.id)).catch(() => null);
    if (sheet?.status !== 200) {
      document.documentElement.lang = before;
      return announce(words.cannot_load);
    }
    for (const part of [".top", "#review-tools", ".skip", ".notice"]) document.querySelector(part)?.replaceWith(page.querySelector(part));
    document.title = page.title;
    history.replaceState(null, "", address);
    words = JSON.parse(page.getElementById("words").textContent);
    const state = document.getElementById("saved").dataset.state;
    at.sheet.pages = sheet.data.pages;
    draw();
    if (state) saved(state);
    document.querySelector(".languages [aria-current]")?.focus();
  }

  // --- Earlier ones, keys, leaving.

  async function earlier() {
    if (at && !(await settled())) return;
    const answer = await api.send("GET", "done").catch(() => null);
    const found = answer?.status === 200 ? answer.data : [];
    const dialog = document.getElementById("earlier");
    const place = ({ id, kind, place }) =>
      el("button", { type: "button", text: fill(words[`${kind}_short`], { place }), onclick: () => { dialog.close(); open(id); } });
    const none = el("p", { class: "hint", text: answer ? words.earlier_none : words.cannot_load });
    dialog.querySelector(".places").replaceChildren(...(found.length ? found.map(place) : [none]));
    dialog.showModal();
  }

  /* Whether nothing here would be lost. */
  async function settled() {
    if (amending()) return !at.touched || confirm(words.unsaved);
    const all = await Promise.race([at.saver.flush(), new Promise((done) => setTimeout(done, 3000, false))]);
    if (!all && at.saver.unsaved) notice(el("p", { class: "alert warn passing", role: "alert", text: words.still_saving }));
    return all;
  }

  async function leave(form) {
    const keep = new FormData(form).get("keep");
    const answer = await api.send("POST", "withdraw", { keep: keep === "yes" }).catch(() => null);
    if (answer?.status === 200) {
      at?.saver.close();
      at = null;
      location.reload();
    } else form.querySelector(".error").textContent = answer?.data.message ?? words.cannot_load;
  }

  const doing = {
    earlier,
    keys: () => document.getElementById("keys").showModal(),
    leave: () => document.getElementById("leave").showModal(),
    stay: () => document.getElementById("leave").close(),
  };

  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-do]");
    if (pressed) doing[pressed.dataset.do]?.();
    const language = event.target.closest(".languages a");
    if (language && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      speak(language.href);
    }
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.closest("#leave")) return;
    event.preventDefault();
    leave(event.target);
  });

  const writing = (target) => target.matches("textarea, select, input:not([type=radio], [type=checkbox])");

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229 || document.querySelector("dialog[open]")) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      document.querySelector("#review [data-next]:not(:disabled)")?.click();
    } else if (!event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.altKey && !writing(event.target)) {
      if (event.key === "?") doing.keys();
      else if (at && /^\d$/.test(event.key) && !event.target.closest(".question")) at.form.focusFirstOpen();
    }
  });

  document.addEventListener("visibilitychange", () => document.hidden && at?.saver.leaving());
  window.addEventListener("pagehide", () => at?.saver.leaving());
  window.addEventListener("beforeunload", (event) => {
    if (!at) return;
    const { saver } = at;
    const large = JSON.stringify(at.form.collect()).length > KEPT_ALIVE / 3;
    if (at.touched || (saver.unsaved && (saver.failing || saver.paused || large || !navigator.onLine))) event.preventDefault();
  });

  next();
})();
