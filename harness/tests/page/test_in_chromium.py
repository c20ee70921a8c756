"""What a browser makes of the page: it works, it is at rest, and it cannot be taken over."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

pytestmark = pytest.mark.page

ROWS = "#table tbody tr"
WIDTHS = (400, 1280)


def visit(page: Page, file: Path, anchor: str = "") -> list[str]:
    """Open `file`; return what is not as it should be, filled for as long as the page is open."""
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
    page.on("request", lambda request: note_request(trouble, request.url, file))
    page.on("dialog", lambda dialog: refuse(trouble, dialog))
    page.on("popup", lambda _: trouble.append("a new window"))
    page.goto(file.as_uri() + anchor)
    return trouble


def note_request(trouble: list[str], url: str, file: Path) -> None:
    if url.partition("#")[0] != file.as_uri() and not url.startswith("data:image/"):
        trouble.append(f"request: {url[:80]}")


def refuse(trouble: list[str], dialog: Dialog) -> None:
    trouble.append(f"dialog: {dialog.message}")
    dialog.dismiss()


def column(page: Page, header: str) -> list[str]:
    """Return what is sorted by, of the rows that are shown, in their order."""
    found: list[str] = page.evaluate(
        """header => {
            const heads = [...document.querySelectorAll("#table thead th")];
            const index = heads.findIndex(head => head.innerText.trim() === header);
            return [...document.querySelectorAll("#table tbody tr:not([hidden])")].map(row => {
                const cell = row.cells[index];
                return cell.dataset.key ?? cell.innerText.trim();
            });
        }""",
        header,
    )
    return found


@pytest.mark.parametrize("name", ["written", "hostile"])
def test_it_opens_from_disk_without_a_complaint_or_a_request(
    page: Page, request: pytest.FixtureRequest, name: str
) -> None:
    trouble = visit(page, request.getfixturevalue(name))
    page.get_by_role("button", name="Open all").click()
    for picture in page.locator("img").all():
        assert picture.evaluate("image => image.complete && image.naturalWidth > 100")
    page.wait_for_timeout(200)
    assert trouble == []


def test_a_click_on_a_header_sorts_and_a_second_one_turns_round(page: Page, written: Path) -> None:
    visit(page, written)
    header = page.get_by_role("columnheader", name="legacy peak")
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "descending"
    known = [float(key) for key in column(page, "legacy peak") if key]
    assert known == sorted(known, reverse=True)
    assert len(set(known)) > 3
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    assert [float(key) for key in column(page, "legacy peak") if key] == known[::-1]
    page.get_by_role("columnheader", name="source").get_by_role("button").click()
    assert page.locator("[aria-sort]").count() == 1
    assert column(page, "source") == sorted(column(page, "source"))


@pytest.mark.parametrize("clicks", [1, 2])
def test_what_has_no_number_is_last_in_either_direction(
    page: Page, written: Path, clicks: int
) -> None:
    visit(page, written)
    for _ in range(clicks):
        page.get_by_role("columnheader", name="change").get_by_role("button").click()
    keys = column(page, "change")
    assert "" in keys
    assert all(keys[: keys.index("")])
    assert not any(keys[keys.index("") :])


def test_sorting_and_filtering_work_by_keyboard_alone(page: Page, written: Path) -> None:
    visit(page, written)
    page.get_by_label("Find").focus()
    page.keyboard.type("big")
    page.keyboard.press("Tab")
    page.keyboard.type("replay")
    assert column(page, "binary") == ["big.so"]
    for _ in range(5):  # state, the reset button, the table's box, then binary and source
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("[aria-sort]").inner_text().strip() == "source"


def test_filters_narrow_the_table_say_how_many_are_left_and_come_undone(
    page: Page, written: Path
) -> None:
    visit(page, written)
    total = page.locator(ROWS).count()
    shown = page.locator("#shown")
    assert shown.inner_text() == f"{total} of {total} rows"
    page.get_by_label("State").select_option("proves nothing")
    assert set(column(page, "state")) == {"? proves nothing"} or all(
        "proves nothing" in state for state in column(page, "state")
    )
    page.get_by_label("Find").fill("DIFFERS no")
    assert column(page, "binary") == ["differs.so"]
    assert shown.inner_text() == f"1 of {total} rows"
    page.get_by_label("Find").fill("nobody is called this")
    assert shown.inner_text() == f"0 of {total} rows"
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function("!document.querySelector('#table tr[hidden]')")
    assert shown.inner_text() == f"{total} of {total} rows"


def test_a_binary_that_is_not_listed_is_found_by_part_of_its_name(
    page: Page, large: tuple[Path, str]
) -> None:
    file, name = large
    trouble = visit(page, file)
    assert name not in page.locator("body").inner_text()
    find, rows = page.get_by_label("that are not listed"), page.locator("#rest-found tbody tr")
    find.press_sequentially(f" {name[1:].upper()} ")
    assert sorted(row.split("\t")[:2] for row in rows.all_inner_texts()) == [
        [name, "dwarf"],
        [name, "replay"],
    ]
    assert page.locator("#rest-count").inner_text() == "2 found"
    find.fill("nobody is called this")
    assert page.locator("#rest-count").inner_text() == "0 found"
    assert not page.locator("#rest-found").is_visible()
    find.fill("0")  # in many names
    find.press("Enter")
    assert rows.count() == 50
    assert trouble == []


def test_a_link_to_a_binary_opens_it_and_brings_it_into_view(page: Page, written: Path) -> None:
    visit(page, written)
    link = page.locator(ROWS).filter(has_text="varies.so").get_by_role("link")
    anchor = (link.get_attribute("href") or "")[1:]
    link.click()
    detail = page.locator(f"details#{anchor}")
    detail.get_by_text("Metrics, with every replicate").first.wait_for()
    box = detail.bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 200
    visit(page, written, f"#{anchor}")
    assert detail.get_attribute("open") is not None


@pytest.mark.parametrize("name", ["written", "hostile"])
def test_every_link_leads_somewhere(page: Page, request: pytest.FixtureRequest, name: str) -> None:
    file: Path = request.getfixturevalue(name)
    visit(page, file)
    ids = page.eval_on_selector_all("[id]", "all => all.map(one => one.id)")
    assert len(ids) == len(set(ids))
    links = page.eval_on_selector_all("a", "all => all.map(one => one.href)")
    assert len(links) > 20
    for link in links:
        parts = urlsplit(link)
        assert parts.scheme == "file"
        target = Path(unquote(parts.path))
        assert target.is_file()
        assert target != file or parts.fragment in ids
    labels = page.eval_on_selector_all(
        "[aria-labelledby], [for]",
        "all => all.flatMap(one => (one.getAttribute('aria-labelledby') ||"
        " one.getAttribute('for')).split(' '))",
    )
    assert set(labels) <= set(ids)


def test_hostile_names_are_words_and_nothing_else(page: Page, hostile: Path) -> None:
    trouble = visit(page, hostile)
    page.get_by_role("button", name="Open all").click()
    assert page.evaluate("window.pwned") is None
    assert page.locator("script").count() == 1
    assert page.locator("style").count() == 1
    assert page.locator("img:not([src^='data:image/'])").count() == 0
    acting = page.evaluate(
        """() => [...document.querySelectorAll("*")].flatMap(one => [...one.attributes])
            .filter(one => one.name.startsWith("on") || /^\\s*javascript:/i.test(one.value)
                && ["href", "src", "action"].includes(one.name)).length"""
    )
    assert acting == 0
    text = page.locator("body").inner_text()
    assert "</script></style></title><script>" in text
    assert "\\u202e" in text
    assert "\\x1b[31m" in text
    assert "{{ 7 * 7 }}" in text
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", text
    )
    assert trouble == []


def test_even_where_escaping_failed_no_script_would_run(
    page: Page, written: Path, tmp_path: Path
) -> None:
    injected = (
        "<main><script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'>"
        "<svg onload='window.pwned = 3'></svg>"
        "<iframe srcdoc='<script>top.pwned = 4</script>'></iframe>"
        "<a id=bait href='javascript:window.pwned = 5'>x</a><style>body { display: none }</style>"
        "<form action='http://example.invalid/'><button id=send>x</button></form>"
    )
    broken = tmp_path / "broken.html"
    broken.write_text(written.read_text(encoding="utf-8").replace("<main>", injected), "utf-8")
    page.goto(broken.as_uri())
    page.get_by_role("button", name="Open all").click()  # our own script still runs
    assert page.locator("details.binary[open]").count() > 5
    assert page.locator("#bait").is_visible()
    for name in ("bait", "send"):  # a click of ours would wait for the page that must not come
        page.evaluate("name => document.getElementById(name).click()", name)
    page.wait_for_timeout(300)
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("location.href") == broken.as_uri()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["written", "hostile"])
def test_nothing_sticks_out_sideways(
    page: Page, request: pytest.FixtureRequest, name: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    visit(page, request.getfixturevalue(name))
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == width


SCROLLING = """() => [...document.querySelectorAll(".scroll")].filter(
    one => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1
).map(one => [
    getComputedStyle(one, "::before").content, getComputedStyle(one).backgroundImage,
    getComputedStyle(one).overflowX,
])"""


@pytest.mark.parametrize("scripts", [True, False])
def test_what_scrolls_sideways_on_a_telephone_says_so(
    browser: Browser, written: Path, scripts: bool
) -> None:
    context = browser.new_context(
        viewport={"width": 420, "height": 800}, java_script_enabled=scripts
    )
    page = context.new_page()
    page.goto(written.as_uri())
    page.wait_for_timeout(200)
    scrolling = page.evaluate(SCROLLING)
    assert len(scrolling) > 3
    for content, shades, overflow in scrolling:
        assert ("Scroll sideways" in content) == scripts
        assert shades.count("linear-gradient") == 4
        assert overflow == "auto"
    context.close()


def test_nothing_says_that_it_scrolls_where_all_of_it_is_shown(page: Page, written: Path) -> None:
    visit(page, written)
    page.wait_for_timeout(200)
    for box in page.locator(".pictures .scroll").all():
        assert box.evaluate("one => getComputedStyle(one, '::before').content") == "none"


@pytest.mark.parametrize("width", [420, 1280])
def test_the_smallest_letters_in_a_picture_can_be_read(
    page: Page, written: Path, width: int
) -> None:
    """They have 10 points in a picture that is 7.2 inches wide."""
    page.set_viewport_size({"width": width, "height": 800})
    visit(page, written)
    for picture in page.locator(".pictures img").all():
        shown_px = picture.evaluate("one => one.clientWidth")
        assert shown_px / (7.2 * 72) * 10 > 10


CONTRAST = """() => {
    const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
    const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map(v => v / 255).map(
            v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const ground = one => {
        for (; one; one = one.parentElement) {
            const colour = parse(getComputedStyle(one).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const poor = [];
    for (const one of document.querySelectorAll("body *")) {
        const own = [...one.childNodes].some(n => n.nodeType === 3 && n.data.trim());
        if (!own || !one.checkVisibility() || one.closest("script, svg, option")) continue;
        const [a, b] = [light(parse(getComputedStyle(one).color)), light(ground(one))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) poor.push(`${one.tagName}.${one.className}: ${ratio.toFixed(2)}`);
    }
    return [...new Set(poor)];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_in_dark(
    browser: Browser, hostile: Path, scheme: Any
) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    visit(page, hostile)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate(CONTRAST) == []
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    red = int(re.findall(r"\d+", ground)[0])
    assert (red < 60) == (scheme == "dark")
    context.close()


def test_the_first_key_press_offers_to_skip_to_the_verdict(page: Page, written: Path) -> None:
    visit(page, written)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the verdict")
    box = skip.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "verdict"


def test_whatever_has_the_focus_shows_it(page: Page, written: Path) -> None:
    visit(page, written)
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        tag, outline, inside = page.evaluate(
            """() => {
                const one = document.activeElement, style = getComputedStyle(one);
                const wide = parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== "none";
                return [one.tagName, wide, one.closest("body") !== one];
            }"""
        )
        assert outline, f"{tag} has the focus and does not show it"
        assert inside
        seen.add(tag)
    assert {"A", "BUTTON", "INPUT", "SELECT", "DIV"} <= seen


def test_it_prints_with_everything_open_and_closes_it_again(page: Page, written: Path) -> None:
    visit(page, written)
    closed = "document.querySelectorAll('details:not([open])').length"
    before = page.evaluate(closed)
    assert before > 5
    page.evaluate(f"addEventListener('beforeprint', () => window.left = {closed})")
    paper = page.pdf(format="A4")
    assert paper.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) > 5
    assert page.evaluate("window.left") == 0
    assert page.evaluate(closed) == before
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert not page.get_by_label("Find").is_visible()


def test_without_scripts_everything_is_there_but_the_controls(
    browser: Browser, written: Path
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(written.as_uri())
    assert page.locator(ROWS).count() > 5
    assert not page.get_by_label("Find").is_visible()
    assert page.locator("thead button:enabled").count() == 0
    detail = page.locator("details.binary").first
    detail.locator("summary").first.click()
    assert detail.get_by_text("Metrics, with every replicate").first.is_visible()
    context.close()


def test_the_decision_of_the_gate_and_what_is_wrong_are_on_the_first_screen(
    page: Page, hostile: Path
) -> None:
    visit(page, hostile)
    for text in ("Gate: FAIL", "The arms delivered different scopes"):
        box = page.get_by_text(text).first.bounding_box()
        assert box is not None
        assert box["y"] < 900


def test_a_command_is_copied_as_it_is(browser: Browser, written: Path) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    visit(page, written)
    block = page.locator("#repeat pre.command").first
    command = block.locator("code").inner_text()
    block.get_by_role("button", name="Copy").click()
    block.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == command
    context.close()


def test_a_picture_grows_and_shrinks_by_its_button(page: Page, written: Path) -> None:
    visit(page, written)
    button = page.get_by_role("button", name="Enlarge").first
    picture = page.locator(".pictures img").first
    small = picture.evaluate("one => one.clientWidth")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert picture.evaluate("one => one.clientWidth") > 1.5 * small
    button.click()
    assert picture.evaluate("one => one.clientWidth") == small
