"""The order of the certificates in a backend's chain file: sort, run, and see what each side says.

Here: the list, and the result. Not here: the certificates and the run (experiments/chains.py), and
moving them (sorter.py).
"""

from __future__ import annotations

from mtls_lab.experiments.chains import Chain, certificates
from mtls_lab.panels.base import mark
from mtls_lab.panels.sorter import Place, Sorter, Thing
from mtls_lab.panels.sorting import ListPanel, items, with_reasons

__all__ = ["ChainPanel"]


class ChainPanel(ListPanel):
    """Put a chain file together; `value` is the `Chained` of the last run, None before the first.

    `select("leaf", "issuing")` does it in a cell: leaf, issuing, root or stranger, in order.
    """

    name = "chain"
    looks = ("sorter", "chain")

    def __init__(self) -> None:
        super().__init__(
            "What does the backend send, and in which order?",
            "load_cert_chain takes one file with the backend's certificate and what has to be sent "
            "along. The device trusts root_ca.pem and knows nothing else.",
        )
        self._chain = Chain()
        things = [Thing(name, file, what) for name, (file, what) in certificates().items()]
        place = Place("chain", "The backend's chain file, from its top", many=True)
        sorter = Sorter(
            things, [place], label="The chain file", rest="Certificates", kept=self.name
        )
        sorter.recall()
        self.sort(sorter)
        self.wait()

    def run(self) -> None:
        """Start a backend with the file, and let the device call."""
        chained = self._chain.run(self.order)
        exchange = chained.exchange
        self._below.value = with_reasons(exchange)
        if not exchange.ok:
            words, good = "The device does not get the secret.", False
        elif chained.remarks:
            words, good = "The device gets the secret. Still, this is not what to send.", None
        else:
            words, good = (
                "The device gets the secret, and all that is sent is needed.",
                True,
            )
        self.show(
            chained,
            f"{self.arranged()}\n{chained}",
            mark(good, words) + items(chained.remarks),
            outcome="served" if exchange.ok else "refused",
        )
