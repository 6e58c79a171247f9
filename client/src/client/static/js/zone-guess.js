// Most people sell tickets for events near them: offer their own time zone.
const zone = document.querySelector("[data-zone-guess]");
if (zone && !zone.value) {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const known = [...document.querySelectorAll("#zones option")];
  if (known.some((option) => option.value === own)) zone.value = own;
}
