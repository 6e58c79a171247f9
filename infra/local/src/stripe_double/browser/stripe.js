// A stand-in for Stripe.js: the part of it that Ticketing uses, spoken to the
// double this file was loaded from. No real card belongs in its fields.
(() => {
  "use strict";

  const MARK = "stripe-double";
  const ORIGIN = new URL(document.currentScript.src).origin;
  const LOAD_MILLISECONDS = 15000;
  const UNABLE =
    "We are unable to authenticate your payment method. " +
    "Please choose a different payment method and try again.";

  // Asks a frame of the double and waits for its answer.
  class Frame {
    constructor(onEvent) {
      this.waiting = new Map();
      this.count = 0;
      this.onEvent = onEvent;
      this.element = document.createElement("iframe");
      this.element.src = `${ORIGIN}/elements/payment`;
      this.element.title = "Secure payment input frame";
      this.element.allow = "payment *";
      const style = this.element.style;
      style.border = "0";
      style.width = "100%";
      style.height = "190px";
      style.display = "block";
      style.colorScheme = "normal";
      this.listener = (event) => this.hear(event);
      window.addEventListener("message", this.listener);
    }

    hear(event) {
      const told = event.data;
      const isOurs =
        event.origin === ORIGIN && event.source === this.element.contentWindow;
      if (!isOurs || told?.source !== MARK) {
        return;
      }
      if (told.event !== undefined) {
        this.onEvent(told);
        return;
      }
      this.waiting.get(told.id)?.(told.result);
      this.waiting.delete(told.id);
    }

    ask(action, details = {}) {
      if (this.element.contentWindow === null) {
        return Promise.reject(new Error("The payment element is not mounted."));
      }
      this.count += 1;
      const id = this.count;
      return new Promise((resolve) => {
        this.waiting.set(id, resolve);
        this.element.contentWindow.postMessage(
          { source: MARK, id, action, ...details },
          ORIGIN,
        );
      });
    }

    remove() {
      window.removeEventListener("message", this.listener);
      this.element.remove();
    }
  }

  class PaymentElement {
    constructor(elements) {
      this.elements = elements;
      this.handlers = new Map();
      this.frame = null;
    }

    mount(place) {
      const target =
        typeof place === "string" ? document.querySelector(place) : place;
      if (target === null) {
        throw new Error(`No element to mount on: ${place}`);
      }
      this.unmount();
      this.frame = new Frame((told) => this.tell(told));
      this.frame.element.addEventListener("load", () => {
        this.frame.ask("init", { appearance: this.elements.options.appearance });
      });
      // A frame that cannot be loaded says nothing at all, so silence is the sign.
      const patience = setTimeout(() => {
        const message = "The payment element could not be loaded.";
        this.emit("loaderror", { elementType: "payment", error: { message } });
      }, LOAD_MILLISECONDS);
      this.once("ready", () => clearTimeout(patience));
      target.append(this.frame.element);
    }

    tell(told) {
      if (told.event === "height") {
        this.frame.element.style.height = `${told.height}px`;
        return;
      }
      const value = { type: "card" };
      this.emit(told.event, {
        elementType: "payment",
        complete: told.complete,
        empty: told.empty,
        value,
      });
    }

    emit(name, details) {
      for (const handler of this.handlers.get(name) ?? []) {
        handler(details);
      }
    }

    on(name, handler) {
      this.handlers.set(name, [...(this.handlers.get(name) ?? []), handler]);
      return this;
    }

    once(name, handler) {
      const once = (details) => {
        this.off(name, once);
        handler(details);
      };
      return this.on(name, once);
    }

    off(name, handler) {
      const kept = (this.handlers.get(name) ?? []).filter(
        (known) => handler !== undefined && known !== handler,
      );
      this.handlers.set(name, kept);
      return this;
    }

    focus() {
      this.frame?.ask("focus");
    }

    clear() {
      this.frame?.ask("clear");
    }

    update() {
      return this;
    }

    collapse() {
      return this;
    }

    unmount() {
      this.frame?.remove();
      this.frame = null;
    }

    destroy() {
      this.unmount();
      this.elements.element = null;
    }
  }

  class Elements {
    constructor(options) {
      this.options = options;
      this.element = null;
    }

    create(type) {
      if (type !== "payment") {
        throw new Error(`The Stripe double has no "${type}" element.`);
      }
      if (this.element !== null) {
        throw new Error("Can only create one payment element.");
      }
      this.element = new PaymentElement(this);
      return this.element;
    }

    getElement(type) {
      return type === "payment" ? this.element : null;
    }

    update(options) {
      this.options = { ...this.options, ...options };
      this.element?.frame?.ask("style", { appearance: this.options.appearance });
    }

    async fetchUpdates() {
      return {};
    }

    async submit() {
      return this.frame().ask("submit");
    }

    frame() {
      if (!this.element?.frame) {
        throw new Error("Mount the payment element first.");
      }
      return this.element.frame;
    }
  }

  // Shows the bank's page over the shop's until the buyer has answered.
  function challenge(url) {
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", "3-D Secure authentication");
    Object.assign(dialog.style, {
      position: "fixed",
      inset: "0",
      width: "100vw",
      height: "100dvh",
      maxWidth: "none",
      maxHeight: "none",
      margin: "0",
      padding: "0",
      border: "0",
      background: "rgba(10, 15, 30, 0.6)",
      display: "grid",
      placeItems: "center",
    });
    const frame = document.createElement("iframe");
    frame.title = "3-D Secure authentication";
    frame.name = "stripe-challenge-frame";
    frame.src = url;
    Object.assign(frame.style, {
      width: "min(26rem, 92vw)",
      height: "min(24rem, 80dvh)",
      border: "0",
      borderRadius: "12px",
      background: "#ffffff",
      colorScheme: "normal",
    });
    dialog.append(frame);
    // Leaving the page is how one abandons it; Escape alone must not.
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    document.body.append(dialog);
    dialog.showModal();
    return new Promise((resolve) => {
      const listener = (event) => {
        const isOver =
          event.origin === ORIGIN &&
          event.source === frame.contentWindow &&
          event.data?.source === MARK &&
          event.data.event === "challenge-over";
        if (isOver) {
          window.removeEventListener("message", listener);
          dialog.close();
          dialog.remove();
          resolve();
        }
      };
      window.addEventListener("message", listener);
    });
  }

  function outcome(paymentIntent) {
    const failure = paymentIntent.last_payment_error;
    if (paymentIntent.status !== "requires_payment_method" || failure === null) {
      return { paymentIntent };
    }
    const isRefused = failure.code === "payment_intent_authentication_failure";
    const message = isRefused ? UNABLE : failure.message;
    return { error: { ...failure, message, payment_intent: paymentIntent } };
  }

  class StripeDouble {
    constructor(key) {
      this.key = key;
    }

    elements(options = {}) {
      return new Elements(options);
    }

    async retrievePaymentIntent(clientSecret) {
      const id = clientSecret.split("_secret_")[0];
      const query = new URLSearchParams({
        key: this.key,
        client_secret: clientSecret,
      });
      try {
        const response = await fetch(`${ORIGIN}/v1/payment_intents/${id}?${query}`);
        const answer = await response.json();
        return answer.error ? { error: answer.error } : { paymentIntent: answer };
      } catch (error) {
        const message = "An error occurred while talking to Stripe.";
        return { error: { type: "api_connection_error", message } };
      }
    }

    async handleNextAction({ clientSecret }) {
      const { paymentIntent, error } = await this.retrievePaymentIntent(clientSecret);
      if (error) {
        return { error };
      }
      return this.#follow(paymentIntent);
    }

    async #follow(paymentIntent) {
      const next = paymentIntent.next_action;
      if (next === null) {
        return outcome(paymentIntent);
      }
      if (next.type === "redirect_to_url") {
        window.location.assign(next.redirect_to_url.url);
        return new Promise(() => {});
      }
      await challenge(next.use_stripe_sdk.stripe_js);
      const after = await this.retrievePaymentIntent(paymentIntent.client_secret);
      return after.error ? after : outcome(after.paymentIntent);
    }

    async confirmPayment({ elements, confirmParams = {}, redirect = "always" }) {
      const clientSecret = elements.options.clientSecret;
      const confirmed = await elements.frame().ask("confirm", {
        key: this.key,
        clientSecret,
        returnUrl: confirmParams.return_url,
      });
      if (confirmed.error) {
        return confirmed;
      }
      const result = await this.#follow(confirmed.paymentIntent);
      if (result.error || redirect === "if_required") {
        return result;
      }
      const back = new URL(confirmParams.return_url, window.location.href);
      back.searchParams.set("payment_intent", result.paymentIntent.id);
      back.searchParams.set("payment_intent_client_secret", clientSecret);
      back.searchParams.set("redirect_status", "succeeded");
      window.location.assign(back);
      return new Promise(() => {});
    }
  }

  window.Stripe = (key) => {
    if (typeof key !== "string" || !key.startsWith("pk_")) {
      throw new Error("Stripe() takes a publishable key, one that begins with pk_.");
    }
    return new StripeDouble(key);
  };
  window.Stripe.version = "double";
})();
