"""Functions for tasks of fake graphs, which processes of all executors can import."""

import os
import signal
import time

from puffin import meter
from puffin.errors import Cause
from tests.helpers.waiting import SECONDS


def add(number, **inputs):
    """Return the sum of a number and of all inputs."""
    return number + sum(inputs.values())


def note(number, directory, **inputs):
    """Do as :func:`add`, and leave a file that tells that, where and how often this ran."""
    path = os.path.join(directory, f"{number}-{os.getpid()}-{os.urandom(4).hex()}")
    with open(path, "w"):
        pass
    return add(number, **inputs)


def fail(text, **_inputs):
    """Fail as puffin's own code does."""
    raise Cause(text=text)


def crash(**_inputs):
    """Fail as nobody expected."""
    raise ZeroDivisionError("so to speak")


def die(**_inputs):
    """Kill the process that works on this task."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(mark, number, driver, **inputs):
    """Kill the process the first time, unless it is the *driver*; *mark* is the file that tells of it."""
    if os.getpid() == driver:
        return add(number, **inputs)
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return add(number, **inputs)
    return die()


def await_news(news, driver, number):
    """In the process *driver*, wait until there is a file *news*; elsewhere be done at once."""
    limit = time.monotonic() + SECONDS
    while os.getpid() == driver and not os.path.exists(news):
        if time.monotonic() > limit:
            raise Cause(text="there were no news")
        time.sleep(0.01)
    return number


def buffer(size, **_inputs):
    """Return a buffer, as a transient result is one."""
    return bytearray(size)


def length(data):
    """Return the length of a transient input."""
    return len(data)


def metered(**_inputs):
    """Put something of everything on the meter."""
    meter.count(taken=3, given=4)
    meter.count(taken=5)
    meter.found(meter.HIT)
    meter.logged("/log")
