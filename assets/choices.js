// Runs once for a list of buttons: one listener for all of them, so that what is drawn later counts too.
element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button && !button.disabled && element.contains(button)) {
    trigger("click", { ...button.dataset });
  }
});
