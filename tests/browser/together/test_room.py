"""What is below a panel stays where it is, whatever is chosen: the room is there from the start.

Not here: what a panel keeps once it was needed (test_still.py).
"""

import pytest

from tests.browser.panel import ShownPanel
from tests.browser.together.panels import CELLS, place

#: What a switch between two choices may move, in pixels: two lines.
ALLOWED = 40
#: The button that carries out what was chosen, where choosing alone does nothing.
ACTS = {
    "wire": "Ask the backend",
    "wire over TLS": "Ask the backend",
    "placement": "Run",
    "chain": "Run",
    "parsons": "Run",
    "tpm": "Run",
}
#: Panels in which two choices together say more than either: all pairs.
PAIRS = {"credential", "fleet", "tpm"}
#: Choose everything that there is to choose, and after each control what was chosen at first. Of
#: each: how high the panel is if it has just been opened, without what it keeps for what was there.
#: Left out is what cannot be seen at first: where Mallory aims. What she aims at is opened.
HEIGHTS = """async ([panel, button, pairs]) => {
    const MANY = 10; // such as all devices of a fleet: in pairs, the first and the last of them
    const heights = {};
    const measure = async (name) => {
        await labAnswered();
        panel.style.minHeight = "";
        heights[name] = panel.offsetHeight;
    };
    const act = async (name) => {
        await measure(name);
        if (!button) return;
        [...panel.querySelectorAll("button")].find((each) => each.textContent === button).click();
        await measure(`${name}, ${button}`);
    };
    const titled = (control, word) => {
        const label = control.parentElement.querySelector(".widget-label") ?? control.labels?.[0];
        const title = label?.textContent ?? "";
        return `${title} ${word.trim()}`;
    };
    const seen = (kind) => [...panel.querySelectorAll(kind)].filter((part) => part.offsetParent);
    const controls = [
        ...seen("select").map((list) =>
            [...list.options].map(({ text, selected }, at) => [titled(list, text), () => {
                list.selectedIndex = at;
                list.dispatchEvent(new Event("change", { bubbles: true }));
            }, selected])),
        ...seen(".widget-toggle-buttons, .widget-radio-box").map((group) =>
            [...group.querySelectorAll("button, input")].map((part) => {
                const word = part.closest("button, label").textContent;
                const chosen = part.checked || part.classList.contains("mod-active");
                return [titled(part.closest("div"), word), () => part.click(), chosen];
            })),
        ...seen("input[type=checkbox]").map((box) =>
            [box.checked, !box.checked].map((state, at) =>
                [`${box.parentElement.textContent.trim()} ${state}`,
                    () => { if (box.checked !== state) box.click(); }, at === 0])),
    ];
    // What the page lays out and paints again for each choice is this panel, and not all of them.
    const others = [...document.querySelectorAll(".jp-Notebook .jp-Cell")]
        .filter((cell) => !cell.contains(panel));
    others.forEach((cell) => { cell.style.display = "none"; });
    const goBack = (choices) => choices.find(([, , chosen]) => chosen)?.[1]();
    const anotherOf = (choices) => choices.filter(([, , chosen]) => !chosen);
    await act("at first");
    for (const [at, choices] of controls.entries()) {
        for (const [name, choose] of anotherOf(choices)) {
            choose();
            await act(name);
            const ends = [choices[0][0], choices.at(-1)[0]];
            const inner = choices.length > MANY && !ends.includes(name);
            for (const second of pairs && !inner ? controls.slice(at + 1) : []) {
                if (second.length > MANY) continue;
                for (const [other, also] of anotherOf(second)) {
                    also();
                    await act(`${name}, ${other}`);
                }
                goBack(second);
            }
        }
        goBack(choices);
        await measure(`${choices.find(([, , chosen]) => chosen)?.[0]} again`);
    }
    others.forEach((cell) => { cell.style.display = ""; });
    return heights;
}"""


@pytest.mark.parametrize("name", CELLS)
def test_no_choice_moves_what_is_below(opened: ShownPanel, name: str) -> None:
    box = opened.number(place(name)).box.element_handle()
    asked = [box, ACTS.get(name, ""), name in PAIRS]
    heights: dict[str, int] = opened.lab.page.evaluate(HEIGHTS, asked)
    longest = max(heights, key=heights.__getitem__)
    shortest = min(heights, key=heights.__getitem__)
    assert heights[longest] - heights[shortest] <= ALLOWED, (longest, shortest)
