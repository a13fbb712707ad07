"""An illustrated handshake: the messages of one connection as a ladder whose rungs open.

Here: pure functions from a Handshake to HTML that works without JavaScript, in a panel, in a cell
and in a converted page. Not here: widgets (panels/), and reading the messages (reading/).
"""

from mtls_lab.wire.ladder.look import style
from mtls_lab.wire.ladder.rungs import Flag, caption, draw, flags, keys
from mtls_lab.wire.ladder.saying import sentence, tell

__all__ = ["Flag", "caption", "draw", "flags", "keys", "sentence", "style", "tell"]
