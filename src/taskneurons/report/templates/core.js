"use strict";
// What all scripts of the page share. Texts from data become text nodes, never markup.
const page = {};

page.find = (selector, root = document) => root.querySelector(selector);
page.all = (selector, root = document) => [...root.querySelectorAll(selector)];

// A new element: properties that begin with `on` are listeners, `text` is its text, others are attributes.
page.make = (tag, properties = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "text") element.textContent = value;
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
};

// Packed data stand behind the scripts, so that the page is painted before they are read.
page.parsed = new Promise((done) => {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", done);
  else done();
});

page.bytes = async (id) => {
  await page.parsed;
  const holder = document.getElementById(id);
  if (!holder) return null;
  const text = atob(holder.textContent);
  const zipped = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) zipped[i] = text.charCodeAt(i);
  const stream = new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
};

page.json = async (id) => {
  const bytes = await page.bytes(id);
  return bytes ? JSON.parse(new TextDecoder().decode(bytes)) : null;
};

// A number to `digits` significant digits, any other text as it is.
page.short = (text, digits = 4) => {
  if (text === null || text === undefined || String(text).trim() === "") return "";
  const value = Number(text);
  if (!Number.isFinite(value)) return String(text);
  if (Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(digits)));
};

page.numeric = (text) => text !== "" && Number.isFinite(Number(text));

page.save = (name, content, type) => {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = page.make("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
};

// Run when an element comes near the window, or when the page has nothing else to do, or before it is printed.
page.later = (element, run) => {
  let done = false;
  const once = () => {
    if (!done) {
      done = true;
      run();
    }
  };
  const watcher = new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting)) {
        watcher.disconnect();
        once();
      }
    },
    { rootMargin: "600px" },
  );
  watcher.observe(element);
  page.waiting.push(once);
};
page.waiting = [];
page.everything = () => {
  for (const run of page.waiting.splice(0)) run();
};
addEventListener("beforeprint", page.everything);

// Colours: as the system has them, light, dark.
{
  const button = page.find("#theme");
  const themes = { auto: "Auto", light: "Light", dark: "Dark" };
  const spoken = { auto: "as the system has them", light: "light", dark: "dark" };
  const read = () => {
    try {
      return localStorage.getItem("theme") || "auto";
    } catch {
      return "auto";
    }
  };
  const show = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = themes[theme];
    button.setAttribute("aria-label", `Colours: ${spoken[theme]}`);
  };
  let theme = themes[read()] ? read() : "auto";
  show(theme);
  page.dark = () =>
    theme === "dark" || (theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  const told = () => document.dispatchEvent(new Event("theme"));
  button.addEventListener("click", () => {
    const names = Object.keys(themes);
    theme = names[(names.indexOf(theme) + 1) % names.length];
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // Some browsers give files no storage; the choice then lasts as long as the page.
    }
    show(theme);
    told();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", told);
}

// Contents: opened by a button on narrow windows; the section in view is marked.
{
  const menu = page.find("#menu");
  const nav = page.find("#contents");
  const open = (is) => {
    nav.classList.toggle("open", is);
    menu.setAttribute("aria-expanded", String(is));
  };
  menu.addEventListener("click", () => open(!nav.classList.contains("open")));
  nav.addEventListener("click", (event) => event.target.closest("a") && open(false));
  document.addEventListener("keydown", (event) => event.key === "Escape" && open(false));
  const links = new Map(page.all("a", nav).map((link) => [link.getAttribute("href").slice(1), link]));
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        for (const link of links.values()) link.removeAttribute("aria-current");
        links.get(entry.target.id)?.setAttribute("aria-current", "true");
      }
    },
    { rootMargin: "-20% 0px -70% 0px" },
  );
  for (const id of links.keys()) {
    const section = document.getElementById(id);
    if (section) watcher.observe(section);
  }
}

// Claims are filtered by verdict and text.
{
  const bar = page.find("#claim-filters");
  if (bar) {
    const text = page.find("#claim-text");
    const verdict = page.find("#claim-verdict");
    const claims = page.all("table.claims tbody");
    const filter = () => {
      const words = text.value.toLowerCase();
      let shown = 0;
      for (const claim of claims) {
        const verdicts = page.all("tr", claim).map((row) => row.dataset.verdict);
        const fits =
          (!verdict.value || verdicts.includes(verdict.value)) && claim.textContent.toLowerCase().includes(words);
        claim.hidden = !fits;
        shown += fits;
      }
      page.find("#claim-count").textContent = `${shown} of ${claims.length} claims`;
    };
    text.addEventListener("input", filter);
    verdict.addEventListener("change", filter);
    bar.hidden = false;
    filter();
  }
}
