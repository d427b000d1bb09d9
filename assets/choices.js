// Runs once for a list of buttons: one listener for all of them, so that what is drawn later counts too.
// data-link="name=value" goes into the page's address, so that a reload finds the choice again.
element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button && !button.disabled && element.contains(button)) {
    const { link, ...data } = button.dataset;
    if (link) {
      const address = new URL(window.location.href);
      const [name, value] = link.split("=", 2);
      address.searchParams.set(name, value);
      window.history.replaceState(null, "", address);
    }
    trigger("click", data);
  }
});
