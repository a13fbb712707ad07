"""`make mutants`: per exercise, how many mutants its check judges not right; exit code 1 if a
survivor has no reason in equivalent.toml, or a reason no survivor.

Here: the figure. Not here: the sample in the suite (test_mutants.py).
"""

import sys
import tempfile
from pathlib import Path

from tests.mutants.asking import Answer, answers, equivalent, parts, questions


def main(names: list[str]) -> int:
    known, used, owed, total, caught = equivalent(), set(), [], 0, 0
    for part in parts():
        asked = [each for each in questions(part) if not names or each.exercise in names]
        found: dict[str, list[Answer]] = {}
        with tempfile.TemporaryDirectory() as folder:
            for answer in answers(asked, Path(folder)):
                found.setdefault(answer.question.exercise, []).append(answer)
        for exercise, all_of_it in found.items():
            right = [each for each in all_of_it if each.outcome == "right"]
            alike = [e for e in right if (exercise, e.question.mutant.diff) in known]
            used |= {(exercise, each.question.mutant.diff) for each in alike}
            counted, no = len(all_of_it) - len(alike), len(all_of_it) - len(right)
            total, caught = total + counted, caught + no
            print(f"{exercise:20} {len(all_of_it):4} mutants, {len(alike):3} equivalent,"
                  f" {no} of {counted} judged not right", flush=True)  # fmt: skip
            for each in right:
                if each not in alike:
                    owed.append(each)
                    print("  survives:\n    " + each.question.mutant.diff.replace("\n", "\n    "))
            for each in all_of_it:
                if each.outcome == "no answer":
                    owed.append(each)
                    print(f"  {each.found}:\n    " + each.question.mutant.diff)
    print(f"{caught} of {total} judged not right: {100 * caught / max(total, 1):.1f} %")
    idle = [key for key in known if key not in used and (not names or key[0] in names)]
    for exercise, diff in idle:
        print(f"{exercise}: in equivalent.toml, and not a survivor:\n{diff}")
    return 1 if owed or idle else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
