// Keeps a page up to date that would be whole without it. What is marked with
// data-live and has an id is taken from the same page, asked for anew.
"use strict";
(() => {
  const refreshEvery = 10_000; // polls that change nothing make no event
  const settle = 400; // events that come together lead to one refresh
  const skew = Date.parse(document.body.dataset.now) - Date.now();

  // Times, in the words of the server.
  const ago = (ms) => {
    const future = ms < 0;
    const s = Math.floor(Math.abs(ms) / 1000);
    if (!future && s < 1) return "now";
    let text = `${Math.floor(s / 86400)} d`;
    if (s < 90) text = `${Math.max(1, s)} s`;
    else if (s < 7200) text = `${Math.floor(s / 60)} min`;
    else if (s < 36 * 3600) text = `${Math.floor(s / 3600)} h`;
    return future ? `in ${text}` : `${text} ago`;
  };
  const tick = () => {
    const now = Date.now() + skew;
    for (const t of document.querySelectorAll("time[data-ago]")) {
      const since = now - Date.parse(t.dateTime);
      const text = since >= 0 && "due" in t.dataset ? "due now" : ago(since);
      if (t.textContent !== text) t.textContent = text;
    }
  };
  setInterval(tick, 1000);

  // On a small screen the navigation is a strip, and the page's own entry in it
  // may be out of sight.
  const current = document.querySelector(".side nav [aria-current]");
  const strip = current?.closest("nav");
  if (strip) strip.scrollLeft = current.offsetLeft + current.offsetWidth / 2 - strip.clientWidth / 2;

  // Makes an element like another one and touches nothing that is like it
  // already, so that focus, selection and what was unfolded stay.
  const morph = (from, to) => {
    if (from.isEqualNode(to)) return;
    for (const { name } of [...from.attributes]) {
      if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
    }
    for (const { name, value } of to.attributes) {
      if (name !== "open" && from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
    let old = from.firstChild;
    for (let fresh = to.firstChild; fresh; ) {
      const next = fresh.nextSibling;
      if (old && old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && (old.id || "") === (fresh.id || "")) {
        if (old.nodeType === Node.ELEMENT_NODE) morph(old, fresh);
        else if (old.data !== fresh.data) old.data = fresh.data;
        old = old.nextSibling;
      } else {
        from.insertBefore(document.adoptNode(fresh), old);
      }
      fresh = next;
    }
    while (old) {
      const next = old.nextSibling;
      old.remove();
      old = next;
    }
  };

  const take = (html) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const assets = (of) => [...of.querySelectorAll("head script, head link")].map((e) => e.outerHTML).join();
    if (assets(page) !== assets(document)) {
      location.reload(); // the daemon is of another version now
      return;
    }
    for (const region of document.querySelectorAll("[data-live][id]")) {
      const fresh = page.getElementById(region.id);
      if (fresh) morph(region, fresh);
    }
    tick();
  };

  let asking = null;
  const refresh = async (address = location.href) => {
    asking?.abort();
    const mine = (asking = new AbortController());
    try {
      const answer = await fetch(address, { signal: mine.signal, headers: { "X-Pollwire-Refresh": "1" } });
      if (answer.redirected && new URL(answer.url).pathname === "/login") {
        location.assign(answer.url); // the session has ended
        return;
      }
      if (answer.ok) take(await answer.text());
      show(answer.ok ? "Live" : answer.status === 404 ? "Gone" : "Out of date");
    } catch (error) {
      if (error.name !== "AbortError") show("Not reached");
    } finally {
      if (asking === mine) asking = null;
    }
  };

  // The button that says whether the page is live, and stops that.
  const button = document.getElementById("live");
  const show = (how) => {
    if (!button) return;
    const on = button.getAttribute("aria-pressed") === "true";
    button.classList.toggle("away", on && how !== "Live");
    button.querySelector("[data-live-text]").textContent = on ? how : "Not live";
  };

  let stream = null;
  let timer = 0;
  let soon = 0;
  const hear = () => {
    stream = new EventSource("/v1/events/stream");
    stream.onopen = () => {
      if ("heard" in button.dataset) refresh(); // something may have come meanwhile
      button.dataset.heard = "";
    };
    stream.onmessage = () => {
      soon ||= setTimeout(() => {
        soon = 0;
        refresh();
      }, settle);
    };
  };
  const listen = () => {
    if (stream) return;
    hear();
    timer = setInterval(() => {
      if (stream.readyState === EventSource.CLOSED) hear(); // it was refused
      refresh();
    }, refreshEvery);
  };
  const rest = () => {
    stream?.close();
    stream = null;
    clearInterval(timer);
  };
  // A page that nobody sees holds no connection: a browser has six for a server.
  const follow = () => {
    if (button.getAttribute("aria-pressed") === "true" && document.visibilityState === "visible") listen();
    else rest();
  };
  if ("live" in document.body.dataset && button) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(on));
      show("Live");
      follow();
      if (on) refresh();
    });
    document.addEventListener("visibilitychange", () => {
      follow();
      if (stream) refresh();
    });
    follow();
  }

  // A form leads to another page: what this one still asks for must not get in
  // its way. It is sent once, however often its button is pressed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if ("sent" in form.dataset || (form.dataset.confirm && !confirm(form.dataset.confirm))) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "";
    asking?.abort();
    rest();
    setTimeout(() => { // the page is still here, or here again
      delete form.dataset.sent;
      if (button && !button.hidden) follow();
    }, 5000);
  });

  // A search shows what it finds while one types.
  for (const form of document.querySelectorAll("form[data-search]")) {
    let typed = 0;
    form.addEventListener("input", () => {
      clearTimeout(typed);
      typed = setTimeout(() => {
        const values = [...new FormData(form)].filter(([, value]) => value !== "");
        const address = `${form.getAttribute("action")}?${new URLSearchParams(values)}`;
        history.replaceState(null, "", address);
        refresh(address);
      }, 200);
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select")) return;
    const search = document.querySelector("input[type=search]");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  });
})();
