"""A learner's way through Part 3: wrong at first, right in the end, mailed as a page, closed and
taken up again.

Not here: every prediction (tests/notebooks) and every exercise (tests/unit/exercises).
"""

import re
from contextlib import closing
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from mtls_lab import cli
from mtls_lab.classroom import one_learner
from mtls_lab.classroom.out_of_order import HINT
from mtls_lab.learner import notebooks as unpacking
from mtls_lab.learner import predictions, progress
from tests.authoring import canonical
from tests.browser.lab import JupyterLab, LabPage

LESSON, EXERCISES = "3_mutual_tls.ipynb", "3b_exercises.ipynb"
WRONG = {"no_certificate": "handshake", "substring": "refused"}

UNSAFE = """def mutual_backend(folder):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cafile=folder / "client_ca.pem")
    return context

checks.mutual_backend(mutual_backend)"""
RIGHT = UNSAFE.replace("CERT_OPTIONAL", "CERT_REQUIRED")

#: Make the cell whose source holds a text the active one; give the command its name.
ACTIVATE = """([text, command]) => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    const cells = [...notebook.model.cells].map((cell) => cell.sharedModel.getSource());
    notebook.activeCellIndex = cells.findIndex((source) => source.includes(text));
    return window.jupyterapp.commands.execute(command);
}"""


def at(page: LabPage, text: str, command: str) -> None:
    """Run a command of JupyterLab's Run menu at the cell with this text, to its end."""
    page.page.evaluate(ACTIVATE, [text, f"notebook:{command}"])


def save_and_close(page: LabPage) -> None:
    page.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    assert page.complaints == []
    page.close()


def question(page: LabPage, name: str) -> Locator:
    """The panel that asks it."""
    heading = page.page.get_by_role("heading", name=predictions.question(name).question)
    return page.page.locator(".lab-panel", has=heading)


def predict(page: LabPage, name: str, answer: str) -> None:
    """Choose, and press the button."""
    question(page, name).get_by_label(predictions.question(name).answers[answer]).check()
    expect(question(page, name).get_by_test_id("predict-result")).to_have_attribute(
        "data-outcome", answer
    )
    question(page, name).get_by_role("button", name="Run it").click()


def mailed(lab: JupyterLab, browser: BrowserContext, path: str) -> None:
    """File, Save and Export, HTML: the page has everything in it, and asks no other host.

    Whoever gets it reads it without a kernel and without a network.
    """
    assert "widgets" in canonical.read(lab.folder / path).metadata  # so nbconvert would ask a CDN
    asked: list[str] = []
    complaints: list[str] = []
    with closing(browser.new_page()) as exported:
        exported.on("request", lambda request: asked.append(request.url))
        exported.on("pageerror", lambda error: complaints.append(str(error)))
        query = urlencode({"token": lab.token, "download": "false"})
        exported.goto(f"{lab.url}/nbconvert/html/{path}?{query}")
        expect(exported.get_by_text("What does the device present?")).to_be_visible()
        expect(exported.get_by_test_id("dots").first).to_be_visible()
        assert {urlsplit(url).netloc for url in asked} - {""} == {urlsplit(lab.url).netloc}
        assert complaints == []
        assert exported.locator("[class*='jupyter-widgets'], .widget-subarea").count() == 0


def at_the_top(page: LabPage) -> Locator:
    """How far one is, as the first cell shows it."""
    return page.page.get_by_test_id("dots").first


def attempt(page: LabPage, source: str) -> Locator:
    """Type into the cell of the exercise, and run it; what the check says."""
    editor = page.page.locator(".jp-CodeCell", has_text="checks.mutual_backend").locator(
        ".cm-content"
    )
    editor.click()
    page.page.keyboard.press("Control+a")
    page.page.keyboard.insert_text(source)
    at(page, "checks.mutual_backend", "run-cell")
    return page.page.get_by_test_id("check-mutual_backend")


def test_wrong_then_right_then_taken_up_again(  # noqa: PLR0915 - one way, step by step
    lab: JupyterLab,
    page: LabPage,
    browser: BrowserContext,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = lab.folder / "anna"
    unpacking.unpack(folder)
    page.open(f"{folder.name}/{LESSON}")
    page.run_all()
    for name, answer in WRONG.items():
        predict(page, name, answer)
        asked = predictions.question(name)
        told = question(page, name)
        expect(told.get_by_role("listitem").filter(has_text="✗")).to_have_text(
            f"✗{asked.answers[answer]} your prediction"
        )
        expect(told).to_contain_text("Not as you predicted.")
        told.get_by_text("The explanation").click()
        expect(told).to_contain_text(asked.wrong[answer])
        expect(told.get_by_test_id("dots")).to_be_visible()
    expect(at_the_top(page)).to_contain_text("2 of 7")  # without its cell being run again
    save_and_close(page)
    mailed(lab, browser, f"{folder.name}/{LESSON}")

    page.open(f"{folder.name}/{EXERCISES}")
    page.run_all()
    outcome = attempt(page, UNSAFE)
    expect(outcome).to_have_attribute("data-outcome", "works but unsafe")
    outcome = attempt(page, RIGHT)
    expect(outcome).to_have_attribute("data-outcome", "right")
    expect(at_the_top(page)).to_contain_text("1 of 8")
    at_the_top(page).locator("summary").press("Enter")
    listed = page.page.get_by_role("listitem").filter(has_text="The backend demands a certificate")
    expect(listed).to_contain_text("✓ right")
    save_and_close(page)

    # The next day: the lab says how far one is, and nothing of one's work is gone.
    assert cli.main(["start", str(folder), "--prepare"]) == 0
    part = one_learner.parts(progress.read(folder))[2]
    assert (part.predicted, part.foreseen, part.solved, part.unsafe) == (2, 0, 1, ())
    said = capsys.readouterr().out
    assert f"{LESSON}: as you left it" in said
    assert str(part) in said
    assert unpacking.latest(folder).name == EXERCISES
    page = lab.visit(browser)  # in a window of the next day
    with closing(page.page):
        page.open(f"{folder.name}/{EXERCISES}")
        assert RIGHT in [cell.source for cell in page.cells()]
        page.run_all()
        expect(page.page.get_by_test_id("check-mutual_backend")).to_have_attribute(
            "data-outcome", "right"
        )
        page.close()

        # Before its cell has run, a panel shows what it showed, and says how to come back.
        page.open(f"{folder.name}/{LESSON}")
        how = page.page.get_by_text(re.compile("not connected to a kernel|Run this cell to get"))
        expect(how.first).to_be_visible()
        expect(page.page.get_by_text("What does the device present?")).to_be_visible()
        expect(page.page.get_by_text("model not found")).to_have_count(0)
        at(page, "predict(no_certificate)", "run-all-above")
        at(page, "predict(no_certificate)", "run-cell")
        chosen = predictions.question("no_certificate").answers["handshake"]
        marked = question(page, "no_certificate").get_by_role("listitem").filter(has_text=chosen)
        expect(marked).to_contain_text("your prediction")
        assert page.complaints == []
        page.close()


def test_a_cell_in_a_new_kernel_says_what_to_run_first(page: LabPage) -> None:
    """As after Restart Kernel. What it says to choose is in the menu, and helps."""
    first, cell = HINT.splitlines()[0], 'shutil.copy("ca/ca.crt", "backend/client_ca.pem")'
    page.open(LESSON)
    at(page, cell, "run-cell")
    expect(page.page.get_by_text(first)).to_be_visible()
    page.page.get_by_role("menuitem", name="Run", exact=True).click()
    (choice,) = re.findall("Run → (.+?),", HINT)
    page.page.get_by_role("menuitem", name=choice).click()
    at(page, cell, "run-cell")
    expect(page.page.get_by_text(first)).to_have_count(0)
    assert [each.errors for each in page.cells() if each.errors] == []
    page.close()
