"""Compile: sources of requirements are resolved, and the pins written.

An interpreter that has to be asked is asked before all that can be done without its answer, imports included.
"""

from puffin import depends
from puffin.cache.usage import shared
from puffin.errors import UsageError
from puffin.pipeline.graph.record import phase
from puffin.pipeline.request.scheduler import warn_if_silent
from puffin.pipeline.request.settings import CompileSettings
from puffin.pipeline.request.where import target_interpreter
from puffin.stages.link.interpreter.interpreter import meanwhile
from puffin.stages.resolve.output.target import PYLOCK, choose_format
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.request.settings import Settings
    from puffin.pipeline.resolve.compilation import Compilation

DEFAULT_SOURCES = ("requirements.in", "pyproject.toml", "setup.cfg", "setup.py")


def compile_sources(settings: CompileSettings, session: "Session") -> str:
    """Resolve the sources, write the output file if there is one, and return the text of the output.

    Raises :class:`UsageError` and the errors of reading, resolving and writing; then the output file is as it was.
    """
    run = _with_default(settings.run)
    settings = replace(settings, run=run)
    files = (*run.files, *run.constraint, *run.override)
    form = choose_format(settings.output_file, settings.output_format, files)
    compilation: Compilation | None = None

    def begun() -> "Compilation":
        nonlocal compilation
        from puffin.pipeline.resolve.compilation import Compilation

        compilation = compilation or Compilation(settings, session, locked=form == PYLOCK)
        return compilation

    with shared(session.cache):
        try:
            with phase("find interpreter"), meanwhile(lambda: begun().begin()):
                interpreter = target_interpreter(run.where.python, session)
            text = begun().run(interpreter)
            warn_if_silent(run.remote, session.reporter.warn)
            if run.remote_cache is not None:
                from puffin.pipeline.builds.first_answer import say_silent

                say_silent(run.remote_cache, session)
            return text
        finally:
            if compilation is not None:
                compilation.close()


def _with_default(run: "Settings") -> "Settings":
    """Return *run*, with the first of the files that pip-tools would take where none is named."""
    if run.files or run.group:
        return run
    found = next((name for name in DEFAULT_SOURCES if depends.is_file(name)), "")
    if not found:
        text = "No source of requirements was given, and this directory has none"
        raise UsageError(text=text, hints=("for example: `puffin pip compile requirements.in`",))
    return replace(run, files=(found,))
