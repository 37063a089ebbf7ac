// Numbers and arrays as the server sends them, and as people read them.

const TYPES = { f8: Float64Array, i4: Int32Array };

/** The entries of an array that was sent as bytes. */
export function entries(sent) {
  if (Array.isArray(sent)) return sent;
  const text = atob(sent.bdata),
    bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new TYPES[sent.dtype](bytes.buffer);
}

/** The lengths of the axes of such an array. */
export const shape = (sent) => sent.shape.split(", ").map(Number);

/** A matrix as an array of rows. */
export function rows(sent) {
  const [n, m] = shape(sent),
    flat = entries(sent);
  return Array.from({ length: n }, (_, i) => flat.subarray(i * m, (i + 1) * m));
}

/** A sent number as a number: those that JSON lacks come as text. */
export const value = (sent) => ({ nan: NaN, inf: Infinity, "-inf": -Infinity })[sent] ?? Number(sent);

/** A number with six significant digits, for people. */
export function shown(sent) {
  const x = value(sent);
  if (Number.isNaN(x)) return "not defined";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  const size = Math.abs(x);
  const text = size !== 0 && (size < 1e-4 || size >= 1e7) ? x.toExponential(4) : String(Number(x.toPrecision(6)));
  const [digits, power] = text.split("e");
  return digits.replace("-", "−") + (power === undefined ? "" : `·10${superscript(power)}`);
}

const superscript = (power) => [...String(Number(power))].map((c) => ({ "-": "⁻" })[c] ?? "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]).join("");

/** Rounded to what one pixel of a window can tell, so that addresses stay short. */
export function rounded(x, span) {
  const digits = Math.max(0, Math.min(15, Math.ceil(-Math.log10(Math.abs(span) / 2000))));
  return Number(x.toFixed(digits));
}
