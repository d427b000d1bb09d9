// gr.Plot has no click event, and Gradio makes a new plot for every new figure. So the page is watched,
// and every new figure gets a listener that hands [run, language] of the pressed cell, bar or point to Python.
window.clikaCellPressed = (data) => trigger("click", data);

const listen = () => {
  const plot = document.querySelector("#heatmap .js-plotly-plot");
  if (!plot || plot.clikaListens || typeof plot.on !== "function") return;
  plot.clikaListens = true;
  plot.on("plotly_click", (event) => {
    const point = event.points[0];
    if (!point.customdata) return;
    const [run, language] = point.customdata;
    window.clikaCellPressed({ run, language });
    if (point.data.type !== "heatmap") return;
    window.Plotly.relayout(plot, {
      shapes: [{
        type: "rect", x0: point.x - 0.5, x1: point.x + 0.5, y0: point.y - 0.5, y1: point.y + 0.5,
        line: { color: document.body.classList.contains("dark") ? "#f87171" : "#dc2626", width: 3 },
      }],
    });
  });
  plot.dataset.listens = "true";
};

if (!window.clikaHeatmapWatch) {
  window.clikaHeatmapWatch = new MutationObserver(listen);
  window.clikaHeatmapWatch.observe(document.body, { childList: true, subtree: true });
}
listen();
