"""Print what `diagnose` says of every fault, and the score.

`python -m tests.interop.peers [WORD]`, and with a second word every diagnosis.
"""

import sys
import tempfile
from pathlib import Path

from tests.interop.peers.certificates import make
from tests.interop.peers.faults import FAULTS, asked, judged

right = 0
with tempfile.TemporaryDirectory() as folder:
    make(Path(folder))
    chosen = [fault for fault in FAULTS if not sys.argv[1:] or sys.argv[1] in str(fault)]
    for fault in chosen:
        diagnosis = asked(fault, Path(folder))
        wrong = judged(fault, diagnosis)
        right += not wrong
        sys.stdout.write(f"{wrong or 'right':<60} {fault}\n")
        if wrong or sys.argv[2:]:
            sys.stdout.write(f"{diagnosis}\n\n")
sys.stdout.write(f"{right} of {len(chosen)} named first\n")
