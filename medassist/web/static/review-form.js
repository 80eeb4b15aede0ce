/* The questions of a sheet: what is asked of what was answered, keys, and what is still open. Knows nothing of saving. */
"use strict";

const el = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") made.textContent = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
};

const fill = (text, places = {}) => text.replace(/\{(\w+)\}/g, (all, name) => (name in places ? places[name] : all));

/* What a database cannot hold: halves of characters, and NUL. */
const cleaned = (text) => {
  const whole = text.replaceAll("\0", "");
  return whole.toWellFormed ? whole.toWellFormed() : whole;
};

// --- What is asked.

const isEmpty = (value) =>
  value === undefined || value === null || (typeof value === "string" && !value.trim()) || (Array.isArray(value) && !value.length);
const chosen = (value) => (Array.isArray(value) ? value : typeof value === "string" ? [value] : []);
const holds = (when, values) =>
  Object.entries(when).some(([item, codes]) => chosen(values[item]).some((code) => codes.includes(code)));
const isAsked = (item, values) => !Object.keys(item.asked_when).length || holds(item.asked_when, values);
const isRequired = (item, values) => item.required || holds(item.required_when, values);

/* What counts of what was entered: an answer to what is no longer asked stays on the page, and comes back with the question. */
const counting = (items, values) => {
  const kept = {};
  for (const item of items) if (isAsked(item, kept) && !isEmpty(values[item.id])) kept[item.id] = values[item.id];
  return kept;
};

const BOTH = "both";
const PREFERRED = "preferred";

class Form {
  /* `values` is changed in place; `changed` is called after each change. With `amending` all pages can be edited. */
  constructor(sheet, values, words, { changed, amending }) {
    Object.assign(this, { sheet, values, words, changed, amending });
    this.items = sheet.pages.flatMap((page) => page.items);
    this.labels = Object.keys(sheet.answers);
    this.questions = [];
    this.typed = { digits: "", at: 0, timer: 0 };
    for (const label of this.labels) values[label] ??= {};
    this.node = this.render();
    this.node.addEventListener("keydown", (event) => this.pressed(event));
    this.update();
  }

  get openPages() {
    return this.sheet.pages.filter((page) => this.amending || !page.locked);
  }

  collect() {
    const told = {};
    for (const label of this.labels) told[label] = counting(this.items, this.values[label]);
    if (this.values[BOTH]?.[PREFERRED]) told[BOTH] = { [PREFERRED]: this.values[BOTH][PREFERRED] };
    return told;
  }

  // --- Building.

  render() {
    const panels = this.labels.map((label) => this.panel(label));
    const parts = [...panels];
    if (this.sheet.paired) {
      parts.unshift(this.tabs());
      if (this.openPages.includes(this.sheet.pages[0])) parts.push(this.preference());
    }
    return el("div", { class: "questions" }, ...parts);
  }

  panel(label) {
    const several = this.openPages.length > 1;
    const parts = this.sheet.pages.filter((page) => !this.openPages.includes(page)).map((page) => this.lockedPage(label, page));
    for (const page of this.openPages) {
      if (several) parts.push(el("h3", { text: page.title }));
      for (const item of page.items) parts.push(this.question(label, item));
    }
    const attributes = { class: "panel", id: `panel-${label}` };
    if (this.sheet.paired) Object.assign(attributes, { role: "tabpanel", "aria-labelledby": `tab-${label}` });
    return el("div", attributes, ...parts);
  }

  lockedPage(label, page) {
    const values = counting(this.items, this.values[label]);
    const rows = page.items
      .filter((item) => item.id in values)
      .flatMap((item) => [el("dt", { text: item.label }), el("dd", { text: this.told(item, values[item.id]) })]);
    return el("details", { class: "locked" }, el("summary", { text: fill(this.words.locked_page, page) }), el("dl", {}, ...rows));
  }

  told(item, value) {
    const label = (code) => item.options.find((option) => option.code === code)?.label ?? String(code);
    return Array.isArray(value) ? value.map(label).join(", ") : label(value);
  }

  tabs() {
    const tab = (label) =>
      el("button", {
        type: "button", role: "tab", id: `tab-${label}`, "aria-controls": `panel-${label}`,
        text: fill(this.words.answer_of, { label }), onclick: () => this.activate(label),
      });
    const list = el("div", { class: "tabs", role: "tablist", "aria-label": this.words.your_rating }, ...this.labels.map(tab));
    list.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      this.activate(this.labels.find((label) => label !== this.active));
      list.querySelector("[aria-selected=true]").focus();
    });
    this.list = list;
    return list;
  }

  activate(label) {
    if (!this.sheet.paired || label === BOTH) return;
    this.active = label;
    for (const each of this.labels) {
      const on = each === label;
      const tab = this.list.querySelector(`#tab-${each}`);
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      this.node.querySelector(`#panel-${each}`).hidden = !on;
      document.getElementById(`answer-${each}`)?.classList.toggle("current", on);
    }
  }

  question(label, item) {
    const at = { label, item };
    at.node = item.kind === "text" ? this.text(at) : item.kind === "rank" ? this.rank(at) : this.choice(at);
    at.node.id = `q-${label}-${item.id}`;
    at.node.classList.add("question");
    at.node.append(el("p", { class: "error", id: `${at.node.id}-error`, hidden: true }));
    this.questions.push(at);
    return at.node;
  }

  heading(at, tag, more = {}) {
    at.mark = el("small", { text: this.words.optional });
    return el(tag, more, at.item.label, " ", at.mark);
  }

  help(at) {
    return at.item.help ? el("p", { class: "hint", id: `help-${at.label}-${at.item.id}`, text: at.item.help }) : null;
  }

  describedBy(at) {
    return at.item.help ? `help-${at.label}-${at.item.id}` : null;
  }

  choice(at) {
    const { item, label } = at;
    const many = item.kind === "multi";
    const one = (option) => {
      const scale = item.kind === "likert" && option.code !== "cannot_judge";
      const input = el("input", {
        type: many ? "checkbox" : "radio", name: `${label}-${item.id}`, value: option.code,
        "aria-label": scale ? `${option.code} ${option.label}` : null,
        onchange: () => this.set(at, many ? this.checked(at) : input.value),
      });
      const face = scale ? option.code : el("span", { class: "face" }, option.key ? el("kbd", { text: option.key }) : "", ` ${option.label}`);
      if (many) return el("label", { class: "check" }, input, face);
      return el("label", { title: scale ? option.label : null }, input, el("span", {}, face));
    };
    const own = item.options.filter((option) => option.code !== "cannot_judge").map(one);
    const judge = item.options.filter((option) => option.code === "cannot_judge").map(one);
    let body;
    if (many) body = el("div", { class: "checks" }, ...own, ...judge);
    else if (item.kind === "likert") {
      const ends = item.options.filter((option) => option.code !== "cannot_judge");
      body = el("div", { class: "graded" }, el("div", { class: "scale" }, ...own),
        judge.length ? el("div", { class: "segments judge" }, ...judge) : null,
        el("div", { class: "ends", "aria-hidden": "true" }, el("span", { text: ends[0].label }), el("span", { text: ends.at(-1).label })));
    } else body = el("div", { class: "segments" }, ...own, ...judge.map((each) => (each.classList.add("judge"), each)));
    return el("fieldset", { class: "choice", "aria-describedby": this.describedBy(at) }, this.heading(at, "legend"), this.help(at), body);
  }

  text(at) {
    const id = `text-${at.label}-${at.item.id}`;
    at.input = el("textarea", { id, rows: 3, "aria-describedby": this.describedBy(at), oninput: () => this.set(at, cleaned(at.input.value)) });
    at.count = el("p", { class: "hint count", hidden: true });
    return el("div", { class: "field" }, this.heading(at, "label", { for: id }), this.help(at), at.input, at.count);
  }

  rank(at) {
    const id = `rank-${at.label}-${at.item.id}`;
    at.most = this.placesOf(at);
    const places = Array.from({ length: at.most }, (_, n) => el("option", { value: n + 1, text: n + 1 }));
    const judge = at.item.options.map((option) => el("option", { value: option.code, text: `${option.key} · ${option.label}` }));
    at.input = el("select", { id, "aria-describedby": this.describedBy(at), onchange: () => this.ranked(at) }, el("option", { value: "", text: "–" }), ...places, ...judge);
    return el("div", { class: "field" }, this.heading(at, "label", { for: id }), this.help(at), at.input);
  }

  /* As many as the answer lists, so that “1” is the first place at once and not the beginning of “12”. */
  placesOf(at) {
    const listed = (this.sheet.answers[at.label].match(/^\d{1,2}\. /gm) ?? []).length;
    return listed ? Math.min(listed, at.item.max) : at.item.max;
  }

  ranked(at) {
    const { value } = at.input;
    this.set(at, /^\d+$/.test(value) ? Number(value) : value);
  }

  preference() {
    const { words } = this;
    const options = [["A", words.prefer_a, "1"], ["B", words.prefer_b, "2"], ["tie", words.prefer_tie, "3"]];
    const item = {
      id: PREFERRED, kind: "choice", label: words.preferred, help: "", required: true, asked_when: {}, required_when: {},
      options: options.map(([code, label, key]) => ({ code, label, key })),
    };
    this.values[BOTH] ??= {};
    return el("div", { class: "both" }, el("h3", { text: words.both }), this.question(BOTH, item));
  }

  // --- Values.

  checked(at) {
    return [...at.node.querySelectorAll("input:checked")].map((input) => input.value);
  }

  set(at, value) {
    if (isEmpty(value)) delete this.values[at.label][at.item.id];
    else this.values[at.label][at.item.id] = value;
    this.fault(at, "");
    this.update(at);
    this.changed();
  }

  /* Show what the values are, and what they ask. The text box that somebody writes in is left to them. */
  update() {
    for (const at of this.questions) {
      const value = this.values[at.label][at.item.id];
      const counts = at.label === BOTH ? this.values[BOTH] : counting(this.items, this.values[at.label]);
      at.node.hidden = !isAsked(at.item, counts);
      at.mark.hidden = isRequired(at.item, counts);
      if (at.input && !(at.item.kind === "text" && at.input === document.activeElement)) at.input.value = value ?? "";
      if (at.count) this.countdown(at, String(value ?? ""));
      if (!at.input) for (const input of at.node.querySelectorAll("input")) input.checked = chosen(value).includes(input.value);
    }
    if (!this.active) this.activate(this.labels[0]);
  }

  countdown(at, text) {
    const left = at.item.max_length - text.length;
    at.count.hidden = left > at.item.max_length / 10;
    at.count.textContent = fill(this.words.characters_left, { n: left });
    at.count.classList.toggle("error", left < 0);
  }

  // --- Keys.

  pressed(event) {
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.questions.find((each) => each.node.contains(event.target));
    if (!at || at.item.kind === "text") return;
    if (event.key === "Backspace" || event.key === "Delete") {
      event.preventDefault();
      this.set(at, "");
      this.update();
    } else if (at.item.kind === "rank" && /^\d$/.test(event.key)) {
      event.preventDefault();
      this.digit(at, event.key);
    } else {
      const option = at.item.options.find((each) => each.key === event.key);
      if (!option) return;
      event.preventDefault();
      this.choose(at, option.code);
    }
  }

  choose(at, code) {
    if (at.item.kind !== "multi") {
      this.set(at, code);
      this.advance(at);
      return;
    }
    const before = chosen(this.values[at.label][at.item.id]);
    this.set(at, before.includes(code) ? before.filter((each) => each !== code) : [...before, code]);
  }

  /* A place of two digits is waited for as long as there can be one. */
  digit(at, key) {
    const { typed } = this;
    clearTimeout(typed.timer);
    if (key === "0" && !typed.digits) {
      const judge = at.item.options[0];
      if (judge) { this.set(at, judge.code); this.update(); this.advance(at); }
      return;
    }
    const joined = Number(typed.digits + key);
    const place = joined <= at.most ? joined : Number(key);
    const done = () => { typed.digits = ""; if (at.node.contains(document.activeElement)) this.advance(at); };
    if (place >= 1 && place <= at.most) { this.set(at, place); this.update(); }
    typed.digits = String(place);
    if (place * 10 > at.most) done();
    else typed.timer = setTimeout(done, 700);
  }

  get shown() {
    return this.questions.filter((at) => !at.node.hidden);
  }

  advance(at) {
    const following = this.shown[this.shown.indexOf(at) + 1];
    if (following) this.focus(following);
    else document.querySelector("[data-next]")?.focus();
  }

  focus(at) {
    this.activate(at.label);
    const input = at.input ?? at.node.querySelector("input:checked") ?? at.node.querySelector("input");
    input.focus();
    at.node.scrollIntoView({ block: "nearest" });
  }

  focusFirstOpen() {
    const open = this.shown.find((at) => at.mark.hidden && isEmpty(this.values[at.label][at.item.id]));
    if (open ?? this.shown[0]) this.focus(open ?? this.shown[0]);
  }

  // --- What is still open.

  missing() {
    return this.shown
      .filter((at) => at.mark.hidden && isEmpty(this.values[at.label][at.item.id]))
      .map((at) => ({ label: at.label, item: at.item.id, text: at.item.label, fault: this.words.not_answered }));
  }

  fault(at, text) {
    const line = at.node.querySelector(":scope > .error");
    line.textContent = text;
    line.hidden = !text;
    at.node.classList.toggle("open", Boolean(text));
    at.input?.setAttribute("aria-invalid", String(Boolean(text)));
  }

  /* A list of links to what is open, the focus on the first. */
  problems(found) {
    const known = found.map((each) => [each, this.questions.find((at) => at.label === each.label && at.item.id === each.item)]);
    const lines = known.map(([each, at]) => {
      if (!at) return el("li", { text: each.text });
      this.fault(at, each.fault ?? each.text);
      const name = this.sheet.paired && at.label !== BOTH ? `${at.label}: ${each.text}` : each.text;
      const go = (event) => { event.preventDefault(); this.focus(at); };
      return el("li", {}, el("a", { href: `#${at.node.id}`, text: name, onclick: go }));
    });
    const first = known.find(([, at]) => at);
    if (first) this.focus(first[1]);
    return el("div", { class: "alert bad problems", role: "alert" },
      el("strong", { text: fill(this.words.open_questions, { count: found.length }) }), el("ul", {}, ...lines));
  }
}
