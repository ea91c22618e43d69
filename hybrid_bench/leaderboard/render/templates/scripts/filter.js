// Hides the rows that a form leaves out.
for (const form of document.querySelectorAll("form.filters")) {
  const rows = [...document.getElementById(form.dataset.table).querySelectorAll("tbody tr:not(.fixed)")];
  const fields = form.elements;
  const apply = () => {
    const words = fields.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const zeroShot = row.dataset.zeroShot.split("; ").every((part) => part.startsWith("yes"));
      row.hidden = !(
        words.every((word) => text.includes(word)) &&
        (!fields.level.value || row.dataset.level === fields.level.value) &&
        (!fields["zero-shot"].checked || zeroShot)
      );
      shown += row.hidden ? 0 : 1;
    }
    fields.count.value = shown + " of " + rows.length + " rows";
  };
  fields.text.value = address.get("text");
  fields.level.value = [...fields.level.options].some((option) => option.value === address.get("level")) ? address.get("level") : "";
  fields["zero-shot"].checked = address.get("zero-shot") === "yes";
  form.addEventListener("input", () => {
    apply();
    address.set("text", fields.text.value.trim());
    address.set("level", fields.level.value);
    address.set("zero-shot", fields["zero-shot"].checked ? "yes" : "");
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply();
}
