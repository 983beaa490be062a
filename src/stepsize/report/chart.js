// A chart in the words of uPlot: its data joined on x, its scales, axes, lines and bands.

const PALETTE_SIZE = 8;

const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// A colour chosen for paper is lightened where the page is dark, all by the same share to keep their order.
const colorOf = (one, i) =>
  one.color
    ? `color-mix(in oklab, ${one.color} ${ink("--own")}, white)`
    : ink(`--series-${(i % PALETTE_SIZE) + 1}`);

const faded = (color) => `color-mix(in srgb, ${color} 17%, transparent)`;

// Values with nothing but gaps around them: no line reaches them, so they are drawn as dots.
const lonely = (ys) => {
  const filled = ys.map((y, i) => [y, i]).filter(([y]) => y !== undefined);
  return filled
    .filter(([y], k) => y != null && filled[k - 1]?.[0] == null && filled[k + 1]?.[0] == null)
    .map(([, i]) => i);
};

// uPlot's columns are x, then the edges of all bands (they lie behind every line), then the series themselves.
const columnsOf = (spec) => {
  const banded = spec.series.filter((one) => one.low);
  const tables = [
    ...banded.map((one) => [spec.xs[one.x], one.low, one.high]),
    ...spec.series.map((one) => [spec.xs[one.x], one.y]),
  ];
  const gapsStay = tables.map((table) => table.map(() => 2));
  return { data: uPlot.join(tables, gapsStay), edges: 2 * banded.length, banded };
};

const edgeSeries = { width: 0, points: { show: false } };

const lineSeries = (one, i, ys, width) => {
  const alone = lonely(ys);
  const count = ys.filter((y) => y != null).length;
  return {
    label: one.label,
    stroke: () => colorOf(one, i),
    width,
    dash: one.dash || (!one.color && i >= PALETTE_SIZE) ? [7, 5] : undefined,
    ...(one.line ? {} : { paths: () => null }),
    points: {
      show: one.points,
      filter: (u, index, show) => (show || !alone.length ? null : alone),
      size: count > 150 ? 6 : 9,
      width: 1,
      stroke: () => ink("--paper"),
      fill: () => colorOf(one, i),
    },
  };
};

const axisOf = (side, log, space) => ({
  side,
  space,
  stroke: () => ink("--quiet"),
  font: "12px system-ui, sans-serif",
  gap: side === 3 ? 8 : 6,
  grid: { stroke: () => ink("--grid"), width: 1 },
  ticks: { show: false },
  filter: (u, splits) => splits,
  values: (u, ticks) => (log || !ticks.length ? logTicks(ticks) : linearTicks(ticks)),
  splits: (u, axis, min, max) => {
    const length = u.bbox[side === 3 ? "height" : "width"] / uPlot.pxRatio;
    return log ? logSplits(min, max, length, space) : evenSplits(min, max, Math.max(1, length / space));
  },
});

const widest = (values) => Math.max(1, ...(values ?? []).map((value) => value.length));

const heightFor = (width) => Math.round(Math.max(230, Math.min(360, width * 0.42)));

const extentOf = (spec, data) => {
  const share = spec.series.some((one) => one.points || !one.line) ? 0.03 : 0;
  return padded(data[0][0], data[0].at(-1), spec.xLog, share);
};

// A redraw passes the range in view, which must come back as it is: only the whole gets its air.
const scalesFor = (spec, data) => {
  const whole = extentOf(spec, data);
  const isWhole = (min, max) => min === data[0][0] && max === data[0].at(-1);
  const inView = (u, min, max) => (isWhole(min, max) ? whole : [min, max]);
  const kept = ({ min, max }) => [min ?? 0.1, max ?? 1];
  const fitted = (u, min, max) => (min == null ? kept(u.scales.y) : padded(min, max, spec.yLog, 0.06));
  return {
    x: { time: false, distr: spec.xLog ? 3 : 1, range: inView },
    y: { distr: spec.yLog ? 3 : 1, range: spec.yRange ? () => spec.yRange : fitted },
  };
};

// The edges of bands take no part in reading values: they are never near and have no dot.
const cursorFor = (data, edges, colors) => {
  const ends = data.map((ys) => [ys.findIndex((y) => y != null), ys.findLastIndex((y) => y != null)]);
  return {
    y: false,
    drag: { x: true, y: false, dist: 5 },
    focus: { prox: 30, dist: (u, i, at, y, pointer) => (i > edges ? y - pointer : Infinity) },
    // Between its ends a series answers with its nearest value; beyond them it has none.
    hover: { prox: (u, i, at) => (at >= ends[i][0] && at <= ends[i][1] ? 1e9 : 8) },
    points: {
      size: (u, i) => (i > edges ? 9 : 0),
      width: 2,
      stroke: () => ink("--paper"),
      fill: (u, i) => (i > edges ? colors[i - 1 - edges]() : ""),
    },
  };
};

const optionsFor = (spec, { data, edges, banded }, hooks) => {
  const crowded = spec.series.length > 4;
  const colors = spec.series.map((one, i) => () => colorOf(one, i));
  const lines = spec.series.map((one, i) => lineSeries(one, i, data[1 + edges + i], crowded ? 1.5 : 2));
  const band = (one, k) => ({
    series: [2 + 2 * k, 1 + 2 * k],
    fill: () => faded(colors[spec.series.indexOf(one)]()),
  });
  return {
    legend: { show: false },
    padding: [laneCount(spec) * LANE + 8, 20, 0, 0],
    scales: scalesFor(spec, data),
    axes: [
      { ...axisOf(2, spec.xLog, 64), size: 28 },
      { ...axisOf(3, spec.yLog, 40), size: (u, values) => 7 * widest(values) + 14 },
    ],
    series: [{}, ...Array.from({ length: edges }, () => edgeSeries), ...lines],
    bands: banded.map(band),
    focus: { alpha: crowded ? 0.25 : 1 },
    cursor: cursorFor(data, edges, colors),
    hooks,
  };
};
