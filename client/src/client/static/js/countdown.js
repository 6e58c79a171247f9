// Counts down the seconds the server said are left. The browser's clock may be wrong
// or changed, so only time elapsed on its steady clock is used. Screen readers hear
// each full minute and the last seconds; the digits themselves stay silent.
const digits = document.querySelector("[data-seconds-left]");
const announcer = document.getElementById("countdown-announcer");
const LAST_CALLS = new Set([60, 30, 10]);

function words(seconds) {
  if (seconds <= 60) return `${seconds} seconds left to pay.`;
  return `${seconds / 60} minutes left to pay.`;
}

function start(total) {
  const begun = performance.now();
  let shown = null;
  const timer = setInterval(tick, 250);

  function tick() {
    const elapsed = Math.floor((performance.now() - begun) / 1000);
    const left = Math.max(0, total - elapsed);
    if (left === shown) return;
    shown = left;
    digits.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    digits.toggleAttribute("data-low", left <= 60);
    if (left < total && (LAST_CALLS.has(left) || (left > 60 && left % 60 === 0))) {
      announcer.textContent = words(left);
    }
    if (left === 0) {
      clearInterval(timer);
      announcer.textContent = "The time to pay is over.";
      document.dispatchEvent(new CustomEvent("order:time-over"));
    }
  }

  tick();
}

if (digits) start(Number(digits.dataset.secondsLeft));
