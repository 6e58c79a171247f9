// The card form: Stripe's Payment Element, on a payment prepared by our server. The
// page never decides that an order is paid; it only waits for the services to say so.
const checkout = document.getElementById("checkout");
const form = document.getElementById("payment-form");
const prepare = document.getElementById("prepare-form");
const loading = document.getElementById("payment-loading");
const problem = document.getElementById("payment-error");
const button = document.getElementById("pay");
const label = button?.textContent;

const DECLINES = {
  card_declined: "Your card was declined.",
  expired_card: "This card has expired.",
  incorrect_cvc: "The security code is not right.",
  incorrect_number: "The card number is not right.",
  insufficient_funds: "There is not enough money on this card.",
  payment_intent_authentication_failure: "Your bank could not confirm it is you.",
  processing_error: "The bank had a problem with this card.",
};
const NOT_CHARGED = "You were not charged. Try again or use another card.";

function explain(message) {
  problem.textContent = message;
  problem.hidden = false;
}

function declineWords(error) {
  const known = DECLINES[error.decline_code] ?? DECLINES[error.code];
  if (known) return `${known} ${NOT_CHARGED}`;
  if (error.type === "validation_error") return error.message;
  return error.type === "card_error" && error.message
    ? `${error.message} ${NOT_CHARGED}`
    : `The payment did not go through. ${NOT_CHARGED}`;
}

function setBusy(busy, text = label) {
  button.disabled = busy;
  button.toggleAttribute("aria-busy", false);
  if (busy) button.setAttribute("aria-busy", "true");
  button.textContent = text;
}

function showFormAgain(message) {
  loading.hidden = true;
  prepare.hidden = false;
  explain(message);
}

async function clientSecret() {
  if (checkout.dataset.clientSecret) return checkout.dataset.clientSecret;
  const answer = await fetch(prepare.action, {
    method: "POST",
    headers: { accept: "application/json" },
    body: new URLSearchParams(new FormData(prepare)),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.message || "");
  return body.client_secret;
}

function appearance() {
  const style = getComputedStyle(document.documentElement);
  const token = (name) => style.getPropertyValue(name).trim();
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  return {
    theme: dark ? "night" : "stripe",
    variables: {
      borderRadius: "8px",
      colorBackground: token("--surface"),
      colorDanger: token("--bad"),
      colorPrimary: token("--brand"),
      colorText: token("--ink"),
      fontFamily: token("--font"),
    },
  };
}

async function mount() {
  const stripe = window.Stripe(checkout.dataset.publishableKey);
  const secret = await clientSecret();
  const elements = stripe.elements({ clientSecret: secret, appearance: appearance() });
  const card = elements.create("payment");
  card.on("ready", () => {
    loading.hidden = true;
    button.disabled = false;
  });
  card.on("loaderror", () => showFormAgain("The card form could not be loaded."));
  form.hidden = false;
  card.mount("#payment-element");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!button.disabled) confirm(stripe, elements);
  });
}

async function confirm(stripe, elements) {
  problem.hidden = true;
  document.querySelectorAll("#declined, #bank-refused").forEach((old) => old.remove());
  setBusy(true, "Paying…");
  const here = `${location.origin}${location.pathname}`;
  let result;
  try {
    result = await stripe.confirmPayment({
      elements,
      confirmParams: { return_url: here },
      redirect: "if_required",
    });
  } catch {
    result = { error: { type: "api_connection_error" } };
  }
  if (result.error) {
    setBusy(false);
    explain(declineWords(result.error));
    return;
  }
  showConfirming();
}

function showConfirming() {
  checkout.hidden = true;
  document.getElementById("cancel-order")?.remove();
  document.querySelector(".timer")?.remove();
  document.getElementById("order-spinner").hidden = false;
  const title = document.getElementById("order-title");
  title.textContent = checkout.dataset.confirmingTitle;
  document.getElementById("order-lead").textContent = checkout.dataset.confirmingLead;
  title.focus();
  document.dispatchEvent(new CustomEvent("order:confirming"));
}

async function begin() {
  loading.hidden = false;
  if (!window.Stripe) {
    showFormAgain("The secure card form could not be loaded. Is something blocking it?");
    return;
  }
  try {
    await mount();
  } catch (error) {
    showFormAgain(error.message || "The card form could not be prepared just now.");
  }
}

if (checkout) begin();
