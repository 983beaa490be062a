// Shaded spans and vertical lines. Their labels stand above the plot, in lanes, so that they hide no data.

const LANE = 16;

const laneCount = (spec) =>
  Math.min(3, [...spec.spans, ...spec.markers].filter((mark) => mark.at(-1)).length);

const shown = (u, x0, x1) => x1 >= u.scales.x.min && x0 <= u.scales.x.max;

const pixel = (u, x) => u.valToPos(Math.min(Math.max(x, u.scales.x.min), u.scales.x.max), "x", true);

const drawSpans = (u, spec) => {
  const { top, height } = u.bbox;
  u.ctx.fillStyle = ink("--span");
  for (const [x0, x1] of spec.spans.filter(([x0, x1]) => shown(u, x0, x1)))
    u.ctx.fillRect(pixel(u, x0), top, pixel(u, x1) - pixel(u, x0), height);
};

// Each label goes into the lowest lane where it touches no other; the last lane takes what is left.
const labelsOf = (u, spec) => {
  const gap = 6 * uPlot.pxRatio;
  const ends = [];
  const marks = [
    ...spec.spans.map(([x0, x1, label]) => ({ x0, x1, label })),
    ...spec.markers.map(([x, label]) => ({ x0: x, x1: x, label, line: true })),
  ];
  return marks
    .filter(({ x0, x1 }) => shown(u, x0, x1))
    .map((mark) => ({ ...mark, at: (pixel(u, mark.x0) + pixel(u, mark.x1)) / 2 }))
    .sort((a, b) => a.at - b.at)
    .map((mark) => {
      const width = u.ctx.measureText(mark.label).width;
      const rightmost = u.bbox.left + u.bbox.width - width;
      const left = Math.max(u.bbox.left, Math.min(mark.at - width / 2, rightmost));
      const free = ends.findIndex((end) => end + gap <= left);
      const lane = free >= 0 ? free : Math.min(ends.length, Math.max(0, laneCount(spec) - 1));
      if (mark.label) ends[lane] = left + width;
      return { ...mark, left, lane };
    });
};

const drawLine = ({ ctx, bbox }, { at, base }) => {
  const ratio = uPlot.pxRatio;
  ctx.fillStyle = ink("--marker");
  ctx.fillRect(at - ratio / 2, base, ratio, bbox.top + bbox.height - base);
};

// The halo lets a label be read where the line of a higher one passes behind it.
const drawLabel = ({ ctx, bbox }, { left, base, label, line }) => {
  ctx.lineWidth = 5 * uPlot.pxRatio;
  ctx.strokeStyle = ink("--paper");
  ctx.strokeText(label, left, base, bbox.width);
  ctx.fillStyle = ink(line ? "--ink" : "--quiet");
  ctx.fillText(label, left, base, bbox.width);
};

const drawMarks = (u, spec) => {
  const ratio = uPlot.pxRatio;
  u.ctx.save();
  u.ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  u.ctx.textAlign = "left";
  u.ctx.textBaseline = "alphabetic";
  u.ctx.lineJoin = "round";
  const marks = labelsOf(u, spec).map((mark) => ({ ...mark, base: u.bbox.top - (5 + mark.lane * LANE) * ratio }));
  marks.filter((mark) => mark.line).forEach((mark) => drawLine(u, mark));
  marks.filter((mark) => mark.label).forEach((mark) => drawLabel(u, mark));
  u.ctx.restore();
};
