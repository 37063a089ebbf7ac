// Before anything is drawn: the theme that was chosen, else that of the system.
{
  let chosen = null;
  try {
    chosen = localStorage.getItem("theme");
  } catch {
    /* no storage: the system's theme */
  }
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = chosen ?? (dark ? "dark" : "light");
}
