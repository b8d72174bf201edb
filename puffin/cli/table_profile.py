"""The options of ``puffin profile`` and ``puffin graph``."""

from puffin.cli.table import FILES, FLAG, INDEX, PYTHON, SYNC, VALUE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.cli.table import Row

GRAPH: "tuple[Row, ...]" = (
    PYTHON,
    *INDEX,
    *FILES,
    *[row for row in SYNC if row[1] == "compile_bytecode"],
    (("--require-hashes",), "require_hashes", FLAG, "", "Demand a hash for every requirement."),
    (("--format",), "graph_format", VALUE, "dot|mermaid|json", "The form of the graph (default: dot)."),
    (("-o", "--output-file"), "output_file", VALUE, "FILE", "Write it to this file."),
)
PROFILE_SHOW: "tuple[Row, ...]" = (
    (("--last",), "last", VALUE, "N", "List the last N runs."),
    (("--json",), "json", FLAG, "", "Print JSON."),
)
PROFILE_COMPARE: "tuple[Row, ...]" = ((("--json",), "json", FLAG, "", "Print JSON."),)
