// Tells the page that shows this one in a frame that the step is over. The
// message carries nothing: the outcome is read from the API.
(() => {
  "use strict";
  if (document.getElementById("over") !== null && window.parent !== window) {
    const message = { source: "stripe-double", event: "challenge-over" };
    window.parent.postMessage(message, "*");
  }
})();
