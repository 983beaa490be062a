// Brings the page to life: draws every figure, repaints them for other colours or paper, lets code be copied.

// The width of an A4 page between its margins, in CSS pixels.
const PAPER_WIDTH = 680;

const charts = [...document.querySelectorAll("figure.chart")]
  .filter((figure) => figure.querySelector(".plot"))
  .map((figure) => draw(figure));

const repaint = (width) => charts.forEach((paint) => paint(width));

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => repaint());

// Canvases keep the colours they were drawn with, so paper needs a drawing of its own.
addEventListener("beforeprint", () => {
  root.classList.add("printing");
  repaint(PAPER_WIDTH);
});
addEventListener("afterprint", () => {
  root.classList.remove("printing");
  repaint();
});

const copy = async (text, code) => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    getSelection().selectAllChildren(code);
    document.execCommand("copy");
  }
};

for (const button of document.querySelectorAll("button.copy"))
  button.addEventListener("click", async () => {
    const code = button.closest(".code").querySelector("code");
    await copy(code.textContent, code);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
