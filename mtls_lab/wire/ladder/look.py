"""How the ladder looks: once as a style sheet, once as inline styles, from one table.

Here: every colour and size. Not here: what is in the ladder (rungs.py, saying.py).

A page that takes style sheets shows the motion, the marks and the focus as well; one that takes
inline styles shows the ladder; one that drops both shows a list that reads from top to bottom.
All sizes are in em, so that the ladder follows the size of the text around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from mtls_lab.drawing import ACTORS, EDGE, MONOSPACE

__all__ = ["Look", "style"]

#: Fields of a message whose bytes are marked; ClientHello has 30, a chain of three 60.
LINKED = 80
DEVICE, BACKEND = ACTORS["device"].colour, ACTORS["backend"].colour
TINT = "rgba(128,128,128,.12)"
MARK = "background:#ffe082;color:#000"

_LOOKS = {
    "ladder": "max-width:48em;margin:.3em 0;line-height:1.45",
    "heads": "display:flex;justify-content:space-between;font-size:.92em",
    "rungs": f"list-style:none;margin:0 .8em;padding:.5em 0;border-left:.16em solid {DEVICE};"
    f"border-right:.16em solid {BACKEND}",
    "rung": "margin:0;padding:0",
    "call": "display:flex;font-weight:400;align-items:center;gap:.4em;cursor:pointer;"
    "list-style:none;min-height:1.8em;min-height:max(1.8em,24px)",
    "shaft": "flex:1 1 1em;border-top:.14em solid;min-width:.6em;height:0",
    "secret": "flex:1 1 1em;border-top:.14em dashed;min-width:.6em;height:0",
    "gap": "flex:0 0 4em",
    "name": f"font-family:{MONOSPACE};font-size:.92em;overflow-wrap:break-word;text-align:center",
    "more": "font-size:.8em;opacity:.7",
    "flag": "display:flex;margin:0;padding:.15em 0;font-size:.92em;font-weight:600",
    "said": f"margin:.1em .8em .7em;padding:.3em .8em .5em;background:{TINT};border-radius:.3em;"
    "overflow-wrap:anywhere",
    "wire": f"border-left:.2em solid {EDGE};padding-left:.6em",
    "both": "display:flex;flex-wrap:wrap;align-items:flex-start;gap:.4em 1.4em",
    "fields": "flex:3 1 13.5em;min-width:0;font-size:.94em",
    # 16 bytes in a row where there is room, 8 where there is less: "00 " is three letters.
    "bytes": f"flex:1 1 24ch;max-width:48ch;margin:.4em 0;font-family:{MONOSPACE};font-size:.86em;"
    "line-height:1.75",
    "caption": "margin:.2em 0",
}

_SHEET = f"""
.lab-ladder .lab-rung > details {{ margin: 0; }}
.lab-ladder summary::-webkit-details-marker {{ display: none; }}
.lab-ladder summary:hover {{ background: {TINT}; }}
.lab-ladder summary:hover .lab-name, .lab-ladder [open] > summary .lab-name {{ text-decoration:
  underline; text-underline-offset: .2em; }}
.lab-ladder summary:focus-visible {{ outline: .15em solid var(--jp-brand-color1, Highlight);
  outline-offset: -.15em; }}
.lab-ladder [open] > summary .lab-more {{ transform: rotate(90deg); }}
.lab-ladder .lab-said > p {{ margin: .3em 0; }}
.lab-ladder .lab-said ul {{ list-style: none; margin: 0; padding: 0; }}
.lab-ladder .lab-said ul ul {{ margin-left: .3em; padding-left: .8em;
  border-left: 1px solid {EDGE}; }}
.lab-ladder .lab-said li {{ margin: .35em 0 0; padding: 0; }}
.lab-ladder .lab-said li > p {{ margin: 0; font-size: .92em; opacity: .85; }}
.lab-ladder .lab-said a {{ font-size: .88em; white-space: nowrap; text-decoration: underline;
  color: var(--jp-content-link-color, LinkText); }}
.lab-ladder .lab-said label {{ cursor: pointer; border-radius: .2em; }}
.lab-ladder .lab-said label b {{ font-family: {MONOSPACE}; font-size: .94em; margin-right: .4em; }}
.lab-ladder .lab-said label span > span {{ display: inline-block; }}
.lab-ladder .lab-said input {{ position: absolute; width: 1px; height: 1px; margin: 0;
  opacity: 0; }}
.lab-ladder .lab-said label:has(:focus-visible) {{ outline: .15em solid
  var(--jp-brand-color1, Highlight); outline-offset: .1em; }}
.lab-ladder .lab-bytes span {{ border-bottom: .14em solid {EDGE}; border-radius: .15em; }}
.lab-ladder .lab-said :is(label:hover, label:has(:checked)),
.lab-ladder .lab-said :is(label:hover, label:has(:checked)) span > span {{ {MARK}; }}
@media (prefers-reduced-motion: no-preference) {{
  .lab-moves .lab-up > details > summary {{ animation: lab-goes-up .4s ease-in-out backwards; }}
  .lab-moves .lab-down > details > summary {{ animation: lab-goes-down .4s ease-in-out backwards; }}
  .lab-moves .lab-flag > span {{ display: inline-block; animation: lab-rises .5s backwards; }}
  .lab-moves :is(.lab-rung > details > summary, .lab-flag > span) {{
    animation-delay: calc(var(--i) * .12s); }}
}}
@keyframes lab-goes-up {{ from {{ clip-path: inset(0 100% 0 0); }} to {{ clip-path: inset(0); }} }}
@keyframes lab-goes-down {{ from {{ clip-path: inset(0 0 0 100%); }}
  to {{ clip-path: inset(0); }} }}
@keyframes lab-rises {{ from {{ opacity: 0; transform: translateY(.7em) scale(.8); }} }}
@media (max-width: 480px) {{ .lab-ladder .lab-said {{ margin: .1em .1em .5em;
  padding: .3em .5em; }} .lab-ladder .lab-rungs {{ margin: 0 .2em; }}
  .lab-ladder .lab-gap {{ flex-basis: 1.2em; }} }}
"""


@dataclass(frozen=True, slots=True)
class Look:
    """How the elements of one drawing are styled; called with a name, it gives the attributes.

    Attributes:
        inline: whether each element brings its style, for a page that drops style sheets.

    Example:
        >>> Look()("caption"), Look(inline=True)("caption")
        ('class="lab-caption"', 'class="lab-caption" style="margin:.2em 0"')
    """

    inline: bool = False

    def __call__(self, name: str, *others: str, style: str = "") -> str:
        """Return the attributes of an element that looks like this."""
        kinds = " ".join(f"lab-{each}" for each in (name, *others))
        own = ";".join(part for part in (_LOOKS.get(name, "") * self.inline, style) if part)
        return f'class="{kinds}"' + f' style="{own}"' * bool(own)

    @property
    def keys(self) -> str:
        """The attribute that keeps JupyterLab from taking the keys of a control in a cell.

        In a panel, that is done for all controls.
        """
        return ' data-lm-suppress-shortcuts="true"' * self.inline


@cache
def style() -> str:
    """Return the style sheet, which a page needs once."""
    looks = "".join(
        f".lab-ladder .lab-{name},.lab-{name}.lab-ladder{{{text}}}" for name, text in _LOOKS.items()
    )
    links = ",".join(
        f"&:has(.f{n}:hover,.f{n} :checked) .g{n},&:has(.b{n}:hover) :is(.b{n},.f{n})"
        for n in range(LINKED)
    )
    return f"{looks}{' '.join(_SHEET.split())}.lab-ladder .lab-said{{{links}{{{MARK}}}}}"
