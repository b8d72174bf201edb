import pickle

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from puffin.errors import Cause
from puffin.stages.fetch import failures
from puffin.stages.fetch.retry import Transient, delay, is_transient, persist, retry_after


def test_delays_double_and_are_capped():
    assert [delay(attempt) for attempt in range(4)] == [0.1, 0.2, 0.4, 0.8]
    assert delay(1000) == 10.0
    assert delay(0, 3.0) == 3.0
    assert delay(0, 3600.0) == 10.0


@pytest.mark.parametrize(
    ("status", "worth"), [(408, True), (429, True), (500, True), (503, True), (404, False)]
)
def test_which_statuses_are_worth_another_attempt(status, worth):
    assert is_transient(status) is worth


def test_retry_after_is_seconds_or_a_date():
    assert retry_after("7", 0.0) == 7.0
    assert retry_after("Thu, 01 Jan 1970 00:00:10 GMT", 4.0) == 6.0
    assert retry_after("Thu, 01 Jan 1970 00:00:10 GMT", 40.0) == 0.0


@given(st.text())
@example("0\x1f")  # `str.strip` takes this for white space, `float` does not
def test_any_other_retry_after_is_no_wish(text):
    assert retry_after(text, 0.0) >= 0.0


class Script:
    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.slept = []

    def __call__(self):
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def run(self, retries):
        return persist(self, url="https://u:secret@host/x", retries=retries, sleep=self.slept.append)


def test_it_persists_until_it_works():
    script = Script(Transient("a"), Transient("b", after=2.0), "done")
    assert script.run(3) == "done"
    assert script.slept == [0.1, 2.0]


def test_after_the_last_attempt_the_cause_is_told_and_the_url_masked():
    script = Script(*[Transient(f"no {n} https://u:secret@host", status=503) for n in range(3)])
    with pytest.raises(failures.NetworkFailed) as raised:
        script.run(2)
    assert raised.value.summary() == "Failed to fetch `https://****@host/x` after 3 attempts"
    assert raised.value.causes[0].summary() == "no 2 https://****@host"
    assert (raised.value.status, raised.value.exit_code) == (503, 75)
    assert script.slept == [0.1, 0.2]


def test_other_errors_pass_at_once():
    script = Script(KeyError("x"))
    with pytest.raises(KeyError):
        script.run(5)
    assert script.slept == []


ERRORS = [
    failures.NetworkFailed(url="u", attempts=1, status=503, causes=(Cause(text="c"),)),
    failures.RequestRefused(url="u", status=410, reason="Gone"),
    failures.AccessDenied(url="u", status=403, reason=""),
    failures.CertificateRefused(url="u"),
    failures.OfflineError(url="u"),
    failures.FileFailed(url="u"),
    failures.SizeMismatch(filename="f", url="u", expected=1, received=2),
    failures.HashMismatch(filename="f", url="u", expected=("sha256:a",), computed=("sha256:b",), hints=("h",)),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_survive_pickling_and_name_the_url(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert again.__dict__ == error.__dict__ or str(again) == str(error)
    assert "`u`" in again.summary()
    assert again.stage == "fetch"
