// Charts of Vega-Lite. Its expressions are interpreted, because the page's policy runs no text as code.
{
  // As the figures, charts stand on white paper whatever the colours of the page are: so they print as they are.
  const [ink, soft, line] = ["#1d1b18", "#5d5850", "#ddd8ce"];
  const small = { labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" };
  const config = {
    background: "transparent",
    font: getComputedStyle(document.body).fontFamily,
    view: { stroke: "transparent" },
    axis: { labelColor: ink, titleColor: soft, gridColor: line, domainColor: line, tickColor: line, labelLimit: 220, ...small },
    legend: { labelColor: ink, titleColor: soft, symbolType: "circle", ...small },
    rule: { color: soft },
  };

  for (const figure of page.all("figure[data-chart]")) {
    const selects = page.all("select[data-filter]", figure);
    const plot = page.find(".plot", figure);
    let view = null;
    const draw = async () => {
      const spec = await page.json(`chart-${figure.dataset.chart}`);
      for (const select of selects)
        spec.params.find((one) => one.name === select.dataset.filter).value = select.value;
      const result = await vegaEmbed(plot, spec, {
        ast: true,
        actions: false,
        defaultStyle: false,
        renderer: "canvas",
        config,
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
  }
}
