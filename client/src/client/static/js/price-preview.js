// Shows what buyers will see while a price is typed. Integers only, the same rounding
// as the server's; the server's own reading of the form is what counts.
const input = document.querySelector("[data-price-preview]");
const output = input && document.getElementById(input.dataset.pricePreview);

function minorUnits(text, exponent) {
  const bare = text.trim().replace(/^[$€£¥]\s*/, "");
  const match = /^(\d{1,3}(?:,\d{3})+|\d+)?(?:\.(\d*))?$/.exec(bare);
  if (!match || bare.length > 20) return null;
  const [units, fraction] = [match[1] ?? "", match[2] ?? ""];
  if ((!units && !fraction) || fraction.length > exponent) return null;
  return BigInt((units.replaceAll(",", "") || "0") + fraction.padEnd(exponent, "0"));
}

function written(amount, exponent, currency) {
  const digits = amount.toString().padStart(exponent + 1, "0");
  const cut = digits.length - exponent;
  const format = new Intl.NumberFormat("en-US", {
    style: "currency",
    currency,
    minimumFractionDigits: exponent,
  });
  return format.format(exponent ? `${digits.slice(0, cut)}.${digits.slice(cut)}` : digits);
}

function show() {
  const exponent = Number(input.dataset.exponent);
  const currency = input.dataset.currency.toUpperCase();
  const price = minorUnits(input.value, exponent);
  output.hidden = price === null || price === 0n;
  if (output.hidden) return;
  const fee = (price * BigInt(input.dataset.feeBasisPoints) + 5000n) / 10000n;
  const total = written(price + fee, exponent, currency);
  const share = written(fee, exponent, currency);
  output.textContent = `Buyers see ${total}, fees of ${share} included.`;
}

if (output) {
  input.addEventListener("input", show);
  show();
}
