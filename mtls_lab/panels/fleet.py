"""One certificate or many? A fleet, a stolen key, and who can still connect.

Here: the controls, the grid of devices, and what was tried so far. Not here: the certificates,
the revocation list and the handshakes (experiments/fleet.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import ipywidgets

from mtls_lab.common import UnknownName
from mtls_lab.drawing import definitions, escape, table
from mtls_lab.experiments import Fleet
from mtls_lab.experiments.fleet import SHARING, STATES, Device, Report, count
from mtls_lab.panels.base import WIDE, Panel, mark

__all__ = ["FleetPanel"]

SIZES = (4, 8, 12, 16, 20, 24)
STEPS = {
    "well": "No theft",
    "stolen": "A key is copied",
    "revoked": "It is revoked",
    "replaced": "It is replaced",
}


class FleetPanel(Panel):
    """A fleet under one way of sharing keys, in one state; `value` is its `Report`.

    Args:
        devices: how many, one of 4, 8, 12, 16, 20 and 24.

    Raises:
        UnknownName: another number of devices.
    """

    name = "fleet"
    looks = ("fleet",)

    def __init__(self, devices: int = 12) -> None:
        super().__init__(
            "One certificate or many?",
            "A thief copies the key of one device. The damage depends on who shares that key. A "
            "batch is four devices made together, a variant is a model: basic or pro. Each key is "
            "tried in a real handshake.",
        )
        self._fleets: dict[tuple[int, str], Fleet] = {}
        self._tried: dict[tuple[int, int, str], Report] = {}
        self._size = ipywidgets.Dropdown(
            options=SIZES, value=_size(devices), description="Devices:"
        )
        self._sharing = ipywidgets.Dropdown(
            options=[(words, name) for name, words in SHARING.items()],
            description="Identity:",
        )
        self._stolen = ipywidgets.Dropdown(description="The thief copies the key of device:")
        self._offer()
        self._state = ipywidgets.ToggleButtons(
            options=[(words, name) for name, words in STEPS.items()],
            description="What happened:",
            style=WIDE,
        )
        self.on_change(self._size, self._resize)
        for control in (self._sharing, self._stolen, self._state):
            self.on_change(control, self._connect)
        choices = (self._size, self._sharing, self._stolen)
        self.add(*(choice.add_class("lab-stacked") for choice in choices))
        self.add(self._state)
        self._grid = ipywidgets.HTML()
        self.add_below(self._grid)
        self.guard(self._connect)

    def select(
        self, sharing: str = "shared", state: str = "well", *, devices: int = 12, stolen: int = 5
    ) -> Report:
        """Set the controls as a hand would, and return the report.

        Args:
            sharing: "shared", "batch", "variant" or "device".
            state: "well", "stolen", "revoked" or "replaced".
            devices: how many there are.
            stolen: whose key is copied, from 1 on.

        Raises:
            UnknownName: there is no such choice.
        """
        for what, name, known in (("sharing", sharing, SHARING), ("state", state, STATES)):
            if name not in known:
                raise UnknownName(what, name, known)
        if not 1 <= stolen <= _size(devices):
            raise UnknownName("device", str(stolen), map(str, range(1, devices + 1)))
        with self.turn:
            with self.quietly():
                self._size.value = devices
                self._offer()
                self._stolen.value = stolen
                self._sharing.value, self._state.value = sharing, state
            self.guard(self._connect)
            report: Report = self.value
            return report

    def still(self) -> str:
        """Return who is served, by key, and what it cost."""
        return _verdict(self.value) + definitions(_by_key(self.value))

    def _offer(self) -> None:
        """Let every device of the fleet be robbed; the one that was is kept if it is there."""
        wanted = self._stolen.value or 5
        self._stolen.options = [(f"{n:02}", n) for n in range(1, self._size.value + 1)]
        self._stolen.value = min(wanted, self._size.value)

    def _resize(self) -> None:
        with self.quietly():
            self._offer()
        self._connect()

    def _connect(self) -> None:
        size, sharing = self._size.value, self._sharing.value
        if (size, sharing) not in self._fleets:
            self._fleets[size, sharing] = Fleet(size, sharing)
        stolen = self._stolen.value
        report = self._fleets[size, sharing].report(self._state.value, stolen=stolen)
        if report.revoked:
            self._tried[size, stolen, sharing] = report
        tried = {name: self._tried.get((size, stolen, name)) for name in SHARING}
        self._grid.value = _grid(report) + _comparison(tried, size)
        outcome = "thief served" if report.thief and report.thief.served else report.state
        self.show(report, str(report), _verdict(report), outcome=outcome)


def _size(devices: int) -> int:
    if devices not in SIZES:
        raise UnknownName("size of a fleet", str(devices), map(str, SIZES))
    return devices


def _verdict(report: Report) -> str:
    total, refused, thief = len(report.devices), len(report.refused), report.thief
    words = f"{total - refused} of {count(total, 'device')} get the secret"
    good: bool | None = not refused
    if thief is None:
        words += "."
    elif thief.served:
        good, words = False, f"{words}, and so does the thief, as {thief.identity}."
    else:
        good, words = good or None, f"{words}. The thief is refused."
    if refused:
        verb = "is" if refused == 1 else "are"
        words += f" So {verb} {count(refused, 'device')} with the same key."
    state = str(report).partition("\n")[0]
    return f"{mark(good, words)}<p>{escape(state)}.</p><p>Cost so far: {escape(report.cost)}.</p>"


def _keys(report: Report) -> dict[str, list[Device]]:
    """Return each key, and the devices that have it, the thief among them."""
    keys: dict[str, list[Device]] = {}
    for device in report.devices:
        keys.setdefault(device.identity, []).append(device)
    if report.thief:
        keys[report.thief.identity].append(report.thief)
    return keys


def _by_key(report: Report) -> Iterator[tuple[str, str]]:
    for identity, devices in _keys(report).items():
        said = (f"{'✓' if device.served else '✗'} {device.name}" for device in devices)
        yield f"key {identity}", "  ".join(said)


def _grid(report: Report) -> str:
    """Return a list of keys, and in each the devices that have it."""
    items = []
    for identity, devices in _keys(report).items():
        robbed = report.thief in devices
        tiles = "".join(map(_tile, devices))
        items.append(
            f"<li{' class=lab-robbed' if robbed else ''}>key {escape(identity)}"
            f"{', copied by the thief' if robbed else ''}<ul>{tiles}</ul></li>"
        )
    return f'<ul class="lab-fleet" data-testid="fleet-grid">{"".join(items)}</ul>'


def _tile(device: Device) -> str:
    kind, said = ("good", "✓ served") if device.served else ("bad", "✗ refused")
    if device.name == "thief":
        kind, said = ("bad", "⚠ served") if device.served else ("plain", "✗ refused")
    return f'<li class="lab-{kind}"><b>{escape(device.name)}</b><span>{said}</span></li>'


def _comparison(tried: dict[str, Report | None], size: int) -> str:
    """Return what the same theft costs under each way of sharing, as far as it was tried."""
    cells = {SHARING[name]: _cost(report, size) for name, report in tried.items()}
    return table(
        ("devices to recall", "keys in the fleet"),
        cells.items(),
        kind="lab-tried",
        caption="What it costs to revoke this key, under each identity",
    )


def _cost(report: Report | None, size: int) -> tuple[str, str]:
    if report is None:
        return '<td role="cell" colspan="2">revoke its key under this identity to see</td>', ""
    keys = len({device.identity for device in report.devices})
    part = f"--lab-part: {100 * report.recalled // size}%"
    recalled = f'<td role="cell" style="{part}">{report.recalled} of {size}</td>'
    return recalled, f'<td role="cell">{keys}</td>'
