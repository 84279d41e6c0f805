// Theme button, and search as you type. Everything else works without this file.
const button = document.getElementById("theme");
const dark = () =>
  (document.documentElement.dataset.theme ||
    (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const name = () => { button.textContent = dark() ? "Light" : "Dark"; };
button.hidden = false;
name();
button.addEventListener("click", () => {
  const next = dark() ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  localStorage.setItem("theme", next);
  name();
});

// Search as you type: suggestions under the box, chosen with the arrows or the pointer.
const box = document.getElementById("q");
if (box) {
  const list = document.createElement("ul");
  list.id = "suggestions";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Papers found");
  list.hidden = true;
  box.closest("form").append(list);
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-controls", list.id);
  box.setAttribute("aria-expanded", "false");
  box.setAttribute("aria-autocomplete", "list");
  let chosen = -1;
  let timer = 0;
  let asked = 0;

  const show = (papers) => {
    list.replaceChildren(...papers.map((paper, i) => {
      const item = document.createElement("li");
      item.id = "suggestion-" + i;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      const link = document.createElement("a");
      link.href = paper.path;
      link.tabIndex = -1;
      link.textContent = paper.title;
      const year = document.createElement("span");
      year.textContent = paper.year + (paper.byMeaning ? ", near in meaning" : "");
      item.append(link, year);
      return item;
    }));
    chosen = -1;
    list.hidden = papers.length === 0;
    box.setAttribute("aria-expanded", String(!list.hidden));
    box.removeAttribute("aria-activedescendant");
  };

  const choose = (next) => {
    const items = [...list.children];
    if (items.length === 0) return;
    if (chosen >= 0) items[chosen].setAttribute("aria-selected", "false");
    chosen = (next + items.length) % items.length;
    items[chosen].setAttribute("aria-selected", "true");
    box.setAttribute("aria-activedescendant", items[chosen].id);
  };

  box.addEventListener("input", () => {
    clearTimeout(timer);
    const text = box.value.trim();
    if (text.length < 2) { show([]); return; }
    timer = setTimeout(async () => {
      const mine = ++asked;
      const answer = await fetch(box.dataset.suggest + "?q=" + encodeURIComponent(text));
      // An answer that a later one has overtaken is dropped.
      if (answer.ok && mine === asked) show(await answer.json());
    }, 120);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") { choose(chosen + 1); event.preventDefault(); }
    else if (event.key === "ArrowUp") { choose(chosen - 1); event.preventDefault(); }
    else if (event.key === "Escape") show([]);
    else if (event.key === "Enter" && chosen >= 0) {
      location.href = list.children[chosen].querySelector("a").href;
      event.preventDefault();
    }
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest(".find")) show([]);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.closest("input, textarea, select")) { box.focus(); event.preventDefault(); }
  });
}
