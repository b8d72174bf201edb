"""The names of stages and phases for users: one vocabulary for the terminal, tables and the profile page.

It imports nothing: the terminal display loads it within a signal handler.
"""

# of the run record: what is done, what is being done; and the latter before the name of a package
_WORDS = {
    "start python": ("start Python", "starting Python"),
    "start puffin": ("start puffin", "starting puffin"),
    "find interpreter": ("find the interpreter", "finding the Python interpreter"),
    "read requirements": ("read requirements", "reading requirements"),
    "resolve": ("resolve dependencies", "resolving dependencies"),
    "gather files": ("collect the files of each version", "collecting the files of each version"),
    "write output": ("write the output", "writing the output"),
    "open environment": ("read the environment", "reading the environment"),
    "compare": ("compare with the installed packages", "comparing with the installed packages"),
    "locate": ("find files on the index", "finding files on the index"),
    "choose": ("choose files", "choosing files"),
    "plan": ("plan the work", "planning the work"),
    "start executor": ("start worker processes", "starting worker processes"),
    "stop executor": ("stop worker processes", "stopping worker processes"),
    "make environments": ("create environments", "creating environments"),
    "git": ("fetch repositories", "fetching repositories", "fetching the repository of"),
    "fetch": ("download", "downloading"),
    "environment": ("set up build environments", "setting up build environments", "setting up the build of"),
    "build": ("build", "building"),
    "unzip": ("unpack", "unpacking"),
    "compile": ("compile bytecode", "compiling bytecode", "compiling"),
    "link": ("install files", "installing files", "installing"),
    "commit": ("switch to the new files", "switching to the new files"),
    "close environment": ("check the environment", "checking the environment"),
    "remember": ("remember the chosen files", "remembering the chosen files"),
    "connect": ("connect to the cluster", "connecting to the cluster"),
    "send files": ("send files to the cluster", "sending files to the cluster"),
    "ask machines": ("ask the machines", "asking the machines"),
    "ask the remote cache": ("ask the remote cache", "asking the remote cache"),
    "upload": ("upload to the remote cache", "uploading to the remote cache", ""),
    "verify": ("read the installed files", "reading the installed files", ""),
    "work": ("work on a cluster", "working on a cluster"),
    "": ("waiting", "waiting"),
}


def stage_word(name: str) -> str:
    """Return a stage or phase in words of users; those of records and traces are shorter."""
    return _WORDS[name][0] if name in _WORDS else name


def stage_doing(name: str) -> str:
    """Return a stage or phase that goes on, as the beginning of a line: ``Resolving dependencies``."""
    text = _WORDS[name][1] if name in _WORDS else name
    return text[:1].upper() + text[1:]


def package_doing(name: str) -> str:
    """Return a stage that goes on, to be followed by a package: ``setting up the build of``; ``""`` for none."""
    return _WORDS.get(name, ("",))[-1]
