window.dash_clientside = window.dash_clientside || {};

// What went wrong is said until something else is asked for; Dash itself says nothing when nobody answers.
(() => {
  const ask = window.fetch;
  const tell = (words) => {
    const place = document.getElementById("message");
    if (place && place.textContent !== words) window.dash_clientside.set_props("message", { children: words });
  };
  window.fetch = async (input, how) => {
    if (!String(input?.url ?? input).includes("_dash-update-component")) return ask(input, how);
    tell("");
    const page = document.documentElement.dataset;
    page.asking = Number(page.asking || 0) + 1;
    try {
      return await ask(input, how);
    } catch (error) {
      if (error.name !== "AbortError") tell("The explorer does not answer; is midlevel explore still running?");
      throw error;
    } finally {
      page.asking = Number(page.asking) - 1;
    }
  };
})();
window.dash_clientside.explorer = {
  // The theme is the page's attribute; the store tells figures about it.
  theme(clicks) {
    const root = document.documentElement;
    if (clicks) {
      root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
      localStorage.setItem("theme", root.dataset.theme);
    }
    return root.dataset.theme;
  },

  // Marks the link of the page one is on.
  arrived(path) {
    for (const link of document.querySelectorAll("header nav a")) {
      const first = path === "/" && link === document.querySelector("header nav a");
      if (first || link.getAttribute("href") === path) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    return path;
  },

  // Keeps the address a permalink of what is shown, without a new entry in the browser's history.
  permalink(search) {
    history.replaceState(history.state, "", location.pathname + (search ? "?" + search : ""));
    return location.href;
  },
};
