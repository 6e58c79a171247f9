// Follows an order while it moves: asks for its state, changes the words in place
// while the same kind of waiting goes on, and loads the page anew when there is
// something else to do or to read.
const order = document.querySelector("[data-state-url]");
const WAITING = new Set(["confirming", "finishing"]);
const FAST = 250;
const SLOW = 2500;
const WHILE_PAYING = 5000;
const HINT_LASTS = 60_000;
const FOCUS_KEY = "focus-order-title";

let pause = FAST;
let confirming = false;
let timer = null;
const begun = performance.now();

function reload() {
  sessionStorage.setItem(FOCUS_KEY, "yes");
  location.replace(location.pathname);
}

function say(state) {
  document.getElementById("order-title").textContent = state.title;
  document.getElementById("order-lead").textContent = state.lead;
}

function isUnchanged(stage) {
  const shown = order.dataset.stage;
  if (stage === shown) return true;
  // Back from the bank, the page waits although the services have not heard yet.
  const hinted = "hinted" in order.dataset || confirming;
  return hinted && stage === "pay" && performance.now() - begun < HINT_LASTS;
}

function apply(state) {
  const shown = order.dataset.stage;
  const sameWait = WAITING.has(state.stage) && (WAITING.has(shown) || confirming);
  if (sameWait) {
    say(state);
    return true;
  }
  if (isUnchanged(state.stage)) return true;
  reload();
  return false;
}

async function look() {
  let goesOn = true;
  try {
    const answer = await fetch(order.dataset.stateUrl, {
      headers: { accept: "application/json" },
      cache: "no-store",
    });
    if (answer.ok) goesOn = apply(await answer.json());
    else if (answer.status === 401 || answer.status === 404) {
      goesOn = false;
      location.reload();
    }
  } catch {
    // The network is away; the next look may find it back.
  }
  if (goesOn) wait();
}

function wait() {
  clearTimeout(timer);
  const paying = order.dataset.stage === "pay" && !confirming;
  timer = setTimeout(look, paying ? WHILE_PAYING : pause);
  pause = Math.min(SLOW, pause * 1.25);
}

function hurry() {
  pause = FAST;
  clearTimeout(timer);
  look();
}

if (order) {
  document.addEventListener("order:time-over", () => {
    // The order's own clock decides; look soon and often until it has.
    confirming = false;
    hurry();
  });
  document.addEventListener("order:confirming", () => {
    confirming = true;
    hurry();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) hurry();
  });
  // The bank's way back leaves the client secret in the address; take it out.
  if (location.search) history.replaceState(null, "", location.pathname);
  wait();
}

if (sessionStorage.getItem(FOCUS_KEY)) {
  sessionStorage.removeItem(FOCUS_KEY);
  document.getElementById("order-title")?.focus();
}
