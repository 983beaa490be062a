"""The page in a real browser: what a reader sees, points at, zooms, prints."""

import base64

import numpy as np
import pytest

from stepsize.report import number, save

COUNT_COLOR = """
    const [selector, color] = arguments;
    const canvas = document.querySelector(selector + " canvas");
    const context = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", {willReadFrequently: true});
    context.drawImage(canvas, 0, 0);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
    const wanted = [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));
    let count = 0;
    for (let i = 0; i < pixels.length; i += 4) count += wanted.every((value, k) => pixels[i + k] === value);
    return count;
"""
COUNT_COLORS_OF_PICTURE = """
    const [picture, done] = arguments;
    const image = new Image();
    image.onload = () => {
      const canvas = new OffscreenCanvas(image.width, image.height);
      const context = canvas.getContext("2d");
      context.drawImage(image, 0, 0);
      done(new Set(new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer)).size);
    };
    image.src = "data:image/png;base64," + picture;
"""
LIGHT_BLUE, DARK_BLUE = "#0b62a8", "#62b4f0"
SWEEP = '[data-chart="loss-by-rate"]'


@pytest.fixture(scope="module")
def path(page, tmp_path_factory):
    return save(page, tmp_path_factory.mktemp("page") / "page.html")


@pytest.fixture
def opened(browser, path):
    browser.open(path)
    yield browser
    assert browser.complaints() == []


def test_every_chart_with_data_is_drawn(opened):
    drawn = opened.run("return [...document.querySelectorAll('figure:has(canvas)')].map((f) => f.dataset.chart)")
    assert drawn == ["loss-by-rate", "learning-curves", "one-point", "a-zero", "partly-empty"]
    assert opened.run(COUNT_COLOR, SWEEP, LIGHT_BLUE) > 1_000
    assert opened.run(COUNT_COLOR, '[data-chart="one-point"]', LIGHT_BLUE) > 50


def test_the_picture_is_not_blank(opened):
    picture = base64.b64encode(opened.screenshot()).decode()
    assert opened.driver.execute_async_script(COUNT_COLORS_OF_PICTURE, picture) > 200


@pytest.mark.parametrize("k", [0, 10, 25])
def test_pointing_at_a_rate_reads_off_its_loss(opened, k):
    rates = np.geomspace(1e-4, 1e-1, 31)
    values = opened.hover("loss-by-rate", rates[k])
    assert values["peak rate"] == number(rates[k])
    assert values["fit"] == number(0.5 + np.log10(rates[k] / 3e-3) ** 2)


def test_every_series_answers_with_its_nearest_value_but_not_beyond_its_end(opened):
    near, far = opened.hover("loss-by-rate", 5.0e-4), opened.hover("loss-by-rate", 5.0e-2)
    assert near["runs"] != "–"
    assert near["short"] != "–"
    assert far["short"] == "–"


def test_a_chart_of_one_point_can_be_read(opened):
    assert opened.hover("one-point", 3.0) == {"step": "3", "only": "2"}


def test_a_missing_value_is_a_gap(opened):
    assert opened.hover("partly-empty", 2.0) == {"step": "2", "a": "2", "none": "–"}


def test_dragging_zooms_and_a_double_click_resets(opened):
    whole = opened.x_range("learning-curves")
    opened.drag("learning-curves", 1_000, 2_000)
    low, high = opened.x_range("learning-curves")
    assert (low, high) == pytest.approx((1_000, 2_000), abs=20)
    reset = opened.find('[data-chart="learning-curves"] .reset')
    assert reset.is_displayed()
    left, top = opened.point("learning-curves", 1_500)
    for count in (1, 2):
        for kind in ("mousePressed", "mouseReleased"):
            opened.devtools("Input.dispatchMouseEvent", type=kind, x=left, y=top, button="left", clickCount=count)
    opened.settle()
    assert opened.x_range("learning-curves") == whole
    assert not reset.is_displayed()


def test_the_reset_button_resets_too(opened):
    whole = opened.x_range("loss-by-rate")
    opened.drag("loss-by-rate", 1e-3, 1e-2)
    assert opened.x_range("loss-by-rate") == pytest.approx((1e-3, 1e-2), rel=0.05)
    opened.find(f"{SWEEP} .reset").click()
    opened.settle()
    assert opened.x_range("loss-by-rate") == whole


def test_a_series_can_be_hidden_and_shown(opened):
    key = opened.find(f'{SWEEP} [data-series="fit"]')
    before = opened.run(COUNT_COLOR, SWEEP, LIGHT_BLUE)
    key.click()
    opened.settle()
    assert key.get_attribute("aria-pressed") == "false"
    assert opened.run(COUNT_COLOR, SWEEP, LIGHT_BLUE) == 0
    key.click()
    opened.settle()
    assert opened.run(COUNT_COLOR, SWEEP, LIGHT_BLUE) == before


def test_the_plot_follows_the_window(opened):
    width = "return document.querySelector('.uplot').getBoundingClientRect().width"
    wide = opened.run(width)
    opened.resize(700)
    for _ in range(3):
        opened.settle()
    assert opened.run(width) < min(wide, 700)


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_scrolls_in_one_direction_and_a_tap_reads_values(browser, path, dark):
    browser.open(path, width=360, height=740, dark=dark)
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth && innerWidth === 360")
    browser.touch(browser.point("loss-by-rate", 1e-2))
    values = browser.values("loss-by-rate")
    assert float(values["peak rate"].replace("–", "nan")) == pytest.approx(1e-2, rel=0.3)
    assert values["fit"] != "–"
    assert browser.complaints() == []


def test_a_finger_that_moves_sideways_reads_along(browser, path):
    browser.open(path, width=360, height=740)
    browser.touch(*(browser.point("learning-curves", step) for step in (1_000, 2_000, 3_000)))
    assert float(browser.values("learning-curves")["step"].replace(",", "")) == pytest.approx(3_000, abs=50)


def test_a_dark_screen_gets_its_own_colours_at_once(opened):
    opened.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    opened.settle()
    assert opened.run(COUNT_COLOR, SWEEP, LIGHT_BLUE) == 0
    assert opened.run(COUNT_COLOR, SWEEP, DARK_BLUE) > 1_000


def test_paper_is_light_and_sharp_even_if_the_screen_is_dark(browser, path):
    browser.open(path, dark=True)
    browser.run(
        f"""
        const [selector, color] = arguments;
        const count = function () {{ {COUNT_COLOR} }};
        addEventListener("beforeprint", () => {{
          window.onPaper = [count(selector, color), document.querySelector("canvas").width];
        }});
        """,
        SWEEP,
        LIGHT_BLUE,
    )
    printed = browser.pdf()
    blue, width = browser.run("return window.onPaper")
    assert printed.startswith(b"%PDF")
    assert len(printed) > 50_000
    assert blue > 1_000
    assert width == 2 * 680
    browser.settle()
    assert browser.run(COUNT_COLOR, SWEEP, DARK_BLUE) > 1_000


def test_code_is_copied_by_its_button(opened):
    opened.devtools("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    button = opened.find("button.copy")
    button.click()
    copied = opened.driver.execute_async_script(
        "const done = arguments[0]; setTimeout(() => navigator.clipboard.readText().then(done), 100)"
    )
    assert copied == "stepsize tune train.py:training --steps 2000 --budget 4 -o out/"
    assert button.text == "Copied"
