"use strict";
document.querySelectorAll("[data-search]").forEach((input) => {
  const name = input.dataset.search;
  const table = document.querySelector(`[data-table="${name}"]`);
  const told = document.querySelector(`[data-found="${name}"]`);
  const bodies = [...table.tBodies];
  const all = table.querySelectorAll("tr[data-key]").length;
  input.parentElement.hidden = false;
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().replaceAll("ё", "е").split(/\s+/).filter(Boolean);
    let shown = 0;
    bodies.forEach((body) => {
      const group = body.querySelector(".group");
      const heading = group ? group.textContent : "";
      let any = false;
      body.querySelectorAll("tr[data-key]").forEach((row) => {
        const text = `${heading} ${row.textContent}`.toLowerCase().replaceAll("ё", "е");
        row.hidden = !words.every((word) => text.includes(word));
        any ||= !row.hidden;
        shown += row.hidden ? 0 : 1;
      });
      body.hidden = !any;
    });
    told.textContent = words.length ? `показано ${shown} из ${all}` : "";
  });
});
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => (part.open = true)));
