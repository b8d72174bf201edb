"""The rows. One more input is one more row, in the module of its kind."""

from __future__ import annotations

from tests.equalities.table_files import PROJECTS, PYLOCKS, SEEDS, WORKSPACES
from tests.equalities.table_plain import HASHES, PINS, RANGES, SOURCES, YANKED
from tests.equalities.table_settings import CONSTRAINTS, INCLUDES, PLACED

TABLE = (
    *PINS, *RANGES, *HASHES, *SOURCES, *YANKED, *CONSTRAINTS, *PLACED, *INCLUDES, *PROJECTS, *PYLOCKS, *SEEDS,
    *WORKSPACES,
)  # fmt: skip
