import pytest
from hypothesis import given
from hypothesis import strategies as st

from puffin.cache.frame import dump
from puffin.stages.unzip import manifest as m
from puffin.value import replace

SAMPLE = m.Manifest(
    name="foo-bar",
    raw_name="Foo.Bar",
    version="1.0",
    dist_info="Foo_Bar-1.0.dist-info",
    filename="Foo_Bar-1.0-py3-none-any.whl",
    boot_id="b007",
    purelib=True,
    tops=(("Foo_Bar-1.0.dist-info", True), ("foo", True), ("foo.py", False)),
    files=3,
    bytes=30,
    entry_points=(("foo", "foo.cli", "main", False),),
    scripts=("run",),
    outside=(("scripts", "", ("run",), (5,), (77,), ("sha256=x",)),),
    has_pyc=False,
    healed=0,
    wheel_bytes=99,
    tree=(("", ("foo.py",), (10,), (1,)), ("foo", ("a.py",), (20,), (2,))),
    executables=("foo/a.py",),
)


def test_a_manifest_survives_the_disk(tmp_path):
    path = tmp_path / "m"
    path.write_bytes(m.encode_manifest(SAMPLE))
    assert m.read_manifest(str(path)) == SAMPLE
    header, names = m.read_names(str(path))
    assert header == m.read_header(str(path))
    assert names == tuple(row[:2] for row in SAMPLE.tree)


def test_the_header_has_its_fields_where_the_constants_say(tmp_path):
    path = tmp_path / "m"
    path.write_bytes(m.encode_manifest(SAMPLE))
    header = m.read_header(str(path))
    for name in m.Manifest.__match_args__[:-2]:
        assert header[getattr(m, name.upper())] == getattr(SAMPLE, name), name


def test_a_manifest_of_a_former_version_tells_of_no_modes(tmp_path):
    path = tmp_path / "m"
    path.write_bytes(m.encode_manifest(SAMPLE)[: -len(dump(SAMPLE.executables))])
    assert m.read_manifest(str(path)) == replace(SAMPLE, executables=None)
    assert m.read_for_link(str(path)) == (*m.read_names(str(path)), None)


def test_a_header_without_the_size_of_the_wheel_is_read(tmp_path):
    path = tmp_path / "m"
    rest = m.encode_manifest(SAMPLE)[len(dump(m._header(m.encode_manifest(SAMPLE))[0])) :]
    path.write_bytes(dump(m._header(m.encode_manifest(SAMPLE))[0][:-1]) + rest)
    assert m.read_manifest(str(path)) == replace(SAMPLE, wheel_bytes=0)
    assert m.read_header(str(path))[m.WHEEL_BYTES] == 0


def test_a_header_longer_than_the_first_read(tmp_path):
    path = tmp_path / "m"
    long = replace(SAMPLE, scripts=tuple(f"script-number-{i}" for i in range(5000)))
    path.write_bytes(m.encode_manifest(long))
    assert m.read_header(str(path))[m.SCRIPTS] == long.scripts
    assert m.read_manifest(str(path)) == long


def test_a_missing_file_is_a_miss(tmp_path):
    assert m.read_header(str(tmp_path / "none")) is None
    assert m.read_manifest(str(tmp_path / "none")) is None
    assert m.read_names(str(tmp_path / "none")) is None
    assert m.read_manifest(str(tmp_path)) is None


def test_another_format_is_a_miss(tmp_path):
    path = tmp_path / "m"
    for header in ((m.CURRENT_FORMAT + 1, *range(16)), (m.CURRENT_FORMAT,), (), {"format": 1}, None):
        path.write_bytes(dump(header) + dump(()) + dump(()))
        assert m.read_header(str(path)) is None
        assert m.read_manifest(str(path)) is None


WHOLE = m.encode_manifest(SAMPLE)


@given(at=st.integers(0, len(WHOLE) - 1), bit=st.integers(0, 7))
def test_any_damage_is_a_miss(tmp_path_factory, at, bit):
    path = tmp_path_factory.getbasetemp() / "damaged"
    damaged = bytearray(WHOLE)
    damaged[at] ^= 1 << bit
    path.write_bytes(damaged)
    assert m.read_manifest(str(path)) is None
    assert m.read_header(str(path)) in (None, m._header(WHOLE)[0])


@pytest.mark.parametrize("length", [0, 1, 12, 20, len(WHOLE) // 2, len(WHOLE) - 1])
def test_a_truncated_file_is_a_miss(tmp_path, length):
    path = tmp_path / "m"
    path.write_bytes(WHOLE[:length])
    assert m.read_manifest(str(path)) is None


def test_bytes_behind_it_are_a_miss(tmp_path):
    path = tmp_path / "m"
    for more in (b"x", dump((1, 2))):
        path.write_bytes(WHOLE + more)
        assert m.read_manifest(str(path)) is None
        assert m.read_for_link(str(path)) is None
        assert m.read_names(str(path)) is None
