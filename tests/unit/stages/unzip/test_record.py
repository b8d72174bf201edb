"""RECORD of an archive: what the wheel's says is healed where it is wrong."""

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from puffin.cache.layout import Cache
from puffin.stages.unzip import record
from puffin.stages.unzip.manifest import read_manifest
from tests.helpers.wheels import Raw, forge_wheel, record_row
from tests.unit.stages.unzip.test_unzip import RICH, put, rows_of, tree_of


@pytest.fixture
def cache(tmp_path):
    return Cache(str(tmp_path / "cache"))


def rows_for(files):
    """Return the rows that RECORD must have for the root tree among *files*, sorted."""
    root = [path for path in files if not path.startswith(".data") and not path.endswith(("/", "/RECORD"))]
    return sorted(next(csv.reader([record_row(path, files[path])])) for path in root)


@pytest.mark.parametrize(("wheel_record", "healed"), [("right", 0), ("missing", 1), ("wrong", 1)])
def test_a_wrong_record_is_healed(cache, wheel_record, healed):
    digest = put(cache, forge_wheel("foo", "1.0", record=wheel_record))
    files = tree_of(cache.archive(digest))
    text = files["foo-1.0.dist-info/RECORD"].decode()
    assert record_row("foo/__init__.py", files["foo/__init__.py"]) in text
    assert read_manifest(cache.manifest(digest)).healed == healed


@pytest.mark.parametrize(
    "wheel",
    [
        forge_wheel("foo", "1.0"),
        forge_wheel("foo", "1.0", record="missing"),
        forge_wheel("foo", "1.0", {"foo,1.py": b"1"}),
        forge_wheel("foo", "1.0", raw_members=[Raw("foo-1.0.dist-info/REQUESTED", b"")]),
        forge_wheel("foo", "1.0", {"foo.py": b"", "foo-1.0.dist-info/INSTALLER": b"pip\n"}),
        RICH,
    ],
)
def test_record_lists_the_root_tree_with_hashes_but_not_itself(cache, wheel):
    files = tree_of(cache.archive(put(cache, wheel)))
    (path,) = (each for each in files if each.endswith(".dist-info/RECORD"))
    assert sorted(rows_of(files[path])) == rows_for(files)


def test_unsafe_rows_of_record_do_not_survive(cache):
    rows = "../../../pyvenv.cfg,,\n/etc/passwd,sha256=x,1\nfoo.py,md5=x,4\nfoo-1.0.dist-info/RECORD.jws,,\n\n"
    info = "foo-1.0.dist-info"
    raw = [Raw("foo.py", b"1234"), Raw(f"{info}/RECORD.jws", b"{}"), Raw(f"{info}/RECORD", rows)]
    digest = put(cache, forge_wheel("foo", "1.0", record="absent", raw_members=raw, files={}))
    text = tree_of(cache.archive(digest))[f"{info}/RECORD"].decode()
    assert "pyvenv" not in text
    assert "passwd" not in text
    assert record_row("foo.py", b"1234") in text
    assert read_manifest(cache.manifest(digest)).healed == 5  # two about no file; foo.py, METADATA and WHEEL


def test_rows_are_quoted_where_needed():
    assert record.rows("a/", ["b", "c"], ["h", "i"], [1, 2]) == ["a/b,h,1\n", "a/c,i,2\n"]
    assert record.rows('a"/', ["b"], ["h"], [1]) == ['"a""/b",h,1\n']
    assert record.rows("", ["b,c", "d"], ["h", "i"], [1, 2]) == ['"b,c",h,1\n', "d,i,2\n"]


@given(st.text(alphabet='ab,"\n\r\v\u2028é', max_size=12))
@example("a\rb")
def test_rows_are_read_as_csv_has_them(text):
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error:
        with pytest.raises(ValueError, match=r"\w"):
            record.rows_in(text)
    else:
        assert record.rows_in(text) == [(*row, "", "")[:3] for row in rows]


@given(
    st.lists(
        st.tuples(st.text(alphabet='ab/,"\n é', min_size=1), st.text(alphabet="A-_,é=", max_size=44)),
        max_size=4,
    )
)
def test_only_well_formed_hashes_are_taken(rows):
    out = io.StringIO()
    csv.writer(out).writerows([(path, f"sha256={digest}", "1") for path, digest in rows])
    for row in record.parse_record(out.getvalue().encode()).values():
        digest, _ = record.split_row(row)
        assert not digest or (
            len(digest) == 50 and digest[7:].replace("-", "").replace("_", "").replace("A", "") == ""
        )
