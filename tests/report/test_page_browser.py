"""The page in a browser: it draws without complaint, asks for nothing, and answers to pointer and keys."""

import json
from itertools import pairwise

import pytest
from made_runs import made_figures, made_run

from phalanx.report.page import page

devtools = pytest.importorskip("devtools", reason="websockets is not installed")
pytestmark = pytest.mark.skipif(devtools.CHROMIUM is None, reason="there is no Chromium here")

MEMBERS = 70


@pytest.fixture(scope="module")
def browser():
    with devtools.Browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def contents():
    return made_run(MEMBERS, 40, diverged=3, figures=made_figures())


@pytest.fixture(scope="module")
def file(contents, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page(contents), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def members(contents):
    return contents.board[contents.board["kind"] == "member"].reset_index(drop=True)


@pytest.fixture
def opened(browser, file):
    browser.open(file)
    return browser


def shown(browser):
    """The ids in the leaderboard as it stands."""
    return browser.js("[...document.querySelectorAll('#leaderboard tbody th')].map((cell) => cell.firstChild.data)")


def status(browser, section):
    return browser.js(f"document.querySelector('#{section} [role=status]').textContent")


def middle(browser, selector, x=0.5, y=0.5):
    """Scroll to an element, and return a place in it."""
    code = f"""(() => {{
        const element = document.querySelector({json.dumps(selector)});
        element.scrollIntoView({{ block: "center", behavior: "instant" }});
        const box = element.getBoundingClientRect();
        return [box.left + {x} * box.width, box.top + {y} * box.height];
    }})()"""
    return tuple(browser.js(code))


def click(browser, selector):
    browser.mouse(middle(browser, selector))


@pytest.mark.parametrize("width", [380, 800, 1400])
@pytest.mark.parametrize("dark", [False, True])
def test_it_opens_at_every_width_without_complaint_or_request(browser, file, width, dark):
    browser.open(file, width, dark=dark)
    assert browser.complaints() == []
    assert browser.requests() == [file.resolve().as_uri()]
    assert browser.js("document.documentElement.scrollWidth <= innerWidth")
    wide = "[...document.querySelectorAll('canvas')].filter((each) => each.getBoundingClientRect().right > innerWidth)"
    assert browser.js(f"{wide}.length") == 0
    blank = """[...document.querySelectorAll("canvas")].filter((canvas) => {
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        return !pixels.some((value) => value > 0);
    }).length"""
    assert browser.js(blank) == 0
    assert browser.js("document.querySelectorAll('canvas').length") == 7


def test_on_paper_everything_is_light(browser, file):
    """The words of a plot are the darkest on paper, where they are ink, and the brightest on a dark screen."""
    browser.open(file, dark=True)
    darkest = """(() => { const canvas = document.querySelector("#mattered canvas");
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        let least = 255;
        for (let i = 0; i < pixels.length; i += 4) if (pixels[i + 3] > 250) least = Math.min(least, pixels[i]);
        return least; })()"""
    screen = browser.js(darkest)
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.call("Emulation.setEmulatedMedia", media="print", features=dark)
    browser.settle()
    paper = browser.js(darkest)
    browser.call("Emulation.setEmulatedMedia", media="", features=[])
    assert paper < 45 < screen


@pytest.mark.parametrize(
    "changes",
    [
        {"members": 1, "rounds": 1, "importances": {}, "mattered": []},
        {"members": 2, "diverged": 2},
        {"test": {}, "rows": {"train": 10, "valid": 5, "test": 0}, "baselines": {}},
        {"task": "language", "columns": [], "importances": {}},
        {"rows": {}, "seconds": None, "seed": None, "versions": {}},
    ],
    ids=str,
)
def test_a_run_that_lacks_something_opens_too(browser, tmp_path, changes):
    (tmp_path / "report.html").write_text(page(made_run(**{"members": 5, "rounds": 6, **changes})), encoding="utf-8")
    browser.open(tmp_path / "report.html", 380)
    assert browser.complaints() == []
    assert browser.js("document.documentElement.scrollWidth <= innerWidth")
    links = "[...document.querySelectorAll('nav a')].every((link) => document.querySelector(link.hash))"
    assert browser.js(links)


def test_without_curves_and_validation(browser, tmp_path):
    made = made_run(4, 5)
    made.board[["valid_accuracy", "valid_log_loss"]] = float("nan")
    made.curves["valid_cost"] = float("nan")
    (tmp_path / "one.html").write_text(page(made), encoding="utf-8")
    (tmp_path / "two.html").write_text(
        page(type(made)("none", made.result, made.board, made.curves.iloc[:0])), encoding="utf-8"
    )
    for name in ("one", "two"):
        browser.open(tmp_path / f"{name}.html")
        assert browser.complaints() == []
    assert not browser.js("!!document.querySelector('#learning')")


@pytest.mark.parametrize("name", ["</script><img src=x onerror=alert(1)>", "<b>\"'&", "😀 שלום \u2028"])
def test_names_are_shown_as_they_are(browser, tmp_path, name):
    made = made_run(12, 5, source=name, notes=[name], warnings=[name], hints=[name], mattered=[name])
    made.board["name"] = made.board[name] = [f"{name} {i % 2}" for i in range(len(made.board))]
    figures = [{**figure, "title": name, "says": name} for figure in made_figures()]
    (tmp_path / "report.html").write_text(
        page(type(made)(name, made.result, made.board, made.curves, figures, name, [(name, name)])), encoding="utf-8"
    )
    browser.open(tmp_path / "report.html")
    assert browser.complaints() == []
    assert len(browser.requests()) == 1
    assert browser.js("[...document.images].every((image) => image.src.startsWith('data:'))")
    assert browser.js("document.querySelector('h1').textContent") == name
    assert browser.js("document.querySelector('#errors h3').textContent") == name
    assert browser.js("document.querySelector('#leaderboard tbody td.words').textContent") == f"{name} 0"


def test_everything_has_a_name_and_headings_are_in_order(opened):
    opened.js("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    opened.settle()
    nodes = [node for node in opened.call("Accessibility.getFullAXTree")["nodes"] if not node["ignored"]]
    named = {"button", "checkbox", "combobox", "searchbox", "slider", "spinbutton", "image", "img", "figure", "region"}
    named |= {"link", "heading", "navigation", "table", "DisclosureTriangle"}
    roles = [(node["role"]["value"], node.get("name", {}).get("value", "").strip()) for node in nodes]
    assert [role for role, name in roles if role in named and not name] == []
    assert {"navigation", "main", "banner", "slider", "spinbutton", "searchbox"} <= {role for role, _ in roles}
    levels = [
        next(held["value"]["value"] for held in node["properties"] if held["name"] == "level")
        for node in nodes
        if node["role"]["value"] == "heading"
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert opened.js(
        "[...document.querySelectorAll('canvas')].every((canvas) => canvas.getAttribute('role') === 'img')"
    )
    described = """[...document.querySelectorAll("canvas")].every(
        (canvas) => document.getElementById(canvas.getAttribute("aria-describedby")).textContent.length > 20)"""
    assert opened.js(described)
    assert opened.js("new Set([...document.querySelectorAll('[id]')].map((each) => each.id)).size") == opened.js(
        "document.querySelectorAll('[id]').length"
    )


def test_sorting(opened, members):
    column = "#leaderboard th[data-name='dropout']"
    by_dropout = members.sort_values("dropout", kind="stable")
    click(opened, f"{column} button")
    assert opened.js(f'document.querySelector("{column}").ariaSort') == "ascending"
    assert shown(opened) == by_dropout["id"].head(50).tolist()
    opened.key("Enter")  # the button keeps the focus
    assert opened.js(f'document.querySelector("{column}").ariaSort') == "descending"
    assert shown(opened) == members.sort_values("dropout", ascending=False, kind="stable")["id"].head(50).tolist()
    others = "document.querySelectorAll('#leaderboard th[aria-sort]:not([aria-sort=none])').length"
    assert opened.js(others) == 1


def test_pages(opened, contents):
    ids = contents.board["id"].tolist()
    assert shown(opened) == ids[:50]
    click(opened, "#leaderboard .pager button:last-child")
    assert shown(opened) == ids[50:]
    assert opened.js("document.querySelector('#leaderboard .pager button:last-child').disabled")


def test_filtering(opened, members):
    click(opened, "#leaderboard input[type=search]")
    for letter in "tanh":
        opened.key(letter)
    assert shown(opened) == members[members["activation"] == "tanh"]["id"].tolist()[:50]
    choose = """((value) => { const box = document.querySelector("#leaderboard select");
        box.value = value; box.dispatchEvent(new Event("change")); })"""
    opened.js(f"{choose}('baseline')")
    assert shown(opened) == []
    opened.js("(() => { const box = document.querySelector('#leaderboard input[type=search]');"
              "box.value = ''; box.dispatchEvent(new Event('input')); })()")  # fmt: skip
    assert shown(opened) == ["svm", "dummy"]
    assert status(opened, "leaderboard") == f"2 of {MEMBERS + 3} rows"


def test_a_row_that_is_hovered_or_focused_is_lit_and_told_of_in_plots(opened, members):
    x, y = middle(opened, "#leaderboard tbody tr:nth-child(5)")
    opened.hover(x, y)
    lit = "[...document.querySelectorAll('#leaderboard tr.lit th')].map((cell) => cell.firstChild.data)"
    assert opened.js(lit) == [members["id"][3]]  # after the ensemble
    opened.hover(2, 2)
    opened.js("document.querySelector('#leaderboard tbody tr:nth-child(2) input').focus()")
    opened.key("ArrowDown")
    assert opened.js(lit) == [members["id"][1]]
    before = opened.js("document.querySelectorAll('#learning .legend .chip').length")
    opened.key(" ")
    assert opened.js("document.querySelectorAll('#learning .legend .chip').length") > before


def test_a_network_in_a_plot_is_lit_in_the_table(opened, members):
    opened.js("document.querySelector('#choices canvas').focus()")
    opened.key("ArrowDown")
    lit = "[...document.querySelectorAll('#leaderboard tr.lit th')].map((cell) => cell.firstChild.data)"
    assert opened.js(lit) == [members["id"][0]]
    opened.key("ArrowDown")
    assert opened.js(lit) == [members["id"][1]]
    assert opened.js("document.getElementById('told').textContent").startswith(f"{members['id'][1]}, accuracy 0.")
    assert opened.js("!document.getElementById('tip').hidden")
    opened.key("Enter")
    checked = (
        "[...document.querySelectorAll('#leaderboard tbody tr')].filter((row) => row.querySelector('input')?.checked)"
    )
    assert members["id"][1] in opened.js(f"{checked}.map((row) => row.querySelector('th').firstChild.data)")
    opened.js("document.activeElement.blur()")
    opened.settle()
    assert opened.js(lit) == []


AXES = ["activation", "activation.slope", "units", "dropout", "optimizer.learning_rate"]
"""In the order in which they stand: what mattered most comes last."""


def strip(name):
    return f"#choices .brush:nth-of-type({1 + AXES.index(name)})"


def within(browser):
    browser.js("""(() => { const box = document.querySelector("#leaderboard select");
        box.value = "within"; box.dispatchEvent(new Event("change")); })()""")
    return browser.js("document.querySelector('#leaderboard [role=status]').textContent")


def told(count):
    return f"{count} of {MEMBERS + 3} rows"


@pytest.mark.parametrize("width", [1400, 380])
def test_brushing_keeps_the_networks_that_pass_there(browser, file, members, width):
    """On the axis of numbers of units a drag around the middle holds 64; on that of dropout one over its lower half."""
    browser.open(file, width)
    flat = width == 380
    places = [(-0.1, 0.5), (0.1, 0.5)] if flat else [(0.5, -0.06), (0.5, 0.06)]
    x, y = _of_axis(browser, "units", 0.5, flat)
    browser.mouse(*[(x + 100 * dx, y + 100 * (dy - 0.5)) if flat else (x, y + 200 * dy) for dx, dy in places])
    chosen = members["units"] == 64
    assert within(browser) == told(chosen.sum())
    half = (members["dropout"].min() + members["dropout"].max()) / 2
    ends = [_of_axis(browser, "dropout", share, flat) for share in (0.5, 0.02)]
    beyond = (ends[1][0] - 20, ends[1][1]) if flat else (ends[1][0], ends[1][1] + 18)
    browser.mouse(ends[0], ends[1], beyond)
    chosen &= members["dropout"] <= half
    assert within(browser) == told(chosen.sum())
    assert sorted(shown(browser)) == sorted(members["id"][chosen])
    best = members[chosen].iloc[0]
    assert status(browser, "choices").startswith(f"{chosen.sum()} networks of {MEMBERS}, the best {best['id']} with 0.")
    browser.mouse(_of_axis(browser, "units", 0.2, flat))  # a click without a drag lets go
    assert within(browser) == told((members["dropout"] <= half).sum())
    click(browser, "#choices .controls button")
    assert within(browser) == told(MEMBERS)


def _of_axis(browser, name, share, flat):
    """Where a share of an axis is: its strip has 10 or 44 pixels before it, and 50 or 14 behind."""
    middle(browser, strip(name))
    left, top, width, height = browser.js(
        f"(() => {{ const box = document.querySelector({json.dumps(strip(name))}).getBoundingClientRect();"
        "return [box.left, box.top, box.width, box.height]; })()"
    )
    if flat:
        return left + 44 + share * (width - 58), top + height / 2
    return left + width / 2, top + 10 + (1 - share) * (height - 60)


def test_of_many_choices_those_that_matter_most_have_an_axis(browser, tmp_path):
    made = made_run(20, 5)
    for i in range(15):
        made.board[f"more.{i}"] = made.board["dropout"] * i + 1.0
    (tmp_path / "report.html").write_text(page(made), encoding="utf-8")
    browser.open(tmp_path / "report.html")
    assert browser.js("document.querySelectorAll('#choices .brush').length") == 12 + 1
    assert "Of 19 choices 12 are shown." in browser.js("document.querySelector('#choices figcaption').textContent")
    rows = browser.js("[...document.querySelectorAll('#choices th')].map((cell) => cell.textContent)")
    assert rows[-4:] == ["units", "dropout", "optimizer.learning_rate", "validation accuracy"]


def test_brushing_what_is_absent(opened, members):
    x, y = _of_axis(opened, "activation.slope", 0, False)
    opened.mouse((x, y + 22), (x, y + 26), (x, y + 40))
    assert within(opened) == told((members["activation"] == "tanh").sum())


def test_limits_by_numbers_and_the_best_share_by_keys(opened, members):
    field = """((name, value) => { const box = document.querySelector(`#choices input[aria-label="${name}"]`);
        box.value = value; box.dispatchEvent(new Event("change")); })"""
    opened.js(f"{field}('dropout from', '0.2')")
    opened.js(f"{field}('dropout to', '0.3')")
    chosen = members["dropout"].between(0.2, 0.3)
    assert within(opened) == told(chosen.sum())
    opened.js("document.querySelector('#choices input[aria-label=\"units: 32\"]').click()")
    chosen &= members["units"] != 32
    assert within(opened) == told(chosen.sum())
    opened.js("document.querySelector('#choices input[type=range]').focus()")
    opened.key("Home")
    for _ in range(9):
        opened.key("ArrowRight")
    best = members.index < 7  # a tenth of 70
    assert within(opened) == told((chosen & best).sum())


def test_a_choice_is_shown_when_its_bar_is_asked_for(opened):
    click(opened, "#mattered .bars button:not([aria-pressed=true])")
    pressed = opened.js("document.querySelector('#mattered .bars [aria-pressed=true]').textContent")
    assert pressed == "dropout"
    assert opened.js("document.querySelector('#mattered .pair > div:last-child h3').textContent") == pressed
    assert "against its dropout" in opened.js(
        "document.querySelector('#mattered .pair > div:last-child figcaption').textContent"
    )


def test_lines_are_copied(opened):
    click(opened, "#use .typed button")
    assert opened.js("document.querySelector('#use .typed button').textContent") == "Copied"
    opened.js("document.querySelector('#leaderboard input[type=search]').focus()")
    opened.call("Input.dispatchKeyEvent", type="keyDown", key="v", commands=["paste"])
    opened.settle()
    assert (
        opened.js("document.querySelector('#leaderboard input[type=search]').value")
        == "phalanx predict runs/made-1 new.csv"
    )
