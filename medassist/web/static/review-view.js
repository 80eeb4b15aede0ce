/* What a rater reads: the case, the answers, the explanations. Everything is text; nothing of it becomes markup. */
"use strict";

const langOf = (language) => (language === "zh" ? "zh-CN" : "en");

/* Lines stay lines; the numbered ones stand out, in every answer alike. */
const prose = (text) => {
  const lines = text.split("\n").map((line) => (/^\d+[.、．]\s*\S/.test(line) ? el("b", { text: `${line}\n` }) : `${line}\n`));
  return el("div", { class: "text" }, ...lines);
};

const names = (title, each, danger) =>
  each.length ? [el("dt", { text: title }), el("dd", { class: danger ? "danger-text" : null, text: each.join("; ") })] : [];

const region = (id, title, language, ...children) =>
  el("section", { class: "card reading", id, tabindex: "0", "aria-labelledby": `${id}-title` },
    el("h2", { id: `${id}-title`, text: title }), el("div", { class: "stack", lang: langOf(language) }, ...children));

const caseCard = (sheet, words) => {
  const rows = [...names(words.right_diagnosis, sheet.reference, false), ...names(words.must_not_miss, sheet.cant_miss, true)];
  const card = region("case", words.case, sheet.language, prose(sheet.case));
  if (rows.length) card.append(el("dl", { class: "reference", lang: document.documentElement.lang }, ...rows));
  return card;
};

const explanation = (told, words) => {
  const most = Math.max(...told.units.map((unit) => Math.abs(unit.weight)), 1e-9);
  const bar = (unit) => {
    const side = unit.weight < 0 ? "against" : "for";
    const line = el("i", { class: side });
    line.style.width = `${Math.round((100 * Math.abs(unit.weight)) / most)}%`;
    const weight = `${unit.weight < 0 ? "−" : "+"}${Math.abs(unit.weight).toFixed(2)}`;
    return el("li", {}, el("span", { text: unit.text }), el("span", { class: "bar", "aria-hidden": "true" }, line),
      el("span", { class: "weight" }, el("span", { class: "sr", text: `${words[`speaks_${side}`]} ` }), weight));
  };
  return el("div", { class: "explained" },
    el("h3", { text: words.explanation }),
    told.sentence ? el("p", { text: told.sentence }) : null,
    told.reliable ? null : el("p", { class: "alert warn", lang: document.documentElement.lang, text: words.unreliable }),
    told.units.length ? el("ul", { class: "bars" }, ...told.units.map(bar)) : null);
};

const answerCard = (label, sheet, words) => {
  const title = sheet.paired ? fill(words.answer_of, { label }) : words.answer;
  const told = sheet.explanations[label];
  return region(`answer-${label}`, title, sheet.language, prose(sheet.answers[label]), told ? explanation(told, words) : null);
};

/* The questions in which two versions differ, and what each says. */
const differences = (form, mine, theirs) => {
  const rows = [];
  for (const { label, item } of form.questions) {
    const [one, two] = [mine[label]?.[item.id], theirs[label]?.[item.id]];
    if (JSON.stringify(one ?? null) !== JSON.stringify(two ?? null)) rows.push({ label, item, one, two });
  }
  return rows;
};

const versionsTable = (form, rows, words) => {
  const short = (item, value) => {
    const text = isEmpty(value) ? words.nothing : form.told(item, value);
    return text.length > 300 ? `${text.slice(0, 300)} …` : text;
  };
  const line = ({ label, item, one, two }) =>
    el("tr", {}, el("th", { scope: "row", text: form.sheet.paired && label !== BOTH ? `${label}: ${item.label}` : item.label }),
      el("td", { text: short(item, one) }), el("td", { text: short(item, two) }));
  const head = [words.question, words.mine, words.other].map((text) => el("th", { scope: "col", text }));
  return el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows.map(line)));
};

const duration = (ms, words) => {
  const minutes = Math.max(1, Math.round(ms / 60_000));
  return minutes < 90 ? fill(words.minutes, { n: minutes }) : fill(words.hours, { n: (minutes / 60).toFixed(1).replace(/\.0$/, "") });
};
