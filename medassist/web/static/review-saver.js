/* Saves as one goes, so that nothing is lost and nothing counts twice: one request at a time, each under a key of its
   own, and the same request with the same key until it is answered. */
"use strict";

const QUIET = 800; // ms without a change after which it is saved …
const LONGEST = 1500; // … and after which it is saved all the same
const IDLE = 60_000;
const PATIENCE = 20_000;
const KEPT_ALIVE = 60_000; // bytes that a browser still sends while it closes a page

/* Time at work: while the page is visible and was used within the last minute. Clock changes do not matter. */
class Worked {
  constructor() {
    this.total = 0;
    this.from = this.used = performance.now();
    for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchmove", "scroll"])
      document.addEventListener(kind, () => this.touch(), { passive: true, capture: true });
    document.addEventListener("visibilitychange", () => (document.hidden ? this.count() : this.touch()));
  }

  count() {
    const now = performance.now();
    if (!this.hidden) this.total += Math.max(0, Math.min(now, this.used + IDLE) - this.from);
    this.from = now;
    this.hidden = document.hidden;
  }

  touch() {
    this.count();
    this.used = performance.now();
  }

  take() {
    this.count();
    const whole = Math.round(this.total);
    this.total = 0;
    return whole;
  }

  giveBack(time) {
    this.total += time;
  }
}

const unguessed = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/* Wait, or until there is a reason to try again. */
const nudged = (pause) =>
  new Promise((done) => {
    const kinds = [[window, "online"], [window, "focus"], [document, "visibilitychange"]];
    const stop = () => {
      clearTimeout(timer);
      for (const [target, kind] of kinds) target.removeEventListener(kind, stop);
      done();
    };
    const timer = setTimeout(stop, pause);
    for (const [target, kind] of kinds) target.addEventListener(kind, stop);
  });

class Api {
  constructor(seat) {
    this.base = `/api/review/${encodeURIComponent(seat)}/`;
  }

  /* Raises where there is no answer at all. */
  async send(method, path, body = undefined) {
    const url = `${this.base}${path}${path.includes("?") ? "&" : "?"}lang=${document.documentElement.lang.slice(0, 2)}`;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const answer = await fetch(url, {
      method,
      body: text,
      cache: "no-store",
      redirect: "error",
      headers: text === undefined ? {} : { "Content-Type": "application/json" },
      keepalive: text !== undefined && new Blob([text]).size < KEPT_ALIVE,
      signal: AbortSignal.timeout(PATIENCE),
    });
    let data = {};
    try { data = await answer.json(); } catch { /* a refusal without words */ }
    return { status: answer.status, data };
  }
}

const again = (status) => status === 0 || status === 401 || status === 429 || status >= 500;

class Saver {
  /* `show(state, answer?)`: dirty | saving | saved | retrying | signed_out | not_saved; `refused(answer)`: only the rater can decide. */
  constructor({ api, id, holder, revision, collect, worked, show, refused }) {
    Object.assign(this, { api, id, holder, revision, collect, worked, show, refused });
    this.dirty = this.paused = this.closed = this.failing = false;
    this.pending = this.running = null;
  }

  get unsaved() {
    return this.dirty || this.pending !== null;
  }

  change() {
    this.dirty = true;
    if (this.paused) return;
    if (!this.failing) this.show("saving");
    this.since ??= performance.now();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), Math.max(0, Math.min(QUIET, this.since + LONGEST - performance.now())));
  }

  /* Whether all is saved. */
  async flush() {
    clearTimeout(this.timer);
    this.running ??= this.drain().finally(() => (this.running = null));
    await this.running;
    return !this.unsaved;
  }

  async drain() {
    while (this.dirty && !this.paused && !this.closed) {
      this.dirty = false;
      this.since = undefined;
      const body = this.payload();
      const answer = await this.deliver("PUT", "draft", body);
      if (answer?.status === 200) this.revision = answer.data.revision;
      else return this.failed(body, answer);
    }
    if (!this.dirty) this.show("saved");
  }

  failed(body, answer) {
    this.worked.giveBack(body.active_ms);
    this.dirty = true;
    if (!answer) return;
    if (answer.status === 413 || answer.status === 422) this.show("not_saved", answer); // until something is changed
    else {
      this.paused = true;
      this.show("not_saved");
      this.refused(answer);
    }
  }

  payload() {
    return { holder: this.holder, revision: this.revision, key: unguessed(), values: this.collect(), active_ms: this.worked.take() };
  }

  /* Submit or amend: in its turn, once. The answer, or null where something else has to be settled first. */
  async once(path, more) {
    clearTimeout(this.timer);
    while (this.running) await this.running;
    if (this.paused || this.closed) return null;
    const body = { ...this.payload(), ...more };
    this.running = this.deliver("POST", path, body).finally(() => (this.running = null));
    const answer = await this.running;
    if (answer?.status === 200) {
      this.revision = answer.data.revision;
      this.dirty = false;
    } else this.worked.giveBack(body.active_ms);
    return answer;
  }

  async deliver(method, what, body) {
    this.pending = { method, path: `assignments/${encodeURIComponent(this.id)}/${what}`, body };
    for (let pause = 1000; !this.closed; pause = Math.min(2 * pause, 30_000)) {
      let answer = { status: 0, data: {} };
      try { answer = await this.api.send(method, this.pending.path, body); } catch { /* no answer: again */ }
      if (!again(answer.status)) {
        this.pending = null;
        this.failing = false;
        return answer;
      }
      this.failing = true;
      this.show(answer.status === 401 ? "signed_out" : "retrying", answer);
      await nudged(pause);
    }
    return null;
  }

  /* The page may be gone in a moment: send what is not sent. What is sent twice counts once. */
  leaving() {
    if (this.paused || this.closed) return;
    if (!this.running) {
      this.flush();
      return;
    }
    if (!this.dirty || this.pending?.method !== "PUT") return;
    const body = { ...this.payload(), revision: this.revision + 1 };
    this.worked.giveBack(body.active_ms); // told again with the next one, unless this was the last
    body.active_ms = 0;
    this.api.send("PUT", this.pending.path, body).catch(() => {});
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
  }
}
