window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.solver = {
  // What each task is after a click on a chip, which goes to the next role, or on a group's "all" or "none".
  roles(chips, alls, nones, roles, offered) {
    const id = window.dash_clientside.callback_context.triggered_id;
    const clicked = window.dash_clientside.callback_context.triggered[0];
    if (!id || !clicked || !clicked.value) return window.dash_clientside.no_update;
    const next = { ...roles };
    for (const [name, task] of Object.entries(offered.tasks)) {
      const choices = task.roles;
      if (id.task === name) next[name] = choices[(choices.indexOf(roles[name]) + 1) % choices.length];
      if (id.group === task.group) next[name] = id.type === "solver-all" ? choices[0] : "off";
    }
    return next;
  },

  // How the chips look and what they are called.
  chips(roles, ids, offered) {
    const mine = ids.map((id) => roles[id.task]);
    const words = mine.map((role) => offered.words[role]);
    return [mine, ids.map((id, index) => id.task + ": " + words[index]), words];
  },

  // The settings to compare with.
  kept(keep, forget, query) {
    if (!keep && !forget) return window.dash_clientside.no_update;
    return window.dash_clientside.callback_context.triggered_id === "solver-keep" ? query : null;
  },

  // Keeps the graphs as large as their frames.
  fit() {
    for (const id of ["solver-graph", "solver-kept-graph"]) {
      const cy = document.getElementById(id)?._cyreg?.cy;
      if (!cy || cy.scratch("fits")) continue;
      cy.scratch("fits", true);
      const fit = () => cy.fit(undefined, 0);
      cy.on("resize", fit);
      cy.one("add", () => requestAnimationFrame(fit));
      fit();
    }
    return "yes";
  },

  // Makes the address a permalink.
  address(query, kept) {
    if (!query) return window.dash_clientside.no_update;
    const both = kept ? query + "&kept=" + encodeURIComponent(kept) : query;
    return window.dash_clientside.explorer.permalink(both);
  },

  // Lets dash's clipboard copy what a button is for.
  copy(clicks, text) {
    if (!clicks) return [window.dash_clientside.no_update, window.dash_clientside.no_update];
    return [text, clicks];
  },
};
