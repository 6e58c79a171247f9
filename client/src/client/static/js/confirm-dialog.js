// A link marked data-confirm opens the named dialog; without script it leads to a
// page that asks the same question.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-confirm]");
  if (link) {
    const dialog = document.getElementById(link.dataset.confirm);
    if (!dialog?.showModal) return;
    event.preventDefault();
    dialog.showModal();
    return;
  }
  event.target.closest("[data-close]")?.closest("dialog")?.close();
});
