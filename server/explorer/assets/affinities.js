window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.affinities = {
  // The controls as they stand in the address.
  query(view, order, arrangement, target) {
    return new URLSearchParams({ view, order, arrangement, target }).toString();
  },

  // From a cell that was clicked to its transfer; the shell listens to popstate.
  open(clicks, figures) {
    const picture = clicks.findIndex((each) => each);
    if (picture < 0) return;
    const { x, y } = clicks[picture].points[0];
    const [, sources, target] = figures[picture].data[0].customdata[y][x];
    if (!target) return;
    const names = sources.split(",").map(encodeURIComponent).join(",");
    history.pushState({}, "", "/transfers?target=" + encodeURIComponent(target) + "&sources=" + names);
    window.dispatchEvent(new PopStateEvent("popstate"));
    window.scrollTo(0, 0);
  },
};
