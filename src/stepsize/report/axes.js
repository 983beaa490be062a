// Numbers as text, ticks, and the range of an axis. `number` follows digits.py.

const trimmed = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

const exponential = (value, digits) => {
  const [mantissa, exponent] = value.toExponential(digits).split("e");
  return `${trimmed(mantissa)}e${Number(exponent)}`;
};

const grouped = (value, decimals) =>
  value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });

const number = (value) => {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size < 1e6 && Number.isInteger(value)) return grouped(value, 0);
  if (size < 1e-2 || size >= 1e6) return exponential(value, 3);
  if (size < 1) return trimmed(value.toPrecision(4));
  return trimmed(grouped(value, Math.max(0, 4 - String(Math.trunc(size)).length)));
};

const power = (value) => Math.floor(Math.log10(value) + 1e-9);

// All ticks of one axis in one notation, with as many digits as their step needs.
const linearTicks = (ticks) => {
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : Math.abs(ticks[0]) || 1;
  const largest = Math.max(...ticks.map(Math.abs));
  const digits = Math.max(0, power(largest || 1) - power(step));
  const decimals = Math.max(0, -power(step));
  const plain = largest === 0 || (largest >= 1e-2 && largest < 1e6);
  return ticks.map((tick) => (tick === 0 ? "0" : plain ? grouped(tick, decimals) : exponential(tick, digits)));
};

const logTicks = (ticks) =>
  ticks.map((tick) => (ticks[0] < 1e-2 && tick < 1 ? exponential(tick, 3) : number(tick)));

// Densest first: which digits of a decade get a tick, and the narrowest gap they leave, in decades.
const DECADE_DIGITS = [
  [[1, 1.5, 2, 3, 5, 7], Math.log10(4 / 3)],
  [[1, 2, 5], Math.log10(2)],
  [[1, 3], Math.log10(3)],
  [[1], 1],
];

const logSplits = (min, max, length, space) => {
  const decades = Math.log10(max / min);
  if (decades < 0.7) return evenSplits(min, max, Math.max(2, length / space));
  const room = length / decades;
  const [digits] = DECADE_DIGITS.find(([, gap]) => gap * room >= space) ?? [[1]];
  const stride = Math.max(1, Math.ceil(space / room));
  const splits = [];
  for (let e = Math.ceil(power(min) / stride) * stride - stride; e <= power(max); e += stride)
    for (const digit of digits) splits.push(Number(`${digit}e${e}`));
  return splits.filter((split) => split >= min && split <= max);
};

const evenSplits = (min, max, count) => {
  const rough = (max - min) / count;
  const scale = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * scale >= rough) * scale;
  const first = Math.ceil(min / step);
  const size = Math.max(0, Math.floor(max / step) - first + 1);
  return Array.from({ length: size }, (_, i) => Number(((first + i) * step).toPrecision(12)));
};

// A range with some air around the data; an axis of amounts still begins at 0.
const padded = (min, max, log, share) => {
  if (min == null) return log ? [0.1, 1] : [0, 1];
  if (log) {
    const air = share * Math.log10(max / min) || (min === max ? 0.5 : 0);
    return [min / 10 ** air, max * 10 ** air];
  }
  const air = share * (max - min) || (min === max ? Math.abs(min) / 2 || 0.5 : 0);
  return [min >= 0 ? Math.max(0, min - air) : min - air, max + air];
};
