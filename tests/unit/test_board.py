"""The board of work at hand: rows of threads and of forked children."""

import threading

import pytest

from puffin.board import Board


def test_threads_that_enter_at_once_have_a_row_each(monkeypatch):
    board = Board()
    entered = board._enter

    def slow():
        monkeypatch.setattr(board, "_enter", lambda: pytest.fail("a second thread entered too"))
        second.start()
        second.join(0.05)  # it waits, or it has got a row that is taken away now
        entered()

    places = []
    second = threading.Thread(target=lambda: places.append(board.begin("fetch", "b")))
    monkeypatch.setattr(board, "_enter", slow)
    places.append(board.begin("fetch", "a"))
    second.join()
    for place in places:
        board.move(place, 5, 10)
    assert sorted((row.name, row.arrived) for row in board.rows()) == [("a", 5), ("b", 5)]


def test_a_row_of_the_parent_is_not_moved_by_a_child():
    board = Board()
    board.move(12345, 1, 2)  # of no row that this process has
    assert board.counts()[1] == 0
