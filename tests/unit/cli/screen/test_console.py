"""Links in the terminal."""

import io

import pytest

from puffin.cli.screen.console import Console


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "color", "said"),
    [
        (
            Terminal,
            "always",
            "Dashboard at \x1b]8;;http://127.0.0.1:1/status\x1b\\http://127.0.0.1:1/status\x1b]8;;\x1b\\\n",
        ),
        (Terminal, "never", "Dashboard at http://127.0.0.1:1/status\n"),
        (io.StringIO, "always", "Dashboard at http://127.0.0.1:1/status\n"),
    ],
)
def test_an_address_is_a_link_where_the_terminal_can_show_one(monkeypatch, stream, color, said):
    out = stream()
    monkeypatch.setattr("sys.stderr", out)
    Console(color=color, no_progress=True).phase("Dashboard at http://127.0.0.1:1/status", -1, -1)
    assert out.getvalue() == said
