// The table of scores: a press selects a cell or sorts by a column, arrow keys go from cell to cell.
element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || button.disabled || !element.contains(button)) return;
  if (button.matches("[aria-pressed]")) {
    for (const cell of element.querySelectorAll("[aria-pressed=true]")) cell.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-pressed", "true");
  }
  trigger("click", { ...button.dataset });
});
const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
element.addEventListener("keydown", (event) => {
  const step = steps[event.key];
  const cell = event.target.closest("td, th");
  if (!step || !cell || !element.contains(cell)) return;
  const rows = [...element.querySelectorAll("tr")];
  let row = rows.indexOf(cell.parentElement);
  let column = [...cell.parentElement.children].indexOf(cell);
  for (;;) {
    row += step[0];
    column += step[1];
    const next = rows[row]?.children[column];
    if (!next) return;
    const button = next.querySelector("button:not(:disabled)");
    if (button) {
      event.preventDefault();
      button.focus();
      return;
    }
  }
});
