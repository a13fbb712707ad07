"""The first use of each abbreviation in a notebook, marked with what it is short for.

Here: where a use counts as the first, and its mark. Not here: what each is short for
(data/abbreviations.toml), and how a page shows the mark: JupyterLab and GitHub when it is pointed
at, slides and a telephone in parentheses.
"""

import html
import re

from nbformat import NotebookNode

from mtls_lab.common import read_facts

#: A mark; what it encloses is the text itself.
MARK = re.compile(r"<abbr[^>]*>([^<]*)</abbr>")
#: Where an abbreviation is a name or a title, and not a word of the text: code, a heading, the
#: target of a link, a tag.
ELSEWHERE = re.compile(r"(?ms)(^```.*?^```|^#+ .*?$|`[^`\n]*`|\]\([^)\s]*\)|<[^>]*>)")


def mark(notebook: NotebookNode) -> None:
    """Marks the first use of each abbreviation, and no other."""
    known = dict(read_facts("abbreviations"))
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = marked(MARK.sub(r"\1", cell.source), known)


def marked(text: str, known: dict[str, str]) -> str:
    """The text with a mark at the first use of each abbreviation; it is then no longer in `known`.

    Example:
        >>> marked("`CA`: a CA, two CAs", {"CA": "certificate authority"})
        '`CA`: a <abbr title="certificate authority">CA</abbr>, two CAs'
        >>> marked("two CAs", {"CA": "certificate authority"})
        'two <abbr title="certificate authority">CAs</abbr>'
        >>> marked("a *certificate authority* (CA)", {"CA": "certificate authority"})
        'a *certificate authority* (CA)'
    """
    pieces = ELSEWHERE.split(text)
    for number in range(0, len(pieces), 2):
        for short, words in list(known.items()):
            found = re.search(rf"\b{short}(?=s?\b)(?:-[\d-]+\d|s\b|'s\b)?", pieces[number])
            if found is None:
                continue
            del known[short]
            if not in_words(pieces[number], found, words):
                own = f'<abbr title="{html.escape(words)}">{found.group()}</abbr>'
                pieces[number] = pieces[number][: found.start()] + own + found.string[found.end() :]
                return marked("".join(pieces), known)
    return "".join(pieces)


def in_words(text: str, found: re.Match[str], words: str) -> bool:
    """Whether the text says it itself: "certificate authority (CA)", "TLS (Transport …)"."""
    before, after = (part.replace("*", "") for part in (text[: found.start()], text[found.end() :]))
    said = re.escape(words)
    return bool(re.search(rf"(?i){said}s?(, | \()$", before) or re.match(rf"(?i) \({said}", after))
