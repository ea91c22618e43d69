// Means over the languages that the reader chooses.
const data = document.getElementById("figures") && JSON.parse(document.getElementById("figures").textContent);
let chosenLanguages = data ? data.languages : [];
const everyLanguage = () => chosenLanguages.length === data.languages.length;
function setFigure(cell, value, decimals) {
  cell.dataset.value = value ?? "";
  cell.textContent = shown(value, decimals);
}
function showMeans(board) {
  for (const row of board.querySelectorAll("tbody tr[data-row]")) {
    const of = data.rows[row.dataset.row];
    data.columns.forEach((column, at) => {
      const value = meanOf(of.settings[column.key], of.languages, chosenLanguages);
      setFigure(row.children[at + 1], value, column.decimals);
    });
    const counts = data.columns.map((column) => Object.keys(of.by_language[column.key] ?? {}).filter((name) => chosenLanguages.includes(name)).length);
    setFigure(row.children[data.columns.length + 1], Math.max(...counts) || null, 0);
  }
}
function showColumns(table) {
  for (const head of table.tHead.rows[0].cells) {
    const hidden = data.languages.includes(head.dataset.key) && !chosenLanguages.includes(head.dataset.key);
    for (const row of table.rows) if (!row.classList.contains("fixed")) row.cells[head.cellIndex].hidden = hidden;
  }
}
if (data) {
  const board = document.getElementById("board");
  const chooser = document.getElementById("languages");
  const original = new Map([...board.querySelectorAll("td[data-value]")].map((cell) => [cell, [cell.innerHTML, cell.dataset.value]]));
  const boxes = [...chooser.querySelectorAll("input")];
  const show = () => {
    const checked = boxes.filter((box) => box.checked).map((box) => box.value);
    chosenLanguages = checked.length ? checked : data.languages;
    if (everyLanguage()) for (const [cell, [html, value]] of original) [cell.innerHTML, cell.dataset.value] = [html, value];
    else showMeans(board);
    for (const note of document.querySelectorAll("[data-chosen]")) note.hidden = everyLanguage() !== (note.dataset.chosen === "all");
    for (const text of document.querySelectorAll("[data-languages]"))
      text.textContent = everyLanguage() ? "" : ", means over " + chosenLanguages.join(", ");
    chooser.querySelector("summary output").value = everyLanguage() ? "all" : chosenLanguages.join(", ");
    showColumns(document.getElementById("by-language"));
    sortRows(board);
    document.dispatchEvent(new Event("languages"));
  };
  const asked = address.get("languages").split(",");
  if (asked.some((name) => data.languages.includes(name))) {
    for (const box of boxes) box.checked = asked.includes(box.value);
    chooser.open = true;
  }
  chooser.addEventListener("input", () => {
    show();
    address.set("languages", everyLanguage() ? "" : chosenLanguages.join(","));
  });
  for (const [name, checked] of [["all", true], ["none", false]])
    chooser.querySelector(`[data-check=${name}]`).addEventListener("click", () => {
      for (const box of boxes) box.checked = checked;
      chooser.dispatchEvent(new Event("input"));
    });
  chooser.hidden = false;
  show();
}
