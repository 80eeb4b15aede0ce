/* The shortcut that sends, bringing into view what a press of a button has changed below or above, and lighting up a
   finding in the text when its bar is pointed at, and the other way round. */
(() => {
  const press = (id) => {
    const button = document.getElementById(id);
    if (button && !button.disabled) button.click();
  };
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    const active = document.activeElement;
    if (active) active.dispatchEvent(new Event("input", { bubbles: true }));
    const inside = (id) => active && active.closest(`#${id}`);
    setTimeout(() => press(inside("ma-follow-up") ? "ma-ask" : inside("ma-note") ? "ma-fill" : "ma-diagnose"), 0);
  });
  const narrow = window.matchMedia("(max-width: 860px)");
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  document.addEventListener("click", (event) => {
    if (!event.target.closest || !event.target.closest("#ma-diagnose")) return;
    setTimeout(() => {
      const error = document.querySelector("#ma-alert .ma-alert");
      const target = error || (narrow.matches && document.getElementById("ma-status"));
      if (target) target.scrollIntoView({ block: error ? "nearest" : "start", behavior: still.matches ? "auto" : "smooth" });
    }, 400);
  });
  const light = (event) => {
    const box = event.target.closest && event.target.closest(".ma-explained");
    document.querySelectorAll(".ma-explained .ma-lit").forEach((each) => each.classList.remove("ma-lit"));
    const unit = box && event.target.closest("[data-unit]");
    if (unit) box.querySelectorAll(`[data-unit="${unit.dataset.unit}"]`).forEach((each) => each.classList.add("ma-lit"));
  };
  document.addEventListener("mouseover", light);
  document.addEventListener("focusin", light);
})();
