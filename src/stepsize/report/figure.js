// One figure on the page: the legend that shows the values under the cursor, zoom, touch, and its size.

const HINT = "Hover or tap to read values · drag sideways to zoom · double-click to reset";

const root = document.documentElement;

const create = (tag, kind, text = "") => {
  const node = Object.assign(document.createElement(tag), { className: kind, textContent: text });
  if (tag === "button") node.type = "button";
  return node;
};

const reading = (name, tag = "span") => {
  const node = create(tag, "reading");
  node.append(create("i", "swatch"), create("span", "name", name), create("span", "value", "–"));
  return node;
};

const keyOf = (one) => {
  const key = reading(one.label, "button");
  key.dataset.series = one.label;
  key.title = "Show or hide";
  key.setAttribute("aria-pressed", "true");
  key.classList.toggle("dots", !one.line);
  key.classList.toggle("dashed", one.dash);
  return key;
};

const write = (node, text) => {
  node.querySelector(".value").textContent = text;
};

// The cursor's values, as text in the legend.
const readValues = ({ u, at, keys, first }) => {
  const x = u.cursor.idx == null ? NaN : u.data[0][u.cursor.idx];
  // Repeated x are told apart by the smallest step a float has; at 0 that step would show.
  write(at, number(Math.abs(x) < 1e-300 ? 0 : x));
  keys.forEach((key, i) => {
    const index = u.cursor.idxs?.[first + i];
    write(key, number(index == null ? NaN : (u.data[first + i][index] ?? NaN)));
  });
};

const showRange = ({ u, figure, reset, spec }) => {
  const { min, max } = u.scales.x;
  const [low, high] = extentOf(spec, u.data);
  figure.dataset.xRange = `${min} ${max}`;
  reset.hidden = min <= low && max >= high;
};

const toggleSeries = ({ u, keys, first, columns, spec }, i) => {
  const show = keys[i].getAttribute("aria-pressed") === "false";
  keys[i].setAttribute("aria-pressed", show);
  const band = columns.banded.indexOf(spec.series[i]);
  const edges = band < 0 ? [] : [1 + 2 * band, 2 + 2 * band];
  for (const index of [...edges, first + i]) u.setSeries(index, { show });
};

// A finger that taps or moves sideways reads values; up and down it scrolls the page.
const followFinger = ({ u }) => {
  const follow = (event) => {
    if (event.pointerType === "mouse") return;
    const box = u.over.getBoundingClientRect();
    u.setCursor({ left: event.clientX - box.left, top: event.clientY - box.top });
  };
  for (const kind of ["pointerdown", "pointermove"]) u.over.addEventListener(kind, follow);
};

const hooksFor = (chart) => {
  const heard = (action) => [(u, ...rest) => action({ ...chart, u }, ...rest)];
  return {
    drawClear: heard(({ u, spec }) => drawSpans(u, spec)),
    draw: heard(({ u, spec }) => drawMarks(u, spec)),
    setCursor: heard(readValues),
    setScale: heard((chart, axis) => axis === "x" && showRange(chart)),
    setSeries: heard(({ keys, first }, index, { focus }) => {
      if (focus != null) keys.forEach((key, i) => key.classList.toggle("near", index === first + i));
    }),
  };
};

const sizeFor = (width) => ({ width, height: heightFor(width) });

const chartIn = (figure) => {
  const spec = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
  const columns = columnsOf(spec);
  const reset = create("button", "reset", "Reset zoom");
  const keys = spec.series.map(keyOf);
  return { figure, spec, columns, first: 1 + columns.edges, at: reading(spec.xLabel), keys, reset };
};

const listen = (chart, place, paint) => {
  const { u, keys, reset } = chart;
  keys.forEach((key, i) => key.addEventListener("click", () => toggleSeries(chart, i)));
  reset.addEventListener("click", () => u.setScale("x", { min: u.data[0][0], max: u.data[0].at(-1) }));
  followFinger(chart);
  new ResizeObserver(() => {
    const fits = place.clientWidth === u.width || root.classList.contains("printing");
    if (!fits) requestAnimationFrame(() => paint());
  }).observe(place);
};

// Draws the figure and returns how to paint it again, at its own width or at a given one.
const draw = (figure) => {
  const chart = chartIn(figure);
  const { spec, columns, at, keys, reset } = chart;
  const place = figure.querySelector(".plot");
  at.classList.add("at");
  figure.querySelector(".legend").append(at, ...keys);
  figure.querySelector(".hint").append(HINT, reset);
  const options = optionsFor(spec, columns, hooksFor(chart));
  const u = new uPlot({ ...options, ...sizeFor(place.clientWidth || 600) }, columns.data, place);
  const paint = (width = place.clientWidth) => {
    keys.forEach((key, i) => key.style.setProperty("--swatch", colorOf(spec.series[i], i)));
    if (width) u.setSize(sizeFor(width));
  };
  listen({ ...chart, u }, place, paint);
  paint();
  return paint;
};
