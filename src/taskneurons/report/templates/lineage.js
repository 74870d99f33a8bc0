// The chain of a value: the file it stands in, the job that made it, and what that job read, back to raw data.
{
  const dialog = page.find("#chain");
  const body = page.find(".chain-body", dialog);
  let known = null;

  const load = async () => {
    if (known) return known;
    const { artifacts = [], jobs = [], software = [] } = (await page.json("lineage")) || {};
    const places = new Map(artifacts.map(([path], place) => [path, place]));
    const outputs = jobs.map(() => []);
    artifacts.forEach(([, , job], place) => job >= 0 && outputs[job].push(place));
    known = { artifacts, jobs, software, places, outputs };
    return known;
  };

  const spoken = (name) => name.replaceAll("_", " ");
  const seconds = (job) => {
    const value = (Date.parse(job.ended) - Date.parse(job.started)) / 1000;
    return value < 60 ? `${value.toFixed(1)} s` : `${(value / 60).toFixed(1)} min`;
  };
  const row = (name, ...content) => [page.make("dt", { text: name }), page.make("dd", {}, ...content)];
  const link = (path, text = path) =>
    page.make("button", { type: "button", class: "path", text, onclick: () => show({ path }) });

  // Every job above an artifact by kind of rule; what is made of others stands before them.
  const above = (place) => {
    const order = [];
    const outside = new Set();
    const seen = new Set();
    const visit = (job) => {
      seen.add(job);
      for (const input of known.jobs[job].inputs) {
        const maker = known.artifacts[input][2];
        if (maker < 0) outside.add(known.artifacts[input][0]);
        else if (!seen.has(maker)) visit(maker);
      }
      order.unshift(job);
    };
    const target = known.artifacts[place][2];
    if (target >= 0) visit(target);
    const depth = new Map(order.map((job) => [job, 0]));
    for (const job of order)
      for (const input of known.jobs[job].inputs) {
        const maker = known.artifacts[input][2];
        if (maker >= 0) depth.set(maker, Math.max(depth.get(maker), depth.get(job) + 1));
      }
    const levels = new Map();
    for (const job of order) {
      const kind = known.jobs[job].kind;
      if (!levels.has(kind)) levels.set(kind, { depth: 0, jobs: new Set() });
      levels.get(kind).depth = Math.max(levels.get(kind).depth, depth.get(job));
      levels.get(kind).jobs.add(job);
    }
    return { levels: [...levels].sort((a, b) => a[1].depth - b[1].depth), outside: [...outside].sort() };
  };

  const inputs = (job) => {
    const groups = new Map();
    for (const input of job.inputs) {
      const maker = known.artifacts[input][2];
      const kind = maker < 0 ? "from outside" : known.jobs[maker].kind;
      if (!groups.has(kind)) groups.set(kind, []);
      groups.get(kind).push(input);
    }
    return [...groups].map(([kind, places]) => {
      const list = page.make("ul");
      const details = page.make(
        "details",
        {
          ontoggle: () => {
            if (details.open && !list.children.length)
              list.append(...places.slice(0, 200).map((place) => page.make("li", {}, link(known.artifacts[place][0]))));
          },
        },
        page.make("summary", {
          text: `${spoken(kind)}: ${places.length === 1 ? known.artifacts[places[0]][0] : `${places.length} files`}`,
        }),
        list,
      );
      return details;
    });
  };

  const describe = (path) => {
    const place = known.places.get(path);
    if (place === undefined)
      return [page.make("p", { class: "note", text: "No lineage record of this run says what made this file." })];
    const [, digest, number] = known.artifacts[place];
    const facts = page.make("dl", { class: "facts-list" });
    facts.append(...row("SHA-256", page.make("code", { text: digest })));
    if (number < 0) {
      facts.append(...row("Made by", document.createTextNode("comes from outside: raw data or published numbers")));
      return [facts];
    }
    const job = known.jobs[number];
    facts.append(
      ...row("Made by", page.make("strong", { text: job.rule })),
      // The report of a run tells no times, which differ between two runs that give the same results.
      ...(job.ended ? row("When", document.createTextNode(`${job.ended.slice(0, 19).replace("T", " ")} UTC, in ${seconds(job)}`)) : []),
      ...row("On", document.createTextNode(job.device || "a device that it did not name")),
      ...row("Code", page.make("code", { text: job.code })),
      ...row("Parameters", page.make("pre", { text: JSON.stringify(job.settings, null, 1), tabindex: "0" })),
      ...row("Read", ...inputs(job)),
      ...row("Software", document.createTextNode(Object.entries(known.software[job.software] || {}).map(([name, version]) => `${name} ${version}`).join(", ") || "not said")),
    );
    const { levels, outside } = above(place);
    const steps = page.make("ol", { class: "steps" });
    for (const [kind, { jobs }] of levels) {
      const one = [...jobs][0];
      const example = known.artifacts[known.outputs[one][0]];
      steps.append(
        page.make("li", {}, example ? link(example[0], spoken(kind)) : spoken(kind), ` ${jobs.size} ${jobs.size === 1 ? "job" : "jobs"}`),
      );
    }
    for (const raw of outside) steps.append(page.make("li", {}, page.make("code", { text: raw }), " from outside"));
    return [facts, page.make("h3", { text: "The whole chain, nearest first" }), steps];
  };

  const show = async ({ path, exact, column, line }) => {
    await load();
    const parts = [
      page.make("button", { type: "button", class: "close", "aria-label": "Close", text: "×", onclick: () => dialog.close() }),
      page.make("p", { class: "eyebrow", text: exact === undefined ? "Lineage" : "Lineage of a value" }),
    ];
    if (exact !== undefined)
      parts.push(
        page.make("p", { class: "exact", text: exact }),
        page.make("p", { class: "where", text: [column && spoken(column), line && `row ${line}`].filter(Boolean).join(", ") }),
      );
    parts.push(page.make("h2", { id: "chain-title", text: path }), ...describe(path));
    body.replaceChildren(...parts);
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
  };
  page.lineage = show;

  document.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
    const value = event.target.closest("button.value[data-path]");
    const path = event.target.closest("button.path[data-path]");
    if (value)
      show({
        path: value.dataset.path,
        exact: value.dataset.exact,
        column: value.dataset.column,
        line: value.dataset.row,
      });
    else if (path) show({ path: path.dataset.path });
  });

  // A box of the rule graph opens one artifact of its kind, and lights its arrows.
  for (const box of page.all(".graph .box")) {
    const open = async () => {
      await load();
      const job = known.jobs.findIndex((one) => one.kind === box.dataset.kind);
      if (job >= 0) show({ path: known.artifacts[known.outputs[job][0]][0] });
    };
    const light = (is) => () => {
      for (const edge of page.all(".graph .edges path"))
        edge.classList.toggle("lit", is && [edge.dataset.from, edge.dataset.to].includes(box.dataset.kind));
    };
    box.addEventListener("click", open);
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        open();
      }
    });
    for (const name of ["pointerenter", "focus"]) box.addEventListener(name, light(true));
    for (const name of ["pointerleave", "blur"]) box.addEventListener(name, light(false));
  }
}
