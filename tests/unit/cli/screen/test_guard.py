"""Errors with many causes and hints, as people read them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from puffin.cli.screen.console import Console
from puffin.cli.screen.errors import first_causes, first_hints, render
from puffin.errors import Cause, UsageError


def failed(count, *, hint="pin another version, such as `p{}==1`"):
    causes = [Cause(text=f"p{number} is missing", hints=(hint.format(number),)) for number in range(count)]
    return UsageError(text="Failed", causes=tuple(causes))


def test_few_causes_are_told_as_they_are():
    text = render(failed(5, hint="{} is wrong"), Console())
    assert text.count("is missing") == 5
    assert text.count("hint: ") == 5
    assert "more" not in text
    assert render(failed(10, hint="one"), Console()).count("is missing") == 10


def test_of_many_the_first_are_told_and_how_many_more_there_are():
    assert render(failed(60), Console()) == "".join(
        [
            "error: Failed\n",
            *[f"  ├─▶ p{number} is missing\n" for number in range(10)],
            "  ╰─▶ and 50 more (`-v` shows all)\n\n",
            "hint: pin another version, such as `p0==1`\n",
            "      and 59 more like this (`-v` shows all)\n",
        ]
    )
    text = render(failed(60), Console(verbose=1))
    assert (text.count("is missing"), text.count("hint: "), "more" in text) == (60, 60, False)


def test_there_is_one_hint_of_each_kind():
    causes = (*failed(20).causes, Cause(text="no room", hints=("make `room`",)))
    shown, more = first_hints([hint for cause in causes for hint in cause.hints], 5)
    assert shown == ["pin another version, such as `p0==1`", "make `room`"]
    assert more == "and 19 more like these (`-v` shows all)"
    assert first_hints(list("abcdef"), 5) == (list("abcde"), "and 1 more (`-v` shows all)")


def test_a_cause_of_another_kind_comes_before_more_of_one():
    other = UsageError(text="no room", causes=(Cause(text="full"),))
    trees, left = first_causes(UsageError(text="Failed", causes=(*failed(20).causes, other)), 3)
    assert [str(cause) for cause, _ in trees] == ["p0 is missing", "p1 is missing", "no room"]
    assert ([str(cause) for cause, _ in trees[-1][1]], left) == (["full"], 18)


trees = st.recursive(
    st.builds(lambda text: Cause(text=text), st.sampled_from("abc")),
    lambda below: st.lists(below, max_size=4).map(lambda own: Cause(text="d", causes=tuple(own))),
)


def ends(trees):
    return sum(ends(below) or 1 for _, below in trees)


@settings(deadline=None)
@given(trees, st.integers(1, 6))
def test_no_more_ends_than_wanted_and_none_is_forgotten(error, most):
    everything, none = first_causes(error, 0)
    some, left = first_causes(error, most)
    assert none == 0
    assert ends(some) == min(most, ends(everything))
    assert ends(some) + left == ends(everything)
