/* Tables of the workspace that can be sorted: their headings become buttons. Without this script they stand as they came.
   A cell is sorted by its data-sort, the instant or day it holds, its number, or its text. */
"use strict";
(function () {
  const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });

  function key(cell) {
    const time = cell.querySelector("time");
    return cell.dataset.sort || (time && time.getAttribute("datetime")) || cell.textContent.trim();
  }

  function sort(table, column, descending) {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row, place) => [key(row.cells[column]), place, row]);
    rows.sort((a, b) => (descending ? -1 : 1) * collator.compare(a[0], b[0]) || a[1] - b[1]);
    body.append(...rows.map((row) => row[2]));
  }

  for (const table of document.querySelectorAll("table[data-sortable]")) {
    const headings = [...table.tHead.rows[0].cells];
    if (table.tBodies[0].rows.length < 2) continue;
    headings.forEach((heading, column) => {
      if (!heading.textContent.trim()) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sorter";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const descending = heading.getAttribute("aria-sort") === "ascending";
        headings.forEach((other) => other.removeAttribute("aria-sort"));
        heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
        sort(table, column, descending);
      });
    });
  }
})();
