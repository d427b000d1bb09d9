// j and k go to the next and the previous question, wherever the focus is but in a field.
if (!window.clikaKeys) {
  window.clikaKeys = true;
  document.addEventListener("keydown", (event) => {
    const id = { j: "question-after", k: "question-before" }[event.key];
    if (!id || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable], [role=listbox]")) return;
    const found = document.getElementById(id);
    const button = found && (found.matches("button") ? found : found.querySelector("button"));
    if (button && !button.disabled && button.offsetParent) {
      event.preventDefault();
      button.click();
    }
  });
}
