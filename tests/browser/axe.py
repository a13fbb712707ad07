"""What axe-core finds wrong with our part of a page. JupyterLab's own part is not ours to judge."""

from importlib.resources import files

from playwright.sync_api import Page

#: Bundled by axe-playwright-python. Nothing else of that package is used.
AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
RUN = """([selector, tags]) => axe.run(selector, {
    resultTypes: ["violations"], ...(tags.length && { runOnly: tags }) })"""
#: The rules that a theme can break.
COLOURS = "cat.color"


def violations(
    page: Page, selector: str = ".lab-panel", *, rules: tuple[str, ...] = ()
) -> list[str]:
    """Each violation in what the selector matches, as the rule and the element that breaks it.

    All rules are tried that axe has on by itself, or those with one of these tags.

    Something has to match: axe raises if it is given nothing.
    """
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate(RUN, [selector, rules])["violations"]
    return [f"{rule['id']}: {node['html']}" for rule in found for node in rule["nodes"]]
