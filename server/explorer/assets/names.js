// Gives inputs and sliders, for which Dash takes no aria-label, the label of the field that they stand in.
{
  const NAMELESS = ":is([role=slider], input):not([aria-label])";
  const FIELDS = ".field[aria-label], [data-label]";

  const name = () => {
    for (const control of document.querySelectorAll(NAMELESS)) {
      const field = control.closest(FIELDS);
      if (field && !control.labels?.length) {
        control.setAttribute("aria-label", field.dataset.label || field.getAttribute("aria-label"));
      }
    }
  };

  new MutationObserver(name).observe(document.documentElement, { childList: true, subtree: true });
}
