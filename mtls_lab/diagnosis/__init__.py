"""Why a connection failed, in words: who refused whom, and what to do about it.

Here: from an error or an exchange to an explanation. Not here: the sentences, which are in
data/explanations.toml. The folder is not called `explain`: that is the function, on the face.
"""

from mtls_lab.diagnosis.explanation import Explanation, explain

__all__ = ["Explanation", "explain"]
