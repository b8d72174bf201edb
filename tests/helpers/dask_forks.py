"""A process that has dask imported, and becomes a scheduler or a worker for each request; part of ``dask_farm``."""

import importlib
import json
import os
import runpy
import sys
import tempfile


def _serve():
    """Answer each request with the number of the process that does it. Its number is taken as long as this lives."""
    import distributed.cli.dask_scheduler
    import distributed.cli.dask_worker  # noqa: F401 - for the children

    assert "puffin" not in sys.modules, "a worker imports it, or cannot"
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _become(*json.loads(line))
        os.setpgid(child, child)  # what it starts ends with it
        print(child, flush=True)


def _become(words, environ, root):
    """Be the process of *words*, in this child."""
    log = os.open(f"{root}/log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for number, opened in enumerate((os.open(os.devnull, os.O_RDONLY), log, log)):
        os.dup2(opened, number)
    os.chdir(f"{root}/here")
    os.environ.clear()
    os.environ.update(environ)
    tempfile.tempdir = None
    sys.path.insert(0, f"{root}/site")
    sys.argv = words[1:]
    try:
        runpy.run_path(f"{root}/site/sitecustomize.py")
        importlib.import_module(words[1]).main()
    finally:
        sys.stdout.flush()
        os._exit(1)


if __name__ == "__main__":
    _serve()
