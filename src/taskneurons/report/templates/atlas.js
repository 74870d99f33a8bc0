// The atlas: ranks of all neurons on a canvas, by layer and index, for one task or two; a table and a card beside it.
{
  const holder = page.find("#atlas-app");
  const layers = JSON.parse(page.find("#atlas-index").textContent);
  const suites = JSON.parse(page.find("#suites").textContent);
  const ROWS = 12;
  const LISTED = 600;
  const VIEWS = { one: "One task", difference: "Difference", overlap: "Overlap" };
  // A score to its three digits, the last one shown even where it is zero.
  const digits = (value) => (value !== 0 && Math.abs(value) < 1000 ? value.toPrecision(3) : String(value));
  const unique = (values) => [...new Set(values)];

  // Scores of one task: exact ranks, and the value of each rank to three digits.
  const cache = new Map();
  const scores = (layer, task) => {
    const key = `${layer}-${task}`;
    if (!cache.has(key))
      cache.set(
        key,
        (async () => {
          const [form, bytes] = await Promise.all([page.json(`scores-${key}`), page.bytes(`ranks-${key}`)]);
          const size = bytes.length / form.planes;
          const ranks = new Uint32Array(size);
          for (let plane = 0; plane < form.planes; plane++)
            for (let i = 0, at = plane * size; i < size; i++) ranks[i] |= bytes[at + i] << (8 * plane);
          const order = new Uint32Array(size);
          for (let i = 0; i < size; i++) order[ranks[i]] = i;
          const ends = new Uint32Array(form.counts.length);
          let end = 0;
          form.counts.forEach((count, i) => (ends[i] = end += count));
          const value = (rank) => {
            let low = 0;
            let high = ends.length - 1;
            while (low < high) {
              const middle = (low + high) >> 1;
              if (ends[middle] > rank) high = middle;
              else low = middle + 1;
            }
            return form.values[low];
          };
          return { ranks, order, value: (neuron) => value(ranks[neuron]) };
        })(),
      );
    return cache.get(key);
  };

  // The members of a set of `percent` % by ranks, as the library selects them; and how many each layer has.
  const selected = (ranks, [depth, width], percent, within) => {
    const mask = new Uint8Array(ranks.length);
    const count = (n) => Math.max(1, Math.floor((percent * n) / 100 + 0.5));
    if (within === "model") {
      const most = count(ranks.length);
      for (let i = 0; i < ranks.length; i++) mask[i] = ranks[i] < most ? 1 : 0;
    } else {
      for (let layer = 0; layer < depth; layer++) {
        const own = ranks.subarray(layer * width, (layer + 1) * width);
        const cut = Uint32Array.from(own).sort()[count(width) - 1];
        for (let i = 0; i < width; i++) mask[layer * width + i] = own[i] <= cut ? 1 : 0;
      }
    }
    return mask;
  };
  const total = (mask) => mask.reduce((sum, one) => sum + one, 0);

  // Colours, light and dark: nothing to much; B to A; the four kinds of membership.
  const mix = (stops, t) => {
    const place = Math.min(Math.max(t, 0), 1) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    return stops[low].map((one, i) => Math.round(one + (stops[low + 1][i] - one) * (place - low)));
  };
  let printing = false;
  const palettes = () =>
    page.dark() && !printing
      ? {
          scale: [[26, 29, 34], [66, 48, 40], [150, 84, 28], [240, 159, 44], [255, 232, 170]],
          sides: [[86, 180, 233], [45, 90, 120], [26, 29, 34], [140, 86, 20], [240, 159, 44]],
          kinds: [[32, 36, 42], [240, 159, 44], [86, 180, 233], [250, 250, 245]],
        }
      : {
          scale: [[250, 247, 240], [250, 225, 175], [236, 158, 51], [190, 80, 20], [92, 24, 10]],
          sides: [[0, 90, 156], [140, 190, 222], [248, 246, 241], [240, 180, 90], [190, 90, 10]],
          kinds: [[240, 237, 229], [226, 142, 10], [46, 150, 210], [20, 20, 20]],
        };

  const start = async () => {
    const runs = unique(layers.map((one) => one.run));
    const first = layers[0];
    const state = {
      run: first.run, seed: first.seed, est: first.estimator, view: "one", a: "", b: "", p: 10, w: "model", n: "", from: 0, to: 0, layer: "",
    };
    const kept = Object.keys(state);
    const current = () =>
      layers.find((one) => one.run === state.run && one.seed === state.seed && one.estimator === state.est);
    // The nearest layer of the atlas there is, and tasks that it has.
    const settle = () => {
      const fits = (...names) =>
        layers.filter((one) => names.every((name) => one[name === "est" ? "estimator" : name] === state[name]));
      const [found] = [...fits("run", "est", "seed"), ...fits("run", "est"), ...fits("run"), ...layers];
      Object.assign(state, { run: found.run, seed: found.seed, est: found.estimator });
      const names = found.tasks.map((task) => task.name);
      if (!names.includes(state.a)) state.a = names[0];
      if (!names.includes(state.b)) state.b = names.find((name) => name !== state.a) || state.a;
      const [depth, width] = found.shape;
      state.from = Math.min(Math.max(0, Math.floor(state.from) || 0), width - 1);
      state.to = Math.min(Math.max(state.from + 1, Math.floor(state.to) || width), width);
      if (!(state.p > 0 && state.p <= 100)) state.p = 10;
      if (!VIEWS[state.view]) state.view = "one";
      if (!["model", "layer"].includes(state.w)) state.w = "model";
      if (state.layer !== "" && !(Number(state.layer) < depth)) state.layer = "";
      const neuron = parse(state.n, depth, width);
      state.n = neuron === null ? "" : `${Math.floor(neuron / width)}.${neuron % width}`;
    };
    const parse = (text, depth, width) => {
      const match = /^\s*(?:layer|l)?\s*(\d+)\s*[.,:/\s]\s*(?:neuron|n)?\s*(\d+)\s*$/i.exec(text);
      if (!match || Number(match[1]) >= depth || Number(match[2]) >= width) return null;
      return Number(match[1]) * width + Number(match[2]);
    };
    const read = () => {
      const [, query] = location.hash.split("?");
      if (!location.hash.startsWith("#atlas") || !query) return false;
      for (const [name, value] of new URLSearchParams(query))
        if (kept.includes(name)) state[name] = ["p", "from", "to"].includes(name) ? Number(value) : value;
      return true;
    };
    const address = () => {
      const query = new URLSearchParams();
      for (const name of kept) {
        if (state[name] === "" || (name === "b" && state.view === "one")) continue;
        if (["from", "to"].includes(name) && state.to - state.from === current().shape[1]) continue;
        query.set(name, state[name]);
      }
      return `#atlas?${query}`;
    };

    // The parts of the atlas.
    const chooser = (label, name, onchange) => {
      const select = page.make("select", { "data-name": name, onchange: () => (onchange ? onchange(select.value) : ((state[name] = select.value), update())) });
      return { label: page.make("label", { text: `${label} ` }, select), select };
    };
    const fill = ({ select, label }, values, value, texts = values) => {
      select.replaceChildren(...values.map((one, i) => page.make("option", { text: texts[i], value: one })));
      select.value = value;
      label.hidden = values.length < 2 && select.dataset.name !== "a";
    };
    const run = chooser("Model", "run");
    const seed = chooser("Seed", "seed");
    const est = chooser("Scores", "est");
    const a = chooser("Task", "a");
    const b = chooser("against", "b");
    const within = chooser("of the", "w");
    const only = chooser("Layer", "layer");
    const percent = page.make("input", {
      type: "number", min: "0.1", max: "100", step: "any", "data-name": "p",
      oninput: () => {
        const value = Number(percent.value);
        // Half-typed numbers wait for the rest.
        if (value > 0 && value <= 100) ((state.p = value), (state.touched = true), update());
      },
    });
    const views = page.make("div", { class: "segments", role: "group", "aria-label": "View" });
    for (const [name, text] of Object.entries(VIEWS))
      views.append(page.make("button", { type: "button", text, "data-view": name, onclick: () => ((state.view = name), update()) }));
    const note = page.make("span", { class: "hint", role: "status", id: "atlas-note" });
    const search = page.make("input", {
      type: "search", placeholder: "2.37 or a task", autocomplete: "off", "aria-describedby": "atlas-note",
      onkeydown: (event) => event.key === "Enter" && seek(),
      onchange: () => seek(),
    });
    const seek = () => {
      const [depth, width] = current().shape;
      const text = search.value.trim().toLowerCase();
      if (!text) return void (note.textContent = "");
      const neuron = parse(text, depth, width);
      const task = current().tasks.find((one) => one.name.toLowerCase().includes(text));
      const layer = /^(?:layer|l)\s*(\d+)$/.exec(text);
      note.textContent = "";
      if (neuron !== null) go(neuron);
      else if (layer && Number(layer[1]) < depth) ((state.layer = layer[1]), update());
      else if (task) ((state.a = task.name), update());
      else note.textContent = `No neuron and no task fits. Layers are 0 to ${depth - 1}, neurons 0 to ${width - 1}.`;
    };
    const canvas = page.make("canvas", {
      tabindex: "0", role: "application", "aria-label": "Neurons by layer and index", "aria-describedby": "atlas-help",
    });
    const help = page.make("p", {
      id: "atlas-help", class: "hint",
      text: "Click a neuron, or use the arrow keys on the map; Shift moves by sixteen, Home and End go to the ends of a layer, + and − zoom, 0 shows all.",
    });
    const legend = page.make("div", { class: "legend" });
    const status = page.make("p", { class: "status", role: "status" });
    const tip = page.find("#tip");
    const zoom = (text, label, factor) =>
      page.make("button", { type: "button", text, "aria-label": label, onclick: () => zoomed(factor) });
    const tools = page.make(
      "div", { class: "tools" },
      zoom("+", "Zoom in", 0.5), zoom("−", "Zoom out", 2), zoom("All", "Show all neurons", Infinity),
      page.make("button", { type: "button", text: "CSV", "aria-label": "Download the scores as CSV", onclick: () => download("csv") }),
      page.make("button", { type: "button", text: "JSON", "aria-label": "Download the scores as JSON", onclick: () => download("json") }),
    );
    const table = page.make("table", { class: "neurons" });
    const pager = page.make("footer", { class: "pager" });
    const card = page.make("aside", { class: "neuron", "aria-label": "Neuron" });
    holder.replaceChildren(
      page.make("div", { class: "filters" }, run.label, seed.label, est.label, views, a.label, b.label,
        page.make("label", { text: "Set: top " }, percent, " %"), within.label, only.label,
        page.make("label", { text: "Find " }, search), note),
      page.make("div", { class: "map" }, canvas),
      page.make("div", { class: "under" }, legend, tools),
      status, help,
      page.make("div", { class: "two" },
        page.make("section", { class: "table", "aria-label": "Neurons of the view" },
          page.make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Neurons of the view" }, table), pager),
        card),
    );

    // What is in view: two tasks, their sets, and the values that are drawn.
    let seen = null;
    let listed = [];
    let place = 0;
    let request = 0;
    const number = () => layers.indexOf(current());
    const taskAt = (name) => current().tasks.findIndex((task) => task.name === name);
    const update = async (scroll) => {
      settle();
      const mine = ++request;
      const layer = current();
      const same = layers.filter((one) => one.run === state.run);
      fill(run, runs, state.run, runs.map((name) => name.replace("/", " / ")));
      fill(est, unique(same.map((one) => one.estimator)), state.est);
      fill(seed, unique(same.filter((one) => one.estimator === state.est).map((one) => one.seed)), state.seed);
      const names = layer.tasks.map((task) => task.name);
      fill(a, names, state.a);
      fill(b, names, state.b);
      b.label.hidden = state.view === "one";
      fill(within, ["model", "layer"], state.w, ["model", "layer (each)"]);
      fill(only, ["", ...Array(layer.shape[0]).keys()].map(String), String(state.layer), ["all", ...Array(layer.shape[0]).keys()].map(String));
      if (document.activeElement !== percent) percent.value = state.p;
      for (const button of views.children) button.setAttribute("aria-pressed", String(button.dataset.view === state.view));
      const [one, two] = await Promise.all([scores(number(), taskAt(state.a)), scores(number(), taskAt(state.b))]);
      if (mine !== request) return;
      seen = {
        layer, one, two,
        own: selected(one.ranks, layer.shape, state.p, state.w),
        other: selected(two.ranks, layer.shape, state.p, state.w),
      };
      history.replaceState(null, "", state.touched || scroll ? address() : location.hash || location.pathname);
      list();
      draw();
      say();
      await describe();
      holder.dataset.ready = "yes";
      holder.dataset.shown = `${state.run} ${state.seed} ${state.view} ${state.a} ${state.b} ${state.n}`;
    };
    holder.addEventListener("click", () => (state.touched = true), true);
    holder.addEventListener("change", () => (state.touched = true), true);
    holder.addEventListener("keydown", () => (state.touched = true), true);

    // Ranks on a logarithmic scale: 1 for the first neuron, 0 for the last one.
    const strength = (rank, size) => 1 - Math.log(rank + 1) / Math.log(size);
    const colour = (palette, i) => {
      const size = seen.one.ranks.length;
      if (state.view === "one") return mix(palette.scale, strength(seen.one.ranks[i], size));
      if (state.view === "difference")
        return mix(palette.sides, 0.5 + (strength(seen.one.ranks[i], size) - strength(seen.two.ranks[i], size)) / 1.4);
      return palette.kinds[seen.own[i] + 2 * seen.other[i]];
    };
    // Of neurons that share a pixel the one that stands out most is drawn.
    const weight = (i) => {
      const size = seen.one.ranks.length;
      if (state.view === "one") return -seen.one.ranks[i];
      if (state.view === "difference")
        return Math.abs(strength(seen.one.ranks[i], size) - strength(seen.two.ranks[i], size));
      return seen.own[i] + seen.other[i];
    };
    const MARGIN = 34;
    let grid = null;
    const draw = () => {
      const [depth, width] = seen.layer.shape;
      const scale = window.devicePixelRatio || 1;
      const wide = canvas.parentElement.clientWidth;
      const row = depth <= 8 ? 30 : depth <= 16 ? 20 : 14;
      const high = depth * row + 22;
      canvas.style.height = `${high}px`;
      canvas.width = Math.round(wide * scale);
      canvas.height = Math.round(high * scale);
      const context = canvas.getContext("2d");
      context.scale(scale, scale);
      const columns = state.to - state.from;
      const room = wide - MARGIN - 2;
      const bins = Math.min(columns, Math.floor(room * scale));
      const palette = palettes();
      const picture = new ImageData(bins, depth);
      const chosen = new Uint32Array(bins * depth);
      for (let layer = 0; layer < depth; layer++) {
        const faint = state.layer !== "" && Number(state.layer) !== layer;
        for (let bin = 0; bin < bins; bin++) {
          const begin = state.from + Math.floor((bin * columns) / bins);
          const end = Math.max(begin + 1, state.from + Math.floor(((bin + 1) * columns) / bins));
          let best = layer * width + begin;
          if (end - begin > 1) {
            let most = weight(best);
            for (let i = best + 1; i < layer * width + end; i++) {
              const own = weight(i);
              if (own > most) [best, most] = [i, own];
            }
          }
          chosen[layer * bins + bin] = best;
          const [red, green, blue] = colour(palette, best);
          picture.data.set([red, green, blue, faint ? 60 : 255], 4 * (layer * bins + bin));
        }
      }
      const small = new OffscreenCanvas(bins, depth);
      small.getContext("2d").putImageData(picture, 0, 0);
      const style = getComputedStyle(canvas);
      context.imageSmoothingEnabled = false;
      context.font = `11px ${style.fontFamily}`;
      const ink = printing ? "#333" : style.color;
      context.fillStyle = ink;
      context.textBaseline = "middle";
      context.textAlign = "right";
      const every = row < 16 ? 2 : 1;
      for (let layer = 0; layer < depth; layer++) {
        context.drawImage(small, 0, layer, bins, 1, MARGIN, layer * row, room, row - (row > 16 ? 3 : 1));
        if (layer % every === 0) context.fillText(layer, MARGIN - 8, layer * row + row / 2 - 1);
      }
      context.textBaseline = "top";
      const ticks = Math.max(2, Math.min(8, Math.floor(room / 110)));
      for (let tick = 0; tick <= ticks; tick++) {
        const column = Math.round(state.from + ((columns - 1) * tick) / ticks);
        context.textAlign = tick === 0 ? "left" : tick === ticks ? "right" : "center";
        context.fillText(column.toLocaleString("en"), MARGIN + ((column - state.from + 0.5) / columns) * room, depth * row + 4);
      }
      grid = { depth, width, row, room, columns, bins, chosen, high };
      const neuron = parse(state.n, depth, width);
      if (neuron !== null) {
        const [layer, column] = [Math.floor(neuron / width), neuron % width];
        if (column >= state.from && column < state.to) {
          const cell = Math.max(room / columns, 5);
          const x = MARGIN + ((column - state.from + 0.5) / columns) * room - cell / 2;
          context.lineWidth = 4;
          context.strokeStyle = page.dark() ? "#000" : "#fff";
          context.strokeRect(x - 1, layer * row - 1, cell + 2, row - 1);
          context.lineWidth = 2;
          context.strokeStyle = ink;
          context.strokeRect(x - 1, layer * row - 1, cell + 2, row - 1);
        }
      }
      swatches(palette);
    };
    const swatches = (palette) => {
      const patch = (rgb, text) => {
        const square = page.make("i");
        square.style.background = `rgb(${rgb})`;
        return page.make("span", {}, square, text);
      };
      const ramp = (stops, low, high) => {
        const strip = page.make("i", { class: "ramp" });
        strip.style.background = `linear-gradient(to right, ${stops.map((rgb) => `rgb(${rgb})`)})`;
        return page.make("span", {}, low, strip, high);
      };
      const size = seen.one.ranks.length;
      if (state.view === "one") legend.replaceChildren(ramp(palette.scale, `rank ${size.toLocaleString("en")}`, "rank 1 (log scale)"));
      else if (state.view === "difference") legend.replaceChildren(ramp(palette.sides, `more for ${state.b}`, `more for ${state.a}`));
      else
        legend.replaceChildren(
          patch(palette.kinds[1], state.a), patch(palette.kinds[2], state.b), patch(palette.kinds[3], "both"), patch(palette.kinds[0], "neither"),
        );
    };
    const say = () => {
      const [depth, width] = seen.layer.shape;
      const size = depth * width;
      const members = total(seen.own);
      if (state.view === "one") {
        const task = current().tasks[taskAt(state.a)];
        const about = suites[seen.layer.suite]?.[state.a];
        status.textContent =
          `${depth} layers of ${width.toLocaleString("en")} neurons; the set of ${state.a}${about ? ` (${about.kind})` : ""} has ${members.toLocaleString("en")}. ` +
          `Scored on ${task.examples.toLocaleString("en")} examples, ${task.tokens.toLocaleString("en")} tokens.`;
        return;
      }
      let shared = 0;
      let chance = 0;
      for (let layer = 0; layer < depth; layer++) {
        let [x, y] = [0, 0];
        for (let i = layer * width; i < (layer + 1) * width; i++) {
          x += seen.own[i];
          y += seen.other[i];
          shared += seen.own[i] & seen.other[i];
        }
        chance += (x * y) / width;
      }
      const others = total(seen.other);
      if (state.w === "model") chance = (members * others) / size;
      status.textContent =
        `The sets of ${state.a} and ${state.b} have ${members.toLocaleString("en")} neurons each and share ${shared.toLocaleString("en")}; ` +
        `chance would give ${page.short(chance, 3)}. Jaccard ${page.short(shared / (members + others - shared), 3)}.`;
    };

    // The table: the neurons that the view is about, the foremost first.
    const list = () => {
      const { one, two, own, other } = seen;
      const size = one.ranks.length;
      const width = seen.layer.shape[1];
      const fits = (i) => state.layer === "" || Math.floor(i / width) === Number(state.layer);
      let found = [];
      if (state.view === "one") {
        for (let rank = 0; rank < size && found.length < LISTED; rank++) if (fits(one.order[rank])) found.push(one.order[rank]);
      } else {
        const key = new Float32Array(size);
        const both = state.view === "overlap";
        for (let i = 0; i < size; i++) {
          if (!fits(i) || (both && !(own[i] && other[i]))) continue;
          const [x, y] = [strength(one.ranks[i], size), strength(two.ranks[i], size)];
          key[i] = both ? x + y : Math.abs(x - y);
          found.push(i);
        }
        found = found.sort((x, y) => key[y] - key[x]).slice(0, LISTED);
      }
      listed = found;
      place = 0;
      rows();
    };
    const rows = () => {
      const width = seen.layer.shape[1];
      const two = state.view !== "one";
      const heads = ["Neuron", `Score ${two ? state.a : ""}`, "Rank", ...(two ? [`Score ${state.b}`, "Rank"] : []), "In the set"];
      const body = page.make("tbody");
      for (const i of listed.slice(place, place + ROWS)) {
        const name = `${Math.floor(i / width)}.${i % width}`;
        const marks = [seen.own[i] && state.a, two && seen.other[i] && state.b].filter(Boolean).join(", ");
        const cells = [seen.one, ...(two ? [seen.two] : [])].flatMap((task) => [
          page.make("td", { class: "n score", text: digits(task.value(i)) }),
          page.make("td", { class: "n", text: (task.ranks[i] + 1).toLocaleString("en") }),
        ]);
        body.append(
          page.make("tr", { class: name === state.n ? "chosen" : null },
            page.make("th", { scope: "row" }, page.make("button", { type: "button", class: "value", "data-neuron": name, text: name, onclick: () => go(i) })),
            ...cells, page.make("td", { text: two ? marks : marks ? "yes" : "no" })),
        );
      }
      table.replaceChildren(
        page.make("thead", {}, page.make("tr", {}, ...heads.map((text, i) => page.make("th", { scope: "col", class: i && i < heads.length - 1 ? "n" : null, text })))),
        body,
      );
      const step = (text, label, by) => {
        const button = page.make("button", { type: "button", text, "aria-label": label, onclick: () => ((place += by), rows()) });
        button.disabled = place + by < 0 || place + by >= listed.length;
        return button;
      };
      pager.replaceChildren(
        step("‹", "Neurons before", -ROWS),
        page.make("span", { text: listed.length ? `${place + 1}–${Math.min(place + ROWS, listed.length)} of ${listed.length === LISTED ? `the first ${LISTED}` : listed.length}` : "no neurons" }),
        step("›", "Neurons after", ROWS),
      );
    };

    // The card of one neuron: every task, every seed, the examples that drive it, what its sets do.
    let effects = null;
    let examples = null;
    const describe = async () => {
      const mine = request;
      const [depth, width] = seen.layer.shape;
      const neuron = parse(state.n, depth, width);
      if (neuron === null) {
        card.replaceChildren(page.make("p", { class: "empty", text: "Choose a neuron on the map or in the table: its scores for every task, the examples that activate it most and the effect of its sets are shown here." }));
        return;
      }
      effects ??= (await page.json("effects")) || ["", []];
      examples ??= (await page.json("examples")) || {};
      const seeds = layers.filter((one) => one.run === state.run && one.estimator === state.est && one.seed !== state.seed && String(one.shape) === String(seen.layer.shape));
      const lines = [];
      for (const [t, task] of current().tasks.entries()) {
        const own = await scores(number(), t);
        const ranks = [];
        for (const other of seeds) {
          const at = other.tasks.findIndex((one) => one.name === task.name);
          ranks.push(at < 0 ? null : (await scores(layers.indexOf(other), at)).ranks[neuron] + 1);
        }
        lines.push({ task, score: own.value(neuron), rank: own.ranks[neuron] + 1, ranks, member: selected(own.ranks, seen.layer.shape, state.p, state.w)[neuron] });
      }
      if (mine !== request) return;
      lines.sort((x, y) => x.rank - y.rank);
      const [layer, index] = [Math.floor(neuron / width), neuron % width];
      const size = own_size();
      const body = page.make("tbody");
      for (const { task, score, rank, ranks, member } of lines) {
        const bar = page.make("span", { class: "meter" });
        bar.style.setProperty("--share", strength(rank - 1, size));
        body.append(
          page.make("tr", { class: member ? "member" : null },
            page.make("th", { scope: "row", text: task.name }),
            page.make("td", { class: "n" }, page.make("button", { type: "button", class: "value", "data-path": task.path, "data-exact": String(score), "data-column": `neuron ${layer}.${index}`, text: digits(score) })),
            page.make("td", { class: "n" }, bar, rank.toLocaleString("en")),
            ...ranks.map((one) => page.make("td", { class: "n", text: one === null ? "–" : one.toLocaleString("en") })),
            page.make("td", { text: member ? "yes" : "" })),
        );
      }
      const parts = [
        page.make("p", { class: "eyebrow", text: `${state.run.replace("/", " / ")}, seed ${state.seed}, ${state.est}` }),
        page.make("h3", { text: `Layer ${layer}, neuron ${index}` }),
        page.make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Scores of the neuron" },
          page.make("table", {},
            page.make("thead", {}, page.make("tr", {}, ...["Task", "Score", "Rank", ...seeds.map((one) => `Seed ${one.seed}`), "In set"].map((text, i, all) => page.make("th", { scope: "col", class: i && i < all.length - 1 ? "n" : null, text })))),
            body)),
      ];
      if (seeds.length)
        parts.push(page.make("p", { class: "hint", text: "Columns of other seeds hold the rank there. Seeds are models of their own: in models trained from scratch, the neuron of the same place is another one." }));
      const shown = examples[`${state.run}/${state.seed}`]?.[`${layer}.${index}`];
      parts.push(page.make("h4", { text: "Most activating test examples" }));
      if (shown)
        parts.push(page.make("ol", { class: "examples" }, ...shown.map(([task, id, activation, text]) =>
          page.make("li", {}, page.make("p", { class: "source" }, page.make("strong", { text: task }), ` ${id}, activation ${activation}`),
            text ? page.make("p", { text }) : page.make("p", { class: "hint", text: "The licence of the data is not one that lets the text be shown here." })))));
      else parts.push(page.make("p", { class: "hint", text: "Known for the top neurons of each task in the first seed of a run; not for this one." }));
      const members = new Set(lines.filter((one) => one.member).map((one) => one.task.name));
      const [table, measured] = effects;
      const known = measured.filter(([run, estimator, share, whole, intervention, task]) =>
        run === state.run && estimator === state.est && Number(share) === state.p && whole === state.w && intervention === "zero" && members.has(task));
      parts.push(page.make("h4", { text: "When its sets are switched off" }));
      if (known.length)
        parts.push(page.make("ul", { class: "effects" }, ...known.map(([, , , , , task, metric, drop, low, high]) =>
          page.make("li", {}, `${task}: ${metric} falls by `, page.make("button", { type: "button", class: "value", "data-path": table, "data-exact": drop, "data-column": "drop", text: page.short(drop) }), low === "" ? "" : ` [${page.short(low)}, ${page.short(high)}]`))),
          page.make("p", { class: "hint", text: "The effect of the whole set, mean over seeds; single neurons were not switched off." }));
      else parts.push(page.make("p", { class: "hint", text: members.size ? "No deactivation of such a set was measured." : "It is in no set of this size." }));
      card.replaceChildren(...parts);
    };
    const own_size = () => seen.one.ranks.length;

    // Moving and choosing.
    const go = (neuron) => {
      const [, width] = current().shape;
      state.n = `${Math.floor(neuron / width)}.${neuron % width}`;
      const column = neuron % width;
      const span = state.to - state.from;
      if (column < state.from || column >= state.to) {
        state.from = Math.min(Math.max(0, column - Math.floor(span / 2)), width - span);
        state.to = state.from + span;
      }
      request++;
      draw();
      rows();
      history.replaceState(null, "", address());
      describe().then(() => (holder.dataset.shown = `${state.run} ${state.seed} ${state.view} ${state.a} ${state.b} ${state.n}`));
    };
    const zoomed = (factor) => {
      const [depth, width] = current().shape;
      const neuron = parse(state.n, depth, width);
      const span = Math.min(width, Math.max(16, Math.round((state.to - state.from) * factor)));
      const middle = neuron === null ? (state.from + state.to) / 2 : neuron % width;
      state.from = Math.round(Math.min(Math.max(0, middle - span / 2), width - span));
      state.to = state.from + span;
      draw();
      history.replaceState(null, "", address());
    };
    const at = (event) => {
      if (!grid) return null;
      const box = canvas.getBoundingClientRect();
      const x = event.clientX - box.left - MARGIN;
      const layer = Math.floor((event.clientY - box.top) / grid.row);
      if (x < 0 || x >= grid.room || layer < 0 || layer >= grid.depth) return null;
      return grid.chosen[layer * grid.bins + Math.min(grid.bins - 1, Math.floor((x / grid.room) * grid.bins))];
    };
    canvas.addEventListener("click", (event) => {
      const neuron = at(event);
      if (neuron !== null) go(neuron);
    });
    canvas.addEventListener("pointermove", (event) => {
      const neuron = at(event);
      tip.hidden = neuron === null;
      if (neuron === null) return;
      const width = grid.width;
      const told = [[state.a, seen.one], ...(state.view === "one" ? [] : [[state.b, seen.two]])];
      tip.textContent = `${Math.floor(neuron / width)}.${neuron % width}  ${told.map(([name, task]) => `${name}: ${digits(task.value(neuron))}, rank ${(task.ranks[neuron] + 1).toLocaleString("en")}`).join("; ")}`;
      tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
      tip.style.top = `${event.clientY + 18}px`;
    });
    canvas.addEventListener("pointerleave", () => (tip.hidden = true));
    canvas.addEventListener("keydown", (event) => {
      const [depth, width] = current().shape;
      const now = parse(state.n, depth, width);
      const far = event.shiftKey ? 16 : 1;
      const [layer, column] = now === null ? [0, state.from] : [Math.floor(now / width), now % width];
      const next = {
        ArrowLeft: [layer, column - far], ArrowRight: [layer, column + far], ArrowUp: [layer - 1, column], ArrowDown: [layer + 1, column],
        Home: [layer, 0], End: [layer, width - 1],
      }[event.key];
      const factor = { "+": 0.5, "=": 0.5, "-": 2, 0: Infinity }[event.key];
      if (!next && !factor) return;
      event.preventDefault();
      if (factor) return zoomed(factor);
      const clamp = (value, most) => Math.min(Math.max(0, value), most - 1);
      go(now === null ? layer * width + column : clamp(next[0], depth) * width + clamp(next[1], width));
    });
    const download = (form) => {
      const width = seen.layer.shape[1];
      const two = state.view !== "one";
      const tasks = [[state.a, seen.one], ...(two ? [[state.b, seen.two]] : [])];
      const all = Array.from(seen.one.ranks.keys());
      const name = `atlas-${state.run.replace("/", "-")}-seed${state.seed}-${state.est}-${tasks.map(([task]) => task.replace(/[^a-z0-9_]/gi, "")).join("-")}`;
      if (form === "json") {
        const content = {
          run: state.run, seed: state.seed, estimator: state.est, layers: seen.layer.shape[0], neurons: width, digits: 3,
          tasks: tasks.map(([task, one]) => ({ task, scores: all.map((i) => one.value(i)), ranks: all.map((i) => one.ranks[i] + 1) })),
        };
        return page.save(`${name}.json`, JSON.stringify(content), "application/json");
      }
      const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
      const lines = ["layer,neuron," + tasks.flatMap(([task]) => [quoted(`score ${task}`), quoted(`rank ${task}`)]).join(",")];
      for (const i of all)
        lines.push([Math.floor(i / width), i % width, ...tasks.flatMap(([, one]) => [one.value(i), one.ranks[i] + 1])].join(","));
      page.save(`${name}.csv`, lines.join("\n") + "\n", "text/csv");
    };

    const shared = read();
    await update(shared);
    if (shared) page.find("#atlas").scrollIntoView();
    addEventListener("hashchange", () => read() && update(true));
    document.addEventListener("theme", draw);
    for (const name of ["beforeprint", "afterprint"])
      addEventListener(name, () => {
        printing = name === "beforeprint";
        draw();
      });
    new ResizeObserver(() => seen && draw()).observe(canvas.parentElement);
  };

  if (layers.length && holder) {
    if (location.hash.startsWith("#atlas?")) start();
    else page.later(holder, start);
  }
}
