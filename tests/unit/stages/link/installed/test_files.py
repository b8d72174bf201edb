"""Whose files are whose: of few distributions more is read, and nothing is overlooked."""

import os
import tempfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puffin.stages.link.commit.installplan import Present
from puffin.stages.link.environment.environment import environment_of
from puffin.stages.link.installed.files import StayingFiles, distribution_files
from puffin.stages.link.interpreter.interpreter import within
from puffin.stages.unzip.record import listed_paths, read_record
from tests.helpers.pythons import made_up

PARTS = st.sampled_from(["ns", "pkg", "..", ".", "", "bin", "site-packages", "../../..", ".hidden", "a b"])
PATHS = st.builds(
    lambda parts, name: "/".join([*parts, name]),
    st.lists(PARTS, max_size=3),
    st.sampled_from(["m.py", "n.py", 'q"', "x,y", "tool", "ns/"]),
)
RECORDS = st.builds(
    lambda paths, own, end: ("\n".join([*[_field(each) for each in paths], *own]) + "\n").replace("\n", end),
    st.lists(PATHS, max_size=5),
    st.sampled_from([["{info}/RECORD,,"], ["{info}/RECORD"], []]),
    st.sampled_from(["\n", "\r\n"]),
)


def _field(path):
    return (
        '"' + path.replace('"', '""') + '",sha256=x,1' if '"' in path or "," in path else f"{path},sha256=x,1"
    )


def environment_at(root):
    os.makedirs(f"{root}/lib/python3.12/site-packages")
    return environment_of(within(made_up("/opt/python"), root, f"{root}/bin/python"))


def put(environment, name, record):
    info = f"{name}-1.dist-info"
    os.makedirs(f"{environment.purelib}/{info}")
    if record is not None:
        with open(f"{environment.purelib}/{info}/RECORD", "w", encoding="utf-8", newline="") as file:
            file.write(record.replace("{info}", info))
    return Present(name=name, version="1", entry=info)


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(st.none(), RECORDS), min_size=1, max_size=3), PATHS, PATHS)
def test_whoever_lists_a_path_is_found_however_it_is_spelled(records, first, second):
    with tempfile.TemporaryDirectory() as root:
        environment = environment_at(os.path.realpath(root))
        staying = [put(environment, f"d{number}", record) for number, record in enumerate(records)]
        files = {each.name: distribution_files(environment, each.entry, each.kind) for each in staying}
        known = StayingFiles(environment, staying, {})
        asked = [os.path.normpath(f"{environment.purelib}/{each}") for each in (first, second)]
        asked += [path for own in files.values() for path in own[:1]]
        for paths in (asked, *[[path] for path in asked], *[[path] for path in asked]):
            found = known.sharing(paths)
            assert all(found[name] == files[name] for name in found)
            for path in paths:
                assert {name for name in found if path in found[name]} == {
                    name for name in files if path in files[name]
                }


@settings(max_examples=100, deadline=None, derandomize=True)
@given(RECORDS)
def test_paths_are_those_of_the_rows(record):
    with tempfile.TemporaryDirectory() as root:
        with open(f"{root}/RECORD", "w", encoding="utf-8", newline="") as file:
            file.write(record)
        assert listed_paths(f"{root}/RECORD") == [row[0] for row in read_record(f"{root}/RECORD") if row[0]]


@pytest.mark.parametrize(
    ("tops", "path", "found"),
    [
        (["pkg"], "pkg/m.py", True),
        (["pkg/m.py"], "pkg/m.py", True),
        (["pkg", "../../../bin/tool"], "../../../bin/tool", True),
        (["pk"], "pkg/m.py", False),
        (["pkg/m"], "pkg/m.py", False),
        (["../../../bin/too"], "../../../bin/tool", False),
    ],
)
def test_a_complete_one_has_nothing_but_what_is_beneath_its_tops(tmp_path, tops, path, found):
    environment = environment_at(str(tmp_path))
    one = put(environment, "one", "pkg/m.py,,\n../../../bin/tool,,\n{info}/RECORD,,\n")
    known = StayingFiles(environment, [one], {one.entry: tops})
    assert set(known.sharing([os.path.normpath(f"{environment.purelib}/{path}")])) == (
        {"one"} if found else set()
    )


def test_a_list_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
    environment = environment_at(str(tmp_path))
    one = put(environment, "one", None)
    os.symlink("RECORD", f"{environment.purelib}/{one.entry}/RECORD")
    with pytest.raises(OSError, match="symbolic links"):
        StayingFiles(environment, [one], {}).sharing([f"{environment.purelib}/m.py"])
