// Sorts the rows of each body of a table by the column whose heading is pressed.
function cellKey(row, at, kind) {
  const cell = row.children[at];
  if (kind !== "number") return cell.textContent.trim().toLowerCase();
  return cell.dataset.value === "" ? null : Number(cell.dataset.value);
}
function compareKeys(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  return sign * (typeof a === "string" ? a.localeCompare(b, "en") : a - b);
}
function orderText(head, direction) {
  const label = head.querySelector(".label").textContent;
  if (head.dataset.better) return (direction === head.dataset.better ? "best " : "worst ") + label + " first";
  if (head.dataset.sort === "text") return "by " + label.toLowerCase() + (direction === "ascending" ? ", A to Z" : ", Z to A");
  return (direction === "ascending" ? "lowest " : "highest ") + label + " first";
}
function sortRows(table) {
  const head = table.querySelector("thead [aria-sort]");
  if (!head) return;
  const sign = head.getAttribute("aria-sort") === "ascending" ? 1 : -1;
  for (const body of table.tBodies) {
    const rows = [...body.rows].filter((row) => !row.classList.contains("fixed"));
    rows.sort((a, b) => compareKeys(cellKey(a, head.cellIndex, head.dataset.sort), cellKey(b, head.cellIndex, head.dataset.sort), sign));
    body.append(...rows);
  }
}
function sortBy(table, head, direction) {
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", direction);
  sortRows(table);
  const order = table.querySelector("[data-order]");
  if (order) order.textContent = orderText(head, direction);
}
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const initial = table.querySelector("thead [aria-sort]");
  const initially = initial && initial.dataset.key + "." + initial.getAttribute("aria-sort");
  for (const head of heads) {
    const label = head.querySelector(".label");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    label.replaceWith(button);
    button.append(label);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const direction = now === null ? head.dataset.first : now === "ascending" ? "descending" : "ascending";
      sortBy(table, head, direction);
      const chosen = head.dataset.key + "." + direction;
      address.set(table.dataset.state, chosen === initially ? "" : chosen);
    });
  }
  const [, key, direction] = address.get(table.dataset.state).match(/^(.+)\.(ascending|descending)$/) ?? [];
  const head = heads.find((found) => found.dataset.key === key);
  if (head) sortBy(table, head, direction);
}
