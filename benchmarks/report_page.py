"""How long the page of a large run takes to be made, to open, to be sorted and to be brushed, in a headless Chromium.

    python benchmarks/report_page.py --members 2000 --rounds 200

It needs Chromium and the package `websockets`. Printed are the size of the page, and of each thing the median and the
longest of several repetitions, in milliseconds: opening until two frames were drawn; sorting by another column, turning
a page and filtering until the next frame; and a drag along an axis, for each of its steps. A page that follows a hand
needs less than some 50 ms a step.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests" / "report"))

from devtools import Browser
from made_runs import made_figures, made_run

from phalanx.report.page import page

_TIMED = """(async (act) => {
    const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
    const times = [];
    for (let i = 0; i < 10; i += 1) {
        await frame();
        const began = performance.now();
        act(i);
        await frame();
        times.push(performance.now() - began);
    }
    return times;
})"""

_ACTS = {
    "sort": "(i) => document.querySelectorAll('#leaderboard th button')[3 + (i % 6)].click()",
    "turn a page": "(i) => document.querySelector('#leaderboard .pager button:last-child').click()",
    "filter": """(i) => { const box = document.querySelector('#leaderboard input[type=search]');
        box.value = ['t', 'ta', 'tan', ''][i % 4]; box.dispatchEvent(new Event('input')); }""",
    "light a row": """(i) => document.querySelectorAll('#leaderboard tbody tr')[i]
        .dispatchEvent(new PointerEvent('pointerenter'))""",
    "select": "(i) => document.querySelectorAll('#leaderboard tbody input')[3 + i].click()",
    "best share": """(i) => { const box = document.querySelector('#choices input[type=range]');
        box.value = 90 - 8 * i; box.dispatchEvent(new Event('input')); }""",
    "brush": """(i) => { const strip = document.querySelectorAll('#choices .brush')[2];
        const box = strip.getBoundingClientRect(), clientX = box.left + 9;
        const at = (type, clientY) => strip.dispatchEvent(new PointerEvent(type, { pointerId: 1, clientX, clientY }));
        if (i === 0) { strip.setPointerCapture = () => {}; at('pointerdown', box.top + 20); }
        at('pointermove', box.top + 40 + 25 * i); }""",
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--members", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    contents = made_run(options.members, options.rounds, diverged=options.members // 50, figures=made_figures())
    began = time.perf_counter()
    text = page(contents)
    made = time.perf_counter() - began
    print(f"{options.members:,} members, up to {options.rounds} rounds: {len(text.encode()) / 1e6:.2f} MB")
    print(f"made in {1e3 * made:.0f} ms")
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        file = Path(folder) / "report.html"
        file.write_text(text, encoding="utf-8")
        opening = []
        for _ in range(5):
            began = time.perf_counter()
            browser.open(file)
            opening.append(1e3 * (time.perf_counter() - began))
        tell("open", opening)
        for name, act in _ACTS.items():
            tell(name, browser.js(f"{_TIMED}({act})"))
        if browser.complaints():
            sys.exit(json.dumps(browser.complaints()))


def tell(name: str, milliseconds: list[float]) -> None:
    print(f"{name:12} {statistics.median(milliseconds):7.0f} ms, at most {max(milliseconds):.0f}")


if __name__ == "__main__":
    main()
