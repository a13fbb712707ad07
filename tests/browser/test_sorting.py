"""Things to their places, in a real page: by mouse, by finger, by two presses and by keys.

Not here: what comes of an arrangement (tests/panels).
"""

import pytest
from playwright.sync_api import Locator, expect

from mtls_lab.learner import progress
from tests.browser.lab import JupyterLab
from tests.browser.panel import ShownPanel

NAME = "chain"
CELLS = ("from mtls_lab import ChainPanel", "ChainPanel()")


@pytest.fixture
def panel(opened: ShownPanel, lab: JupyterLab) -> ShownPanel:
    """A new panel for each test, with nothing in its list."""
    (lab.folder / progress.FILE).unlink(missing_ok=True)  # where the last test's order is kept
    opened.anew()
    expect(opened.box.locator(".lab-order .lab-thing")).to_have_count(0)
    opened.settle()  # until then, the page may still scroll
    return opened


def thing(panel: ShownPanel, name: str) -> Locator:
    return panel.box.locator(f'[data-thing="{name}"]')


def end(panel: ShownPanel) -> Locator:
    return panel.box.locator(".lab-order .lab-gap")


def listed(panel: ShownPanel) -> list[str]:
    found = panel.box.locator(".lab-order .lab-thing")
    return [each.get_attribute("data-thing") or "" for each in found.all()]


def middle(part: Locator) -> tuple[float, float]:
    part.scroll_into_view_if_needed()
    box = part.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_mouse_drags(panel: ShownPanel) -> None:
    mouse, told = panel.lab.page.mouse, panel.box.get_by_role("status").first
    for name, target, steps in (("issuing", end(panel), 5), ("leaf", thing(panel, "issuing"), 1)):
        mouse.move(*middle(thing(panel, name)))
        mouse.down()
        mouse.move(*middle(target), steps=steps)  # already the first is beyond the thing's edge
        mouse.up()
        expect(told).to_contain_text("is now here")
    assert listed(panel) == ["leaf", "issuing"]
    panel.button("Run").click()
    panel.settle()
    expect(panel.result).to_have_attribute("data-outcome", "served")


def test_a_finger_drags_by_the_grip(panel: ShownPanel) -> None:
    devtools = panel.lab.page.context.new_cdp_session(panel.lab.page)
    points = [middle(thing(panel, "leaf").locator(".lab-grip")), middle(end(panel))]
    points.insert(1, (points[0][0] + 20, points[0][1]))
    for kind, point in zip(("Start", "Move", "Move"), points, strict=True):
        event = {"type": f"touch{kind}", "touchPoints": [{"x": point[0], "y": point[1]}]}
        devtools.send("Input.dispatchTouchEvent", event)
    devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    devtools.detach()
    panel.settle()
    assert listed(panel) == ["leaf"]


def test_two_presses_do_it_without_dragging(panel: ShownPanel) -> None:
    """WCAG 2.2, 2.5.7."""
    for name, target in (
        ("root", end(panel)),
        ("leaf", thing(panel, "root")),
        ("root", panel.box.locator(".lab-heap .lab-gap")),
    ):
        thing(panel, name).click()
        target.click()
    panel.settle()
    assert listed(panel) == ["leaf"]


def test_keys_pick_up_move_put_down_and_put_back(panel: ShownPanel) -> None:
    keyboard, told = panel.lab.page.keyboard, panel.box.get_by_role("status").first
    thing(panel, "leaf").focus()
    keyboard.press("Space")
    expect(told).to_contain_text("server.crt is picked up")
    keyboard.press("ArrowDown")
    expect(told).to_contain_text("1 of 1")
    keyboard.press("Space")
    expect(told).to_contain_text("server.crt is now here")
    expect(thing(panel, "leaf")).to_be_focused()
    thing(panel, "root").focus()
    for key in ("Space", "ArrowDown", "Escape"):
        keyboard.press(key)
    expect(told).to_have_text("root_ca.pem stays where it was.")
    expect(thing(panel, "root")).to_be_focused()
    assert listed(panel) == ["leaf"]
    thing(panel, "leaf").focus()
    keyboard.press("Delete")
    expect(told).to_have_text("server.crt is taken out.")
    panel.settle()
    assert listed(panel) == []
