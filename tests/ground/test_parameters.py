"""Every rule: what it lets in, what it keeps out, and how it says so."""

from __future__ import annotations

import ast
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.errors import UsageError
from foveal.parameters import (
    FLAG,
    NOTHING,
    Choice,
    Either,
    Kind,
    Real,
    Rule,
    Whole,
    check,
    choice,
    did_you_mean,
    one_of,
)
from foveal.parameters import optional as maybe

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("value", [1, 7, np.int64(3), np.uint8(1), 10**30])
def test_whole_accepts(value: object) -> None:
    assert Whole().accepts(value)


@pytest.mark.parametrize(
    "value",
    [0, -1, 1.0, 2.5, True, False, np.bool_(True), np.float64(3), NAN, "3", None, [3], np.array(3)],
)
def test_whole_refuses(value: object) -> None:
    assert not Whole().accepts(value)


def test_whole_starts_where_told() -> None:
    assert Whole(0).accepts(0) and not Whole(0).accepts(-1)
    assert Whole(5).accepts(5) and not Whole(5).accepts(4)
    assert Whole(5).sentence() == "a whole number of at least 5"


@pytest.mark.parametrize("value", [0, 0.0, 1, 0.5, Fraction(1, 3), np.float32(0.25), np.int8(1)])
def test_real_accepts(value: object) -> None:
    assert Real(0, 1).accepts(value)


@pytest.mark.parametrize(
    "value",
    [-1e-9, 1.001, NAN, INF, -INF, True, False, np.bool_(False), np.nan, "0.5", None, 0.5j]
    + [Decimal("0.5"), np.array(0.5), pytest.param(10**400, id="googol")],
)
def test_real_refuses(value: object) -> None:
    assert not Real(0, 1).accepts(value)


def test_real_without_an_end_refuses_infinity_and_what_no_float_can_hold() -> None:
    assert Real(0).accepts(1e308)
    assert not Real(0).accepts(INF)
    assert not Real(0).accepts(NAN)
    assert not Real(0).accepts(10**400)


@given(
    st.floats(-3, 3), st.booleans(), st.booleans(), st.sampled_from([(0, 1), (-1, 1), (-2.5, 0.5)])
)
def test_real_is_its_interval(
    value: float, above: bool, below: bool, ends: tuple[float, float]
) -> None:
    least, most = ends
    inside = (least < value if above else least <= value) and (
        value < most if below else value <= most
    )
    assert Real(least, most, above=above, below=below).accepts(value) == inside


@pytest.mark.parametrize(
    ("rule", "end", "inside"),
    [
        (Real(0, 1), 0, True),
        (Real(0, 1), 1, True),
        (Real(0, 1, above=True), 0, False),
        (Real(0, 1, below=True), 1, False),
    ],
)
def test_real_at_its_ends(rule: Real, end: float, inside: bool) -> None:
    assert rule.accepts(end) is inside


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Real(0), "a number of at least 0"),
        (Real(0, above=True), "a number above 0"),
        (Real(0, 1), "a number of at least 0 and at most 1"),
        (Real(0, 1, below=True), "a number of at least 0 and below 1"),
        (choice({"a": 1, "b": 2}), "one of 'a', 'b'"),
        (maybe(Whole()), "None, or a whole number of at least 1"),
        (FLAG, "True or False"),
    ],
)
def test_sentences(rule: Real, said: str) -> None:
    assert rule.sentence() == said


@pytest.mark.parametrize(
    "rule",
    [
        Whole(),
        Whole(5),
        Real(0),
        Real(0.25, 1, below=True),
        Real(0, above=True),
        Real(0, 1, above=True),
        Real(2, 2.5, above=True, below=True),
        Choice(("auto", "cpu")),
        NOTHING,
        maybe(Whole()),
        Either((Whole(3), choice(["auto"]))),
    ],
)
def test_the_example_is_within_the_rule(rule: Rule) -> None:
    assert rule.accepts(ast.literal_eval(rule.example()))


def test_the_example_of_a_kind_says_what_to_give() -> None:
    assert Kind((str,), "a text").example() == "a text"


def test_choice() -> None:
    rule = Choice(("auto", "cpu"))
    assert rule.accepts("auto")
    for value in ("gpu", "AUTO", "", None, 1, ["auto"], ("auto", "cpu"), "auto "):
        assert not rule.accepts(value)


def test_kind_flag_and_nothing() -> None:
    assert Kind((str,), "text").accepts("a") and not Kind((str,), "text").accepts(1)
    assert FLAG.accepts(True) and FLAG.accepts(False)
    assert not FLAG.accepts(1) and not FLAG.accepts(None) and not FLAG.accepts("True")
    assert NOTHING.accepts(None) and not NOTHING.accepts(0) and not NOTHING.accepts(False)


def test_either_and_optional() -> None:
    rule = Either((Whole(1), choice(["auto"])))
    assert rule.accepts(3) and rule.accepts("auto")
    assert not rule.accepts(0) and not rule.accepts("3") and not rule.accepts(None)
    assert maybe(rule).accepts(None) and maybe(rule).accepts(3) and not maybe(rule).accepts(0)


RULES = {"epochs": Whole(), "share": Real(0, 1, below=True), "device": Choice(("auto", "cpu"))}
GOOD = {"epochs": 3, "share": 0.2, "device": "cpu"}


def test_check_lets_good_values_through() -> None:
    check(GOOD, RULES)


@pytest.mark.parametrize(
    ("name", "value", "needed", "remedy"),
    [
        ("epochs", True, "a whole number of at least 1, got True", "1 for `epochs`"),
        ("epochs", 2.0, r"a whole number of at least 1, got 2\.0", "1 for `epochs`"),
        ("share", NAN, "a number of at least 0 and below 1, got nan", "0 for `share`"),
        ("share", 1, "a number of at least 0 and below 1, got 1", "0 for `share`"),
        ("device", "gpu", "one of 'auto', 'cpu', got 'gpu'", "'auto' for `device`"),
    ],
)
def test_check_names_parameter_rule_and_value(
    name: str, value: object, needed: str, remedy: str
) -> None:
    with pytest.raises(UsageError, match=f"^{name}: needed {needed}") as caught:
        check({**GOOD, name: value}, RULES)
    assert caught.value.what == name
    assert caught.value.remedy == f"for instance, choose {remedy}"


def test_a_percentage_is_written_as_a_share() -> None:
    for rule in (RULES["share"], maybe(RULES["share"])):
        with pytest.raises(UsageError) as caught:
            check({"share": 20}, {"share": rule})
        assert caught.value.remedy == "for 20 %, choose 0.2 for `share`"
    with pytest.raises(UsageError, match="For instance, choose 0"):
        check({"share": 200}, {"share": RULES["share"]})


def test_check_names_the_first_of_several() -> None:
    with pytest.raises(UsageError, match="^epochs: "):
        check({"epochs": 0, "share": 7, "device": None}, RULES)


@pytest.mark.parametrize(
    ("value", "meant"),
    [("adam", "'adamw'"), ("AdamW", "'adamw'"), ("one-cicle", "'one-cycle'")],
)
def test_near_words_are_asked_for(value: str, meant: str) -> None:
    rule = maybe(Choice(("sgd", "adamw", "one-cycle")))
    with pytest.raises(UsageError, match=rf"Did you mean {meant}\?"):
        check({"way": value}, {"way": rule})
    with pytest.raises(UsageError, match=rf"way: needed one of .* Did you mean {meant}\?"):
        one_of("way", value, rule.known())
    assert did_you_mean(value, rule.known()) == f"did you mean {meant}?"


@pytest.mark.parametrize("value", ["lion", "", 3, None, ["adamw"]])
def test_nothing_is_made_up_where_no_word_is_near(value: object) -> None:
    assert did_you_mean(value, ("sgd", "adamw")) == ""
    with pytest.raises(UsageError, match="Choose one of them"):
        one_of("way", value, ("sgd", "adamw"))


def test_one_of_returns_the_word() -> None:
    assert one_of("way", "sgd", ("sgd", "adamw")) == "sgd"


def test_what_none_stands_for_is_left_out() -> None:
    with pytest.raises(UsageError, match=r"Leave `epochs` out, or choose 1\.$"):
        check({"epochs": -1}, {"epochs": maybe(Real(0, above=True))})
