"""nox makes the environment, puffin fills it: ``puffin`` must be on PATH."""

import nox


@nox.session(venv_backend="venv")
def tests(session: nox.Session) -> None:
    """Run in an environment that holds exactly the pins."""
    session.run(
        "puffin", "pip", "sync", "--python", session.virtualenv.location, "requirements.txt", external=True
    )
    session.run("python", "-c", "import six; print('six', six.__version__)")
