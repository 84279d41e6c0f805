// Before the first paint: that scripts run, and the theme the reader chose last, if any.
(() => {
  document.documentElement.classList.add("scripts");
  const chosen = localStorage.getItem("theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
})();
