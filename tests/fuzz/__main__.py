"""Coverage-guided fuzzing of the parsers of what comes from outside, with atheris (``pip install atheris``).

    python -m tests.fuzz wheel --seconds 300

What runs otherwise than all before goes to ``tests/fuzz/corpus/wheel``; what a target does not take well is written
to the working directory (``crash-…``), and belongs there as well, with a repair. ``test_corpus`` runs the corpus.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--largest", type=int, default=4096, help="bytes of an input")
    asked = parser.parse_args()
    import atheris

    with atheris.instrument_imports(include=["puffin"]):
        from tests.fuzz import targets
    from tests.fuzz.seeds import seeds

    corpus = CORPUS / asked.target
    corpus.mkdir(parents=True, exist_ok=True)
    room = Path(tempfile.mkdtemp(prefix="fuzz-"))
    for number, data in enumerate(seeds(asked.target)):
        (room / str(number)).write_bytes(data)
    os.environ.setdefault("PUFFIN_MAX_UNPACKED_BYTES", str(1 << 20))
    limits = (
        f"-max_total_time={asked.seconds}",
        f"-max_len={asked.largest}",
        "-rss_limit_mb=512",
        "-timeout=10",
    )
    words = [sys.argv[0], *limits, str(corpus), str(room)]
    atheris.Setup(words, lambda data: targets.run(asked.target, data) and None)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
