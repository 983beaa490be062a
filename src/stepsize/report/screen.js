// uPlot reads this name for the sharpness of its canvases: paper and zoomed screens need at least 2.
const devicePixelRatio = Math.max(2, window.devicePixelRatio || 1);
