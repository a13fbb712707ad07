"""A notebook that was run and saved, as the page that Save and Export makes of it: File, then HTML.

It has everything in it. Whoever gets it by mail reads it without a kernel and without a network.
"""

from urllib.parse import urlencode, urlsplit

from playwright.sync_api import BrowserContext, expect

from tests.authoring import canonical
from tests.browser.lab import JupyterLab, LabPage

LESSON = "3_mutual_tls.ipynb"
SAVE = "() => window.jupyterapp.commands.execute('docmanager:save')"


def test_it_asks_no_other_host(lab: JupyterLab, page: LabPage, browser: BrowserContext) -> None:
    saved = canonical.unpack(LESSON, lab.folder / "exported")
    page.open(f"exported/{LESSON}")
    page.run_all()
    page.page.evaluate(SAVE)
    page.close()
    assert "widgets" in canonical.read(saved).metadata  # what makes nbconvert ask a CDN

    exported, asked, complaints = browser.new_page(), [], []
    exported.on("request", lambda request: asked.append(request.url))
    exported.on("pageerror", lambda error: complaints.append(str(error)))
    query = urlencode({"token": lab.token, "download": "false"})
    exported.goto(f"{lab.url}/nbconvert/html/exported/{LESSON}?{query}")
    expect(exported.get_by_text("What does the device present?")).to_be_visible()
    expect(exported.get_by_test_id("dots")).to_be_visible()
    assert {urlsplit(url).netloc for url in asked} - {""} == {urlsplit(lab.url).netloc}
    assert complaints == []
    assert exported.locator("[class*='jupyter-widgets'], .widget-subarea").count() == 0
    exported.close()
