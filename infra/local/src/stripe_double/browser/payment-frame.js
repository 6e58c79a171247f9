// The frame with the card fields. It runs on the double's origin, so the page of
// the shop never sees what is typed; it only asks for a check or a confirmation.
(() => {
  "use strict";

  const MARK = "stripe-double";
  const fields = ["number", "expiry", "cvc"].map((name) =>
    document.getElementById(name),
  );
  const [number, expiry, cvc] = fields;
  let shop = null;

  const digits = (input) => input.value.replace(/\D/g, "");

  const isAmex = () => /^3[47]/.test(digits(number));

  function isLuhnValid(text) {
    const sum = [...text].reverse().reduce((total, digit, place) => {
      const doubled = Number(digit) * (1 + (place % 2));
      return total + (doubled > 9 ? doubled - 9 : doubled);
    }, 0);
    return sum % 10 === 0;
  }

  function checkNumber() {
    const typed = digits(number);
    const whole = isAmex() ? 15 : 16;
    if (typed.length < Math.min(whole, 14)) {
      return ["incomplete_number", "Your card number is incomplete."];
    }
    if (!isLuhnValid(typed)) {
      return ["invalid_number", "Your card number is invalid."];
    }
    return null;
  }

  function checkExpiry() {
    const typed = digits(expiry);
    if (typed.length < 4) {
      return ["incomplete_expiry", "Your card's expiration date is incomplete."];
    }
    const month = Number(typed.slice(0, 2));
    const year = 2000 + Number(typed.slice(2));
    if (month < 1 || month > 12) {
      return ["invalid_expiry", "Your card's expiration date is invalid."];
    }
    const now = new Date();
    if (year < now.getFullYear()) {
      return [
        "invalid_expiry_year_past",
        "Your card's expiration year is in the past.",
      ];
    }
    if (year === now.getFullYear() && month < now.getMonth() + 1) {
      return [
        "invalid_expiry_month_past",
        "Your card's expiration date is in the past.",
      ];
    }
    return null;
  }

  function checkCvc() {
    if (digits(cvc).length < (isAmex() ? 4 : 3)) {
      return ["incomplete_cvc", "Your card's security code is incomplete."];
    }
    return null;
  }

  const checks = { number: checkNumber, expiry: checkExpiry, cvc: checkCvc };

  function mark(input) {
    const problem = checks[input.name]();
    const message = document.getElementById(`${input.name}-error`);
    input.setAttribute("aria-invalid", String(problem !== null));
    message.textContent = problem === null ? "" : problem[1];
    tellHeight();
    return problem;
  }

  function submit() {
    const problems = fields.map((input) => [input, mark(input)]);
    const wrong = problems.find(([, problem]) => problem !== null);
    if (wrong === undefined) {
      return { selectedPaymentMethod: "card" };
    }
    const [input, [code, message]] = wrong;
    input.focus();
    return { error: { type: "validation_error", code, message } };
  }

  async function confirm({ key, clientSecret, returnUrl }) {
    const checked = submit();
    if (checked.error) {
      return checked;
    }
    const typed = digits(expiry);
    const form = new URLSearchParams({
      key,
      client_secret: clientSecret,
      use_stripe_sdk: "true",
      return_url: returnUrl ?? "",
      "payment_method_data[type]": "card",
      "payment_method_data[card][number]": digits(number),
      "payment_method_data[card][exp_month]": typed.slice(0, 2),
      "payment_method_data[card][exp_year]": typed.slice(2),
      "payment_method_data[card][cvc]": digits(cvc),
    });
    const id = clientSecret.split("_secret_")[0];
    const response = await fetch(`/v1/payment_intents/${id}/confirm`, {
      method: "POST",
      body: form,
    });
    const answer = await response.json();
    return answer.error ? { error: answer.error } : { paymentIntent: answer };
  }

  function style(appearance) {
    const root = document.documentElement.style;
    for (const [name, value] of Object.entries(appearance?.variables ?? {})) {
      root.setProperty(`--${name}`, String(value));
    }
    tellHeight();
  }

  function tell(message) {
    if (shop !== null) {
      window.parent.postMessage({ source: MARK, ...message }, shop);
    }
  }

  function tellHeight() {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    tell({ event: "height", height });
  }

  function tellChange() {
    const complete = fields.every((input) => checks[input.name]() === null);
    const empty = fields.every((input) => input.value === "");
    tell({ event: "change", complete, empty });
  }

  function clear() {
    for (const input of fields) {
      input.value = "";
      input.removeAttribute("aria-invalid");
      document.getElementById(`${input.name}-error`).textContent = "";
    }
    tellHeight();
  }

  const actions = {
    init({ appearance }) {
      style(appearance);
      tell({ event: "ready" });
    },
    style: ({ appearance }) => style(appearance),
    focus: () => number.focus(),
    clear,
    submit,
    confirm,
  };

  window.addEventListener("message", async (event) => {
    const asked = event.data;
    if (event.source !== window.parent || asked?.source !== MARK) {
      return;
    }
    shop = event.origin;
    let result;
    try {
      result = await actions[asked.action](asked);
    } catch (error) {
      const message = "An error occurred while talking to Stripe.";
      result = { error: { type: "api_connection_error", message } };
    }
    tell({ id: asked.id, result: result ?? {} });
  });

  function format(input) {
    const typed = digits(input);
    if (input === number) {
      const groups = isAmex()
        ? [typed.slice(0, 4), typed.slice(4, 10), typed.slice(10, 15)]
        : typed.slice(0, 19).match(/.{1,4}/g) ?? [];
      input.value = groups.filter(Boolean).join(" ");
    } else if (input === expiry) {
      const padded = /^[2-9]$/.test(typed) ? `0${typed}` : typed.slice(0, 4);
      input.value =
        padded.length > 2 ? `${padded.slice(0, 2)} / ${padded.slice(2)}` : padded;
    } else {
      input.value = typed.slice(0, 4);
    }
  }

  for (const input of fields) {
    input.addEventListener("input", () => {
      format(input);
      if (input.getAttribute("aria-invalid") === "true") {
        mark(input);
      }
      tellChange();
    });
    input.addEventListener("focus", () => tell({ event: "focus" }));
    input.addEventListener("blur", () => {
      if (input.value !== "") {
        mark(input);
      }
      tell({ event: "blur" });
    });
  }
  document.getElementById("card").addEventListener("submit", (event) => {
    event.preventDefault();
  });
  new ResizeObserver(tellHeight).observe(document.body);
})();
