// Two encoders side by side, over the chosen languages.
if (data && data.rows.length > 1) {
  const section = document.getElementById("compare");
  const [first, second] = section.querySelectorAll("select[data-side]");
  const measure = section.querySelector("select[name=measure]");
  const line = (name, pair, column, verdict) => {
    const row = document.createElement("tr");
    const difference = pair.includes(null) ? null : pair[1] - pair[0];
    const cells = [name, ...pair.map((value) => shown(value, column.decimals)), (difference > 0 ? "+" : "") + shown(difference, column.decimals)];
    if (verdict !== undefined) cells.push(verdict);
    cells.forEach((text, at) => {
      const cell = document.createElement(at ? "td" : "th");
      if (!at) cell.scope = "row";
      else if (at < 4) cell.className = "number";
      cell.textContent = text;
      row.append(cell);
    });
    return row;
  };
  const verdict = (column, rows) => {
    const [a, b] = rows.map((row) => row.groups[column.key] ?? "");
    if (!everyLanguage() || !a || !b || a === undefined) return "not tested";
    return [...a].some((letter) => b.includes(letter)) ? "not significant" : "significant";
  };
  const value = (row, column) =>
    everyLanguage() ? row.values[column.key] ?? null : meanOf(row.settings[column.key], row.languages, chosenLanguages);
  const ofLanguage = (row, column, name) => {
    if (everyLanguage()) return row.by_language[column.key]?.[name] ?? null;
    return byQuerySet(row.settings[column.key] ?? {}, row.languages, chosenLanguages)[name] ?? null;
  };
  const show = () => {
    const rows = [first, second].map((select) => data.rows[select.value]);
    for (const table of section.querySelectorAll("table"))
      rows.forEach((row, at) => (table.tHead.rows[0].cells[at + 1].textContent = row.name));
    const [means, languages] = [...section.querySelectorAll("tbody")];
    means.replaceChildren(
      ...data.columns.map((column) => line(column.label, rows.map((row) => value(row, column)), column, verdict(column, rows))),
    );
    const column = data.columns[measure.value];
    languages.replaceChildren(
      ...chosenLanguages.map((name) => line(name, rows.map((row) => ofLanguage(row, column, name)), column)),
    );
    section.querySelector("[data-measure]").textContent = column.label;
  };
  const places = address.get("compare").split("~").map((id) => data.rows.findIndex((row) => row.id === id));
  first.value = places[0] >= 0 ? places[0] : 0;
  second.value = places[1] >= 0 ? places[1] : 1;
  const column = data.columns.findIndex((found) => found.key === address.get("measure"));
  if (column >= 0) measure.value = column;
  section.addEventListener("input", () => {
    show();
    address.set("compare", data.rows[first.value].id + "~" + data.rows[second.value].id);
    address.set("measure", measure.value === measure.dataset.initial ? "" : data.columns[measure.value].key);
  });
  document.addEventListener("languages", show);
  section.hidden = false;
  show();
}
