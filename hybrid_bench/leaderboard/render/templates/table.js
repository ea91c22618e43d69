"use strict";
(function () {
  function key(row, at, kind) {
    var cell = row.children[at];
    if (kind !== "number") return cell.textContent.trim().toLowerCase();
    return cell.dataset.value === "" ? null : Number(cell.dataset.value);
  }
  function compare(a, b, sign) {
    if (a === null || b === null) return (a === null) - (b === null);
    if (typeof a === "string") return sign * a.localeCompare(b, "en");
    return sign * (a - b);
  }
  function sort(table, at, kind, direction) {
    var sign = direction === "ascending" ? 1 : -1;
    table.querySelectorAll("tbody").forEach(function (body) {
      var rows = Array.from(body.rows).filter(function (row) {
        return !row.classList.contains("fixed");
      });
      rows.sort(function (a, b) {
        return compare(key(a, at, kind), key(b, at, kind), sign);
      });
      rows.forEach(function (row) {
        body.appendChild(row);
      });
    });
  }
  document.querySelectorAll("table.sortable").forEach(function (table) {
    var heads = Array.from(table.tHead.rows[0].cells);
    heads.forEach(function (head, at) {
      var button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.textContent = "";
      head.appendChild(button);
      button.addEventListener("click", function () {
        var now = head.getAttribute("aria-sort");
        var direction = now === null ? head.dataset.first : now === "ascending" ? "descending" : "ascending";
        heads.forEach(function (other) {
          other.removeAttribute("aria-sort");
        });
        head.setAttribute("aria-sort", direction);
        sort(table, at, head.dataset.sort, direction);
      });
    });
  });
  document.querySelectorAll("form.filters").forEach(function (form) {
    var rows = Array.from(document.getElementById(form.dataset.table).querySelectorAll("tbody tr:not(.fixed)"));
    function apply() {
      var words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
      var level = form.elements.level.value;
      var shown = 0;
      rows.forEach(function (row) {
        var text = row.textContent.toLowerCase();
        var keep =
          words.every(function (word) {
            return text.includes(word);
          }) &&
          (!level || row.dataset.level === level) &&
          (!form.elements["zero-shot"].checked || row.dataset.zeroShot.split("; ").every((part) => part.startsWith("yes")));
        row.hidden = !keep;
        shown += keep ? 1 : 0;
      });
      form.elements.count.value = shown + " of " + rows.length + " rows";
    }
    form.addEventListener("input", apply);
    form.addEventListener("submit", function (event) {
      event.preventDefault();
    });
    form.hidden = false;
    apply();
  });
})();
