"""Compile: sources of requirements are resolved, and the pins written.

An interpreter that has to be asked is asked before all that can be done without its answer, imports included.
"""

from puffin import depends
from puffin.cache.usage import shared
from puffin.errors import UsageError
from puffin.pipeline.graph.record import phase
from puffin.pipeline.request.settings import CompileSettings
from puffin.pipeline.request.where import target_interpreter
from puffin.stages.link.interpreter.interpreter import meanwhile
from puffin.stages.resolve.output.target import PYLOCK, choose_format, write_output
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.request.settings import Settings
    from puffin.pipeline.resolve.early import Early
    from puffin.stages.link.interpreter.interpreter import Interpreter
    from puffin.stages.resolve.locate.platforms import ResolutionTarget
    from puffin.stages.resolve.output.values import Listed
    from puffin.stages.resolve.projects.sources import Sources

DEFAULT_SOURCES = ("requirements.in", "pyproject.toml", "setup.cfg", "setup.py")


def compile_sources(settings: CompileSettings, session: "Session") -> str:
    """Resolve the sources, write the output file if there is one, and return the text of the output.

    Raises :class:`UsageError` and the errors of reading, resolving and writing; then the output file is as it was.
    """
    run = _with_default(settings.run)
    settings = replace(settings, run=run)
    files = (*run.files, *run.constraint, *run.override)
    form = choose_format(settings.output_file, settings.output_format, files)
    command = _Command(settings, session, locked=form == PYLOCK)
    with shared(session.cache), command:
        with phase("find interpreter"), meanwhile(command.begin):
            interpreter = target_interpreter(run.where.python, session)
        return command.run(interpreter)


def _with_default(run: "Settings") -> "Settings":
    """Return *run*, with the first of the files that pip-tools would take where none is named."""
    if run.files or run.group:
        return run
    found = next((name for name in DEFAULT_SOURCES if depends.is_file(name)), "")
    if not found:
        text = "No source of requirements was given, and this directory has none"
        raise UsageError(text=text, hints=("name one, as in `puffin pip compile requirements.in`",))
    return replace(run, files=(found,))


class _Command:
    """The steps of a compilation, each of which imports what it takes; leaving the ``with`` block ends the children."""

    def __init__(self, settings: CompileSettings, session: "Session", *, locked: bool) -> None:
        self._settings = settings
        self._session = session
        self._locked = locked
        self._early: Early | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        if self._early is not None:
            self._early.close()

    @property
    def early(self) -> "Early":
        """What needs no interpreter."""
        if self._early is None:
            from puffin.pipeline.resolve.early import Early

            self._early = Early(self._settings, self._session)
        return self._early

    def begin(self) -> None:
        """Do the work that needs no interpreter."""
        self.early.begin()

    def run(self, interpreter: "Interpreter") -> str:
        """Resolve, write the output file if there is one, and return the text of the output."""
        from puffin.pipeline.resolve.run import Compilation
        from puffin.stages.resolve.locate.platforms import target_for

        settings = self._settings
        with phase("read requirements"):
            self.early.finish()
        where = settings.run.where
        target = target_for(
            interpreter, python_version=where.python_version, python_platform=where.python_platform
        )
        _warn(self.early.sources, target, self._session)
        compilation = Compilation(settings, self.early, target, interpreter, self._locked, self._session)
        packages = compilation.run()
        with phase("write output"):
            text = self._text(packages, target)
            if not (settings.output_file and write_output(settings.output_file, text.encode())):
                depends.settled()
        return text

    def _text(self, packages: "tuple[Listed, ...]", target: "ResolutionTarget") -> str:
        from puffin.pipeline.resolve.output import lock_text, requirements_text

        if self._locked:
            return lock_text(packages, self._settings, target)
        return requirements_text(packages, self._settings, self.early.sources, self.early.setup.config, target)


def _warn(sources: "Sources", target: "ResolutionTarget", session: "Session") -> None:
    from puffin.stages.resolve.projects.sources import check_python

    for warning in (*sources.requirements.warnings, *check_python(sources, target.python_version)):
        session.reporter.warn(warning)
    if not sources.requirements.entries:
        session.reporter.warn("The sources contain no requirements")
