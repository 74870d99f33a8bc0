// Whole tables: filters of columns with few values, search, order, pages; numbers open their lineage.
{
  const ROWS = 12;
  const FEW = 14;

  const enhance = async (section) => {
    const content = await page.json(section.dataset.table);
    if (!content) return;
    const [words, columns, ...rows] = content;
    const said = (i, cell) => words[columns[i]]?.[cell] ?? cell;
    const state = { text: "", chosen: new Map(), sort: -1, down: false, first: 0 };
    const numbers = columns.map((_, i) => rows.every((row) => row[i] === "" || page.numeric(row[i])));
    const bar = page.find(".filters", section);
    const status = page.make("span", { role: "status" });
    const filterable = columns
      .map((name, i) => [name, i, [...new Set(rows.map((row) => row[i]))]])
      .filter(([, , values]) => values.length > 1 && values.length <= FEW)
      .slice(0, 6);
    const spoken = (name) => name.replaceAll("_", " ");
    const search = page.make("input", {
      type: "search",
      autocomplete: "off",
      oninput: () => {
        state.text = search.value.toLowerCase();
        state.first = 0;
        show();
      },
    });
    bar.append(page.make("label", { text: "Search " }, search));
    for (const [name, i, values] of filterable) {
      const select = page.make("select", {
        "data-column": name,
        onchange: () => {
          if (select.selectedIndex === 0) state.chosen.delete(i);
          else state.chosen.set(i, values[select.selectedIndex - 1]);
          state.first = 0;
          show();
        },
      });
      select.append(page.make("option", { text: "all" }));
      for (const value of values) select.append(page.make("option", { value, text: value === "" ? "(empty)" : said(i, value) }));
      bar.append(page.make("label", { text: `${spoken(name)} ` }, select));
    }
    bar.append(status);
    bar.hidden = rows.length < 3;

    const head = page.make("tr");
    columns.forEach((name, i) => {
      const button = page.make("button", {
        type: "button",
        text: spoken(name),
        onclick: () => {
          state.down = state.sort === i ? !state.down : numbers[i];
          state.sort = i;
          state.first = 0;
          show();
        },
      });
      head.append(page.make("th", { scope: "col", class: numbers[i] ? "n" : null }, button));
    });
    page.find("thead", section).replaceChildren(head);
    const body = page.find("tbody", section);
    const footer = page.find("footer", section);
    const step = (text, label, by) =>
      page.make("button", { type: "button", text, "aria-label": label, onclick: () => ((state.first += by), show()) });
    const before = step("‹", "Rows before", -ROWS);
    const after = step("›", "Rows after", ROWS);
    const place = page.make("span");
    footer.className = "pager";
    footer.replaceChildren(before, place, after);

    const show = () => {
      let found = rows.map((_, i) => i);
      for (const [i, value] of state.chosen) found = found.filter((r) => rows[r][i] === value);
      if (state.text) found = found.filter((r) => rows[r].some((cell, i) => `${cell} ${said(i, cell)}`.toLowerCase().includes(state.text)));
      if (state.sort >= 0) {
        const i = state.sort;
        const sign = state.down ? -1 : 1;
        found.sort((a, b) => {
          const [x, y] = [rows[a][i], rows[b][i]];
          if (x === "" || y === "") return (x === "") - (y === "");
          return sign * (numbers[i] ? Number(x) - Number(y) : x < y ? -1 : x > y ? 1 : 0);
        });
      }
      state.first = Math.max(0, Math.min(state.first, Math.floor(Math.max(0, found.length - 1) / ROWS) * ROWS));
      page.all("th", head).forEach((cell, i) => {
        if (i === state.sort) cell.setAttribute("aria-sort", state.down ? "descending" : "ascending");
        else cell.removeAttribute("aria-sort");
      });
      const shown = found.slice(state.first, state.first + ROWS);
      body.replaceChildren(
        ...shown.map((r, line) =>
          page.make(
            "tr",
            {},
            ...columns.map((name, i) => {
              const cell = rows[r][i];
              if (!numbers[i]) return page.make("td", { text: said(i, cell), title: said(i, cell) === cell ? null : cell });
              if (cell === "") return page.make("td", { class: "n" });
              const button = page.make("button", {
                type: "button",
                class: "value",
                text: page.short(cell),
                title: cell,
                tabindex: line === 0 ? "0" : "-1",
                "data-path": section.dataset.path,
                "data-column": name,
                "data-row": r + 1,
                "data-exact": cell,
              });
              return page.make("td", { class: "n" }, button);
            }),
          ),
        ),
      );
      status.textContent = `${found.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows`;
      place.textContent = found.length
        ? `${state.first + 1}–${Math.min(state.first + ROWS, found.length)} of ${found.length.toLocaleString("en")}`
        : "no rows";
      before.disabled = state.first === 0;
      after.disabled = state.first + ROWS >= found.length;
      footer.hidden = rows.length <= ROWS;
    };
    show();

    // Arrow keys move between numbers, so that a table is a few stops of the Tab key and not thousands.
    body.addEventListener("keydown", (event) => {
      const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      const cell = event.target.closest("td");
      if (!move || !cell) return;
      const line = cell.parentElement;
      const other = move[0] ? (move[0] < 0 ? line.previousElementSibling : line.nextElementSibling) : line;
      let next = other && other.children[[...line.children].indexOf(cell) + move[1]];
      while (next && !page.find("button", next) && move[1])
        next = move[1] < 0 ? next.previousElementSibling : next.nextElementSibling;
      const button = next && page.find("button", next);
      if (button) {
        event.preventDefault();
        button.focus();
      }
    });
    section.dataset.ready = "yes";
  };

  for (const section of page.all("section[data-table]")) page.later(section, () => enhance(section));
}
