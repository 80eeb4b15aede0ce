// What the study pages do beyond forms: counts that keep up, files measured before they are sent, a link that is copied.
// Without it everything works; one has to reload.
(() => {
  "use strict";

  const EVERY = 2000;
  const REST = 10 * 60 * 1000; // asking keeps a session alive, so it ends some time after whoever is here has left

  function live(told) {
    for (const place of document.querySelectorAll("[data-live]")) {
      const value = place.dataset.live.split(".").reduce((part, key) => part?.[key], told);
      if (value === undefined) continue;
      if (place.tagName === "PROGRESS") place.value = value;
      else if (place.textContent !== String(value)) place.textContent = String(value);
    }
  }

  // Something other than a count has changed: take the sections anew, but for one in which somebody is at work.
  async function renew(page) {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const section of fresh.querySelectorAll("details.step")) {
      const old = document.getElementById(section.id);
      if (!old || old.contains(document.activeElement) || old.dataset.touched) continue;
      section.open = old.open || section.open;
      old.replaceWith(document.adoptNode(section));
      dress(section);
    }
    const steps = fresh.querySelector(".steps");
    if (steps) page.querySelector(".steps").replaceWith(document.adoptNode(steps));
  }

  function poll(page) {
    let stamp = page.dataset.stamp;
    let moved = Date.now();
    for (const kind of ["pointermove", "keydown", "scroll"]) {
      addEventListener(kind, () => { moved = Date.now(); }, { passive: true });
    }
    const ask = async () => {
      if (document.hidden || Date.now() - moved > REST) return;
      try {
        const answer = await fetch(page.dataset.poll, { headers: { Accept: "application/json" } });
        if (!answer.ok) return;
        const told = await answer.json();
        live(told);
        if (stamp !== told.stamp) await renew(page);
        stamp = told.stamp;
      } catch {
        // The server is away for a moment; the next time may do.
      }
    };
    setInterval(ask, EVERY);
    ask();
  }

  // Something is being made that the page will show once it is there.
  function wait() {
    setInterval(async () => {
      if (document.hidden) return;
      try {
        const answer = await fetch(location.pathname);
        if (answer.ok && !(await answer.text()).includes("data-waiting")) location.reload();
      } catch {
        // As above.
      }
    }, EVERY);
  }

  function measure(input) {
    const error = input.parentElement.querySelector(".error");
    input.addEventListener("change", () => {
      const file = input.files[0];
      const large = Boolean(file) && file.size > Number(input.dataset.most);
      input.setCustomValidity(large ? input.dataset.tooLarge : "");
      error.textContent = large ? input.dataset.tooLarge : "";
      error.hidden = !large;
    });
  }

  function offerCopy(button) {
    const link = document.getElementById(button.dataset.copy);
    link.textContent = new URL(link.dataset.path, location.href).href;
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(link.textContent);
      button.textContent = button.dataset.copied;
    });
  }

  document.addEventListener("input", (event) => {
    const section = event.target.closest("details.step");
    if (section) section.dataset.touched = "yes";
  });
  function dress(root) {
    root.querySelectorAll("input[type=file][data-most]").forEach(measure);
    root.querySelectorAll("[data-copy]").forEach(offerCopy);
  }

  dress(document);
  document.querySelectorAll("[data-poll]").forEach(poll);
  if (document.querySelector("[data-waiting]")) wait();
})();
