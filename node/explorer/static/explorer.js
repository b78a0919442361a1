// What scripts add to the explorer: pages renew themselves when a block comes, ages count on,
// buttons show that they work. Everything else works without.
"use strict";
(() => {
  const root = document.body.dataset.root;
  const hour = 3600;

  function ages() {
    for (const item of document.querySelectorAll("time[data-ms]")) {
      const seconds = Math.max(0, Math.round((Date.now() - Number(item.dataset.ms)) / 1000));
      if (seconds < 60) item.textContent = `${seconds} s ago`;
      else if (seconds < hour) item.textContent = `${Math.floor(seconds / 60)} min ago`;
      else if (seconds < 24 * hour) item.textContent = `${Math.floor(seconds / hour)} h ago`;
    }
  }

  function say(text, live) {
    document.documentElement.classList.toggle("is-live", live);
    for (const item of document.querySelectorAll("[data-state]")) item.textContent = text;
  }

  // A region is replaced by the one that the node renders now; new rows are lit for a moment.
  function replace(region, next) {
    const keys = (part) => new Set([...part.querySelectorAll("[data-key]")].map((x) => x.dataset.key));
    const known = keys(region);
    const focused = region.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const fresh = document.importNode(next, true);
    for (const row of fresh.querySelectorAll("[data-key]")) {
      if (known.size && !known.has(row.dataset.key)) row.classList.add("fresh");
    }
    region.replaceWith(fresh);
    if (focused) [...fresh.querySelectorAll("a")].find((x) => x.getAttribute("href") === focused)?.focus();
  }

  let busy = false;
  let again = false;
  async function renew() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const region of document.querySelectorAll("[data-live]")) {
          const next = page.getElementById(region.id);
          if (next) replace(region, next);
        }
        say("live", true);
        ages();
      }
    } catch {
      say("the node does not answer", false);
    } finally {
      busy = false;
      if (again) {
        again = false;
        setTimeout(renew, 500);
      }
    }
  }

  let source = null;
  function listen() {
    if (source || document.hidden || !document.querySelector("[data-live]")) return;
    source = new EventSource(`${root}/live`);
    source.addEventListener("open", () => say("live", true));
    source.addEventListener("block", renew);
    source.addEventListener("error", () => say("the node does not answer", false));
  }
  function stop() {
    source?.close();
    source = null;
  }
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop();
    else if (!source) {
      listen();
      if (source) renew();
    }
  });
  addEventListener("pagehide", stop);

  for (const form of document.querySelectorAll("form.again")) {
    form.addEventListener("submit", () => form.querySelector("button").setAttribute("aria-busy", "true"));
  }

  ages();
  setInterval(ages, 1000);
  listen();
})();
