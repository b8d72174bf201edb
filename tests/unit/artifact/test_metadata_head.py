"""The head of METADATA, PKG-INFO and WHEEL files."""

from email import message_from_bytes
from email.policy import compat32

from hypothesis import given
from hypothesis import strategies as st

from puffin.artifact.metadata_head import field_values, head_fields, read_head, split_head, unfolded


def test_rubbish_has_no_fields():
    assert head_fields(b"") == []
    assert head_fields(b" folded\nno colon\n\xff\n") == []


def test_every_end_of_line_will_do_and_a_mark_of_byte_order():
    data = b"\xef\xbb\xbf\nName: a\rVersion: 1\r\nSummary: \xc3\xa9\n\nbody\r\nName: b"
    assert head_fields(data) == [("Name", "a"), ("Version", "1"), ("Summary", "é")]
    assert split_head(data)[1] == "body\nName: b"


def test_a_folded_value_is_no_field():
    text = b"name: a\r\nSummary: x\r\n  Requires-Dist: no\r\n  \r\n"
    text += b"REQUIRES-DIST: b\r\n  >=1\r\n\r\nRequires-Dist: c\r\n"
    assert field_values(text, ("name", "requires-dist")) == {"name": ["a"], "requires-dist": ["b >=1"]}
    assert head_fields(text, ("summary",)) == [("Summary", "x\n  Requires-Dist: no\n  ")]


def test_a_head_is_read_to_its_end_and_no_further(tmp_path):
    path = tmp_path / "METADATA"
    head = "".join(f"Requires-Dist: package-{number}>=1\r\n" for number in range(4000))
    path.write_bytes(f"{head}\r\n{'body' * 100_000}".encode())
    data = read_head(str(path))
    assert len(field_values(data, ("requires-dist",))["requires-dist"]) == 4000
    assert len(data) < len(head) + 70_000
    assert read_head(str(tmp_path)) == b""


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Name", "Summary", "X-Y", "requires-dist"]),
            st.lists(st.text(alphabet="ab: ;é", max_size=6), min_size=1, max_size=3),
        ),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(["\n", "\r\n"]),
)
def test_fields_are_those_that_the_standard_library_finds(fields, newline):
    lines = [f"{name}: " + f"{newline}  ".join(parts) for name, parts in fields]
    data = (newline.join(lines) + newline + newline + "Name: body").encode()
    message = message_from_bytes(data, policy=compat32)
    expected = [
        (name, unfolded(str(value).encode("ascii", "surrogateescape").decode()).strip())
        for name, value in message.raw_items()
    ]
    assert [(name, unfolded(value).strip()) for name, value in head_fields(data)] == expected
