
"use strict";
/* Sorting, filtering, opening and copying. The page is complete without any of it. */
(function () {
  const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));
  const table = document.getElementById("table");

  function keyOf(row, column, kind) {
    const cell = row.cells[column];
    const text = cell.dataset.key === undefined ? cell.textContent.trim() : cell.dataset.key;
    return kind === "number" ? (text === "" ? null : Number(text)) : text;
  }

  /* What has no number comes last in either direction; equals keep their order. */
  function compare(a, b, direction) {
    if (a === null || b === null) return (a === null) - (b === null);
    const order = typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true });
    return order * direction;
  }

  function sortBy(head) {
    const before = head.getAttribute("aria-sort");
    const turned = before === "ascending" ? "descending" : "ascending";
    const now = before ? turned : head.dataset.first;
    all("thead th", table).forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", now);
    const direction = now === "ascending" ? 1 : -1;
    const keyed = all("tbody tr", table).map((row) => [keyOf(row, head.cellIndex, head.dataset.kind), row]);
    keyed.sort((a, b) => compare(a[0], b[0], direction));
    table.tBodies[0].append(...keyed.map((pair) => pair[1]));
  }

  function setUpTable() {
    const form = document.querySelector("form.controls");
    const find = document.getElementById("find");
    const source = document.getElementById("of-source");
    const standing = document.getElementById("of-standing");
    const rows = all("tbody tr", table);
    const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
    function filter() {
      const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row) => {
        const fits =
          (!source.value || row.dataset.source === source.value) &&
          (!standing.value || row.dataset.standing === standing.value) &&
          words.every((word) => texts.get(row).includes(word));
        row.hidden = !fits;
        shown += fits;
      });
      document.getElementById("shown").value = `${shown} of ${rows.length} rows`;
    }
    form.addEventListener("input", filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(filter));
    all("thead th", table).forEach((head) => {
      const button = head.querySelector("button");
      button.disabled = false;
      button.addEventListener("click", () => sortBy(head));
    });
    filter();
  }

  /* The rows that are not listed: searched as they are typed for, fifty at most drawn. */
  function setUpRest() {
    const found = document.getElementById("rest-found");
    const find = document.getElementById("rest-find");
    const rows = JSON.parse(document.getElementById("rest").textContent);
    const size = (bytes) => (bytes === null ? "not measured" : `${(bytes / 1048576).toFixed(2)} MiB`);
    function search() {
      const word = find.value.trim().toLowerCase();
      const hits = word ? rows.filter((row) => row[0].toLowerCase().includes(word)) : [];
      found.tBodies[0].replaceChildren(...hits.slice(0, 50).map((row) => {
        const line = document.createElement("tr");
        const change = row[4] === null ? "none" : `${row[4] > 0 ? "+" : ""}${row[4]} %${row[5] ? "" : " ?"}`;
        [row[0], row[1], size(row[2]), size(row[3]), change].forEach((text, at) => {
          const cell = document.createElement("td");
          cell.textContent = text;
          if (at > 1) cell.className = "num";
          line.append(cell);
        });
        return line;
      }));
      found.hidden = !hits.length;
      document.getElementById("rest-count").value = word ? `${hits.length} found` : "";
    }
    find.addEventListener("input", search);
    document.getElementById("rest-form").addEventListener("submit", (event) => event.preventDefault());
  }

  function openTarget() {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (!target) return;
    if (target.tagName === "DETAILS") target.open = true;
    target.scrollIntoView();
  }

  /* Paper cannot be clicked: print with everything open, then close what was closed. */
  function setUpPrinting() {
    let closed = [];
    addEventListener("beforeprint", () => {
      closed = all("details:not([open])");
      closed.forEach((details) => (details.open = true));
    });
    addEventListener("afterprint", () => closed.forEach((details) => (details.open = false)));
  }

  function makeButton(label, parent) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    parent.append(button);
    return button;
  }

  function setUpCopying() {
    if (!navigator.clipboard) return;
    all("pre.command").forEach((block) => {
      const text = block.textContent;
      const button = makeButton("Copy", block);
      block.classList.add("copyable");
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(text);
          button.textContent = "Copied";
        } catch {
          getSelection().selectAllChildren(block.querySelector("code"));
          button.textContent = "Selected";
        }
        setTimeout(() => (button.textContent = "Copy"), 1500);
      });
    });
  }

  function setUpPictures() {
    all(".pictures figure").forEach((figure) => {
      const button = makeButton("Enlarge", figure.querySelector("figcaption"));
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => {
        const large = figure.classList.toggle("large");
        button.setAttribute("aria-pressed", String(large));
        figure.scrollIntoView({ block: "nearest" });
      });
    });
  }

  /* Say so where a box holds more than it shows; its shades say it where no script runs. */
  function setUpScrolling() {
    const observer = new ResizeObserver((entries) =>
      entries.forEach(({ target }) =>
        target.classList.toggle("more", target.scrollWidth > target.clientWidth + 1)
      )
    );
    all(".scroll").forEach((box) => observer.observe(box));
  }

  function setUpBinaries() {
    const each = (open) => all("details.binary").forEach((details) => (details.open = open));
    document.getElementById("open-all").addEventListener("click", () => each(true));
    document.getElementById("close-all").addEventListener("click", () => each(false));
  }

  all(".controls").forEach((controls) => (controls.hidden = false));
  if (table) setUpTable();
  if (document.getElementById("rest")) setUpRest();
  setUpBinaries();
  setUpCopying();
  setUpPictures();
  setUpScrolling();
  setUpPrinting();
  addEventListener("hashchange", openTarget);
  openTarget();
})();
