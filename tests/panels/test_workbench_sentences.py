"""No sentence of the workbench may be shown to be false by another click.

Every combination of three choices is made and tried in real handshakes, and so is every neighbour
that a claim is about: "only the strict checks notice" is about two verdicts of one recipe, "set
Dates to valid" about two recipes.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache

import pytest

from mtls_lab.common import read_facts
from mtls_lab.experiments import Recipe, Workbench
from mtls_lab.experiments.workbench import CHOICES, Trials, causes
from mtls_lab.panels.verdicts import notes, reasons_of

SERVER, CLIENT, CA = "as a server", "as a client", "as a CA"
EVERY = [dict(zip(CHOICES, chosen, strict=True)) for chosen in itertools.product(*CHOICES.values())]
Choice = tuple[str, str | bool]


def triples(recipe: dict[str, str | bool]) -> set[tuple[Choice, ...]]:
    return set(itertools.combinations(recipe.items(), 3))


def covering() -> Iterator[Recipe]:
    """Recipes in which every combination of three choices occurs, chosen greedily."""
    missing = set().union(*map(triples, EVERY))
    while missing:
        best = max(EVERY, key=lambda recipe: len(missing & triples(recipe)))
        missing -= triples(best)
        yield Recipe(**best)  # type: ignore[arg-type]


RECIPES = list(covering())


@dataclass(frozen=True)
class Seen:
    """The verdict on a recipe; `instead` gives that on a neighbour."""

    judge: Callable[[Recipe], Trials]
    recipe: Recipe

    @property
    def verdict(self) -> Trials:
        return self.judge(self.recipe)

    def instead(self, **change: str | bool) -> "Seen":
        return replace(self, recipe=replace(self.recipe, **change))  # type: ignore[arg-type]

    def codes(self, role: str) -> list[int | None]:
        """The verify codes in a role, by the older rules and by the strict ones."""
        trials = self.verdict.roles[role]
        return [trial.failure.verify_code if trial.failure else None for trial in trials]

    def old(self, role: str) -> int | None:
        return self.codes(role)[0]

    def strict(self, role: str) -> int | None:
        return self.codes(role)[1]

    def refused(self, *roles: str) -> bool:
        """Whether every one of these roles is refused, by either set of rules."""
        return all(None not in self.codes(role) for role in roles)


@pytest.fixture(scope="module")
def see() -> Callable[[Recipe], Seen]:
    """One CA and one key for all, and no recipe twice."""
    judge = cache(Workbench().judge)
    return lambda recipe: Seen(judge, recipe)


See = Callable[[Recipe], Seen]


def test_every_three_choices_occur_together() -> None:
    had = set().union(*(triples(asdict(recipe)) for recipe in RECIPES))
    assert had == set().union(*map(triples, EVERY))
    assert len(RECIPES) < 80


# --- Why it was refused, and what to do


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_a_refusal_ends_with_the_changes_that_it_asks_for(see: See, recipe: Recipe) -> None:
    """With all of them and not with fewer, in the same role and by the same rules."""
    seen = see(recipe)
    for role, trials in seen.verdict.roles.items():
        for rules, trial in enumerate(trials):
            found = causes(recipe, trial)
            assert bool(found) == bool(trial.failure), trial
            assert all(bool(cause.fix) == (cause.change is None) for cause in found)
            changes = [cause.change for cause in found if cause.change]
            for made in range(1, len(changes) + 1):
                for some in itertools.combinations(changes, made):
                    after = seen.instead(**dict(some)).codes(role)[rules]
                    stays = after == seen.codes(role)[rules]
                    assert stays == (made < len(changes)), some


def test_where_no_choice_is_said_to_help_none_does(see: See) -> None:
    with_ca = [see(recipe) for recipe in RECIPES if recipe.is_ca]
    assert any(seen.old(CA) == 25 for seen in with_ca)
    assert all(seen.refused(CA) for seen in with_ca)


def test_every_cause_occurs(see: See) -> None:
    met = {
        cause.name
        for recipe in RECIPES
        for trial in see(recipe).verdict.trials
        for cause in causes(recipe, trial)
    }
    assert met == read_facts("workbench")["refused"].keys()


# --- What to notice


def both_purposes(seen: Seen) -> bool:
    """It is as good a server as one for servers only, and as good a client."""
    as_server = seen.codes(SERVER) == seen.instead(purpose="server").codes(SERVER)
    return as_server and seen.codes(CLIENT) == seen.instead(purpose="client").codes(CLIENT)


def key_encipherment(seen: Seen) -> bool:
    as_server = seen.codes(SERVER) == seen.instead(key_usage="digitalSignature").codes(SERVER)
    return seen.refused(CLIENT) and as_server


def cert_sign(seen: Seen) -> bool:
    """Without CA:TRUE, the strict checks notice it; the older ones never do."""
    usual = seen.instead(key_usage="digitalSignature")
    noticed = [seen.strict(role) == 82 for role in (SERVER, CLIENT)]
    unnoticed = all(seen.old(role) == usual.old(role) for role in (SERVER, CLIENT))
    return unnoticed and noticed == [not seen.recipe.is_ca] * 2


def no_key_usage(seen: Seen) -> bool:
    """Nothing is refused for it, but a CA by the strict rules."""
    if seen.recipe.is_ca:
        usual = seen.instead(key_usage="digitalSignature, keyCertSign")
        return all(seen.old(role) == usual.old(role) for role in (SERVER, CLIENT, CA))
    usual = seen.instead(key_usage="digitalSignature")
    return all(seen.codes(role) == usual.codes(role) for role in (SERVER, CLIENT))


def a_ca(seen: Seen) -> bool:
    """By the older rules it may present its certificate like others; what it signs never counts."""
    like_others = seen.old(SERVER) == seen.instead(is_ca=False).old(SERVER)
    wants_usage = seen.recipe.key_usage != "none" or seen.strict(SERVER) == 92
    return like_others and wants_usage and seen.refused(CA)


def no_authority_id(seen: Seen) -> bool:
    usual = seen.instead(authority_id=True)
    unnoticed = all(seen.old(role) == usual.old(role) for role in (SERVER, CLIENT))
    return unnoticed and None not in {seen.strict(SERVER), seen.strict(CLIENT)}


#: What the sentence about a choice claims of every recipe that has this choice.
CLAIMS: dict[Choice, Callable[[Seen], bool]] = {
    ("purpose", "both"): both_purposes,
    ("purpose", "none"): lambda seen: 26 not in seen.codes(SERVER),
    ("key_usage", "keyEncipherment"): key_encipherment,
    ("key_usage", "digitalSignature, keyCertSign"): cert_sign,
    ("key_usage", "none"): no_key_usage,
    ("names", "another host"): lambda seen: (
        seen.refused(SERVER) and seen.codes(CLIENT) == seen.instead(names="localhost").codes(CLIENT)
    ),
    ("names", "none"): lambda seen: (
        seen.codes(SERVER) == seen.instead(names="localhost").codes(SERVER)
    ),
    ("dates", "expired"): lambda seen: seen.refused(SERVER, CLIENT),
    ("dates", "not yet valid"): lambda seen: seen.refused(SERVER, CLIENT),
    ("is_ca", True): a_ca,
    ("authority_id", False): no_authority_id,
}


@pytest.mark.parametrize("choice", CLAIMS, ids=str)
def test_what_is_said_about_a_choice_is_true_whatever_else_is_chosen(
    see: See, choice: Choice
) -> None:
    part, value = choice
    told = [see(recipe) for recipe in RECIPES if getattr(recipe, part) == value]
    assert len(told) >= 12
    assert [str(seen.recipe) for seen in told if not CLAIMS[choice](seen)] == []


def test_every_sentence_is_held() -> None:
    notice = read_facts("workbench")["notice"]
    said = {(part, choice) for part, notes in notice.items() for choice in notes}
    held = {
        (part, str(value).lower() if part in {"is_ca", "authority_id"} else value)
        for part, value in CLAIMS
    }
    assert said == held


# --- The page


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_the_page_is_about_this_certificate(see: See, recipe: Recipe) -> None:
    """No file of another situation, no guess, and one explanation for each refused verdict."""
    verdict = see(recipe).verdict
    page = notes(recipe) + reasons_of(verdict)
    for foreign in ("device/", "backend/", "ca.crt", "load_", "One of these"):
        assert foreign not in page
    refused = {(trial.role, trial.failure) for trial in verdict.trials if trial.failure}
    summaries = re.findall("<summary>Refused (.*?): (.*?)</summary>", page)
    assert sum(len(roles.split(" and ")) for roles, _ in summaries) == len(refused)
    assert page.count("<dt>Why</dt>") == page.count("<dt>What to do</dt>") == len(summaries)
