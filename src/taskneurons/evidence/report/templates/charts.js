// Charts of Vega-Lite. Its expressions are interpreted, because the page's policy runs no text as code.
{
  const look = () => {
    const style = getComputedStyle(document.body);
    const [ink, soft, line] = ["--ink", "--soft", "--line"].map((name) => {
      const probe = page.make("span");
      probe.style.color = `var(${name})`;
      document.body.append(probe);
      const colour = getComputedStyle(probe).color;
      probe.remove();
      return colour;
    });
    const font = style.fontFamily;
    return {
      background: "transparent",
      font,
      view: { stroke: "transparent" },
      axis: { labelColor: ink, titleColor: soft, gridColor: line, domainColor: line, tickColor: line, labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", labelLimit: 220 },
      legend: { labelColor: ink, titleColor: soft, labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", symbolType: "circle" },
      rule: { color: soft },
    };
  };

  for (const figure of page.all("figure[data-chart]")) {
    const selects = page.all("select[data-filter]", figure);
    const plot = page.find(".plot", figure);
    let view = null;
    const draw = async () => {
      const spec = await page.json(`chart-${figure.dataset.chart}`);
      view?.finalize();
      for (const select of selects)
        spec.params.find((one) => one.name === select.dataset.filter).value = select.value;
      const result = await vegaEmbed(plot, spec, {
        ast: true,
        actions: false,
        defaultStyle: false,
        renderer: "canvas",
        config: look(),
        tooltip: { disableDefaultStyle: true },
      });
      view = result.view;
      figure.dataset.ready = "yes";
      figure.dataset.rows = view.data("data_0")?.length ?? "";
    };
    for (const select of selects)
      select.addEventListener("change", async () => {
        if (!view) return;
        await view.signal(select.dataset.filter, select.value).runAsync();
        figure.dataset.changed = select.value;
      });
    page.later(plot, draw);
    document.addEventListener("theme", () => view && draw());
  }
}
