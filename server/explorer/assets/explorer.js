window.dash_clientside = window.dash_clientside || {};
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
