Object.assign(window.dash_clientside.explorer, {
  // Brings the transfer that an address names into view, once: afterwards the visitor scrolls.
  showMarked(children) {
    const grid = document.getElementById("transfers-grid");
    const marked = document.getElementById("transfers-marked");
    if (!grid || !marked || grid.dataset.arrived) return "";
    grid.dataset.arrived = "yes";
    requestAnimationFrame(() => marked.scrollIntoView({ block: "center" }));
    return marked.dataset.sources;
  },
});
