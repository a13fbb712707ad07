"""`explain`: why a connection failed, in words: who refused whom, and what to do about it.

Here: from an error, a line or an exchange to an explanation. Not here: the sentences, which are in
data/explanations.toml, and calling a server to find out (diagnosing/).
"""

from mtls_lab.explaining.explanation import Explanation, explain

__all__ = ["Explanation", "explain"]
