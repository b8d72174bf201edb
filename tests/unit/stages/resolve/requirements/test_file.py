import codecs
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from puffin.artifact.urls import file_url
from puffin.stages.resolve.requirements.file import (
    RequirementsFileNotFound,
    RequirementsFileUnreadable,
    read_file,
    read_requirements,
)
from tests.helpers.requirements import fake_read, parse

SHA = "sha256:" + "a" * 64
SHB = "sha256:" + "b" * 64
SH5 = "sha512:" + "c" * 128


def only(text, **more):
    (entry,) = parse(text, **more).entries
    return entry


def read(files, *paths, constraints=(), environ=None):
    return read_requirements(paths, read=fake_read(files), environ=environ or {}, constraints=constraints)


@pytest.mark.parametrize("text", ["a>=1,", "a (>=1,)", "a >=1 , ; python_version > '3'"])
def test_a_comma_may_follow_the_last_version(text):
    assert only(text).specifier == ">=1"


def test_a_requirement_has_all_its_parts():
    entry = only('Foo.Bar[B,a] >=1, ==1.2 ; python_version > "3"  # why')
    assert (entry.name, entry.extras) == ("foo-bar", ("a", "b"))
    assert SpecifierSet(entry.specifier) == SpecifierSet(">=1,==1.2")
    assert entry.marker == 'python_version > "3"'
    assert entry.text == 'Foo.Bar[B,a] >=1, ==1.2 ; python_version > "3"'
    assert (entry.file, entry.line, entry.constraint, entry.editable) == ("reqs.txt", 1, False, False)


def test_hashes_over_continuations():
    text = f"# head\na==1 \\\n    --hash={SHA} \\\n    --hash {SHB.upper().replace('SHA', 'sha')} \\\n\nb==2\n"
    a, b = parse(text).entries
    assert a.hashes == (SHA, SHB)
    assert (a.line, b.line, b.hashes) == (2, 6, ())
    assert a.text == "a==1"


def test_line_numbers_are_those_of_the_file():
    entries = parse("\n# c\na==1\n\\\nb==1\n  \n c==1").entries
    assert [entry.line for entry in entries] == [3, 5, 7]


def test_a_comment_needs_a_blank_before_it():
    assert only("https://example.org/a-1-py3-none-any.whl#subdirectory=x # why").url.endswith("#subdirectory=x")


def test_a_comment_line_ends_a_continuation():
    assert [entry.name for entry in parse("a==1 \\\n# no more\nb==2").entries] == ["a", "b"]


def test_a_comment_that_goes_on_swallows_the_next_line_with_a_warning():
    requirements = parse("a==1 # x \\\nb==2\nc==3")
    assert [entry.name for entry in requirements.entries] == ["a", "c"]
    assert requirements.warnings == (
        "The comment above line 2 of `reqs.txt` ends in a backslash, so that line is a comment too.",
    )


def test_a_file_may_end_in_a_continuation():
    assert only("a==1 \\").name == "a"


def test_variables_are_expanded_where_set_and_upper_case():
    entries = parse("${A_1}==${V}\n", {"A_1": "abc", "V": "2"}).entries
    assert (entries[0].name, entries[0].specifier, entries[0].text) == ("abc", "==2", "${A_1}==${V}")
    requirements = parse("-f ${lower}\n-f ${UNSET}\n-f $A\n-f ${EMPTY}", {"lower": "x", "A": "y", "EMPTY": ""})
    assert requirements.find_links == ("${lower}", "${UNSET}", "$A", "${EMPTY}")


def test_a_variable_is_not_expanded_twice():
    assert parse("-f ${A}", {"A": "${B}", "B": "no"}).find_links == ("${B}",)


def test_a_secret_variable_is_in_the_url_but_not_in_the_text():
    entry = only("a @ https://u:${TOKEN}@example.org/a-1-py3-none-any.whl", environ={"TOKEN": "hunter22"})
    assert entry.url == "https://u:hunter22@example.org/a-1-py3-none-any.whl"
    assert "hunter22" not in entry.text
    assert only("https://u:secret@example.org/a-1-py3-none-any.whl").text.count("secret") == 0


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_byte_order_marks(mark, encoding):
    assert [entry.name for entry in parse(mark + "a==1 # ä\r\nb==2".encode(encoding)).entries] == ["a", "b"]


def test_a_coding_line_names_the_encoding():
    text = "# -*- coding: latin-1 -*-\n-f wh\xe4\n".encode("latin-1")
    assert parse(text).find_links == ("wh\xe4",)
    assert parse("#!x\n# vim: set coding=cp1252 :\n-f \u20ac".encode("cp1252")).find_links == ("\u20ac",)


def test_global_options():
    requirements = parse(
        "-i https://one.example/simple\n--extra-index-url=https://two.example/simple "
        "--extra-index-url https://three.example\n--no-index\n--require-hashes\n--prefer-binary\n--pre\n"
        "--trusted-host one.example\n--trusted-host=two.example:80\n-f https://links.example\n"
    )
    assert requirements.index_url == "https://one.example/simple"
    assert requirements.extra_index_urls == ("https://two.example/simple", "https://three.example")
    assert requirements.no_index
    assert requirements.require_hashes
    assert requirements.pre
    assert requirements.trusted_hosts == ("one.example", "two.example:80")
    assert requirements.find_links == ("https://links.example",)
    assert (requirements.entries, requirements.warnings) == ((), ())


@pytest.mark.parametrize("option", ["-i", "--index-url", "--pypi-url", "-i ", "--index-url=", "-i="])
def test_spellings_of_the_index(option):
    glue = "" if option[-1] in " =" else " "
    assert parse(f"{option}{glue}https://x.example").index_url == "https://x.example"


def test_the_last_index_wins_with_a_warning_that_hides_passwords():
    requirements = parse("-i https://u:secret@a.example\n-i https://b.example")
    assert requirements.index_url == "https://b.example"
    (warning,) = requirements.warnings
    assert "replaces `https://****@a.example`" in warning


def test_the_formats_of_a_package_follow_the_last_word():
    text = "--no-binary :all:\n--only-binary A.b,c\n--no-binary=c\n--only-binary :none:\n--only-binary d"
    requirements = parse(text)
    assert requirements.no_binary == (":all:", "c")
    assert requirements.only_binary == ("d",)
    assert parse("--no-binary a\n--only-binary :all:").no_binary == ()


def test_an_ignored_feature_is_a_warning():
    assert parse("--use-feature=fast-deps").warnings == (
        "`--use-feature fast-deps` in `reqs.txt` at 1 has no effect.",
    )


def test_find_links_beside_the_file():
    files = {"sub/r.txt": "-f wheels\n-f other"}
    there = os.path.abspath("sub/wheels")
    requirements = read_requirements(
        ["sub/r.txt"], read=fake_read(files), environ={}, exists=lambda path: path == there
    )
    assert requirements.find_links == ("sub/wheels", "other")


def test_included_files_are_relative_to_the_file_that_includes_them():
    files = {"a/r.txt": "-r ../b/s.txt\nx==1\n-cc.txt", "b/s.txt": "y==1\n-r 'd e.txt'", "b/d e.txt": "z==1"}
    requirements = read({**files, "a/c.txt": "x<2"}, "a/r.txt")
    assert [(entry.name, entry.file, entry.line) for entry in requirements.entries] == [
        ("y", os.path.join("b", "s.txt"), 1),
        ("z", os.path.join("b", "d e.txt"), 1),
        ("x", "a/r.txt", 2),
    ]
    assert [(entry.name, entry.origin) for entry in requirements.constraints] == [
        ("x", os.path.join("a", "c.txt") + ":1")
    ]
    assert requirements.constraints[0].constraint


def test_cycles_and_diamonds_end():
    files = {
        "a.txt": "-r b.txt\n-r c.txt\nx==1",
        "b.txt": "-r d.txt\n-r a.txt",
        "c.txt": "-r d.txt",
        "d.txt": "y==1",
    }
    assert [entry.name for entry in read(files, "a.txt").entries] == ["y", "x"]


def test_what_a_constraints_file_includes_is_a_constraint():
    files = {"r.txt": "x==1", "c.txt": "-r d.txt\ny<2", "d.txt": "z<3"}
    requirements = read(files, "r.txt", constraints=["c.txt"])
    assert [entry.name for entry in requirements.entries] == ["x"]
    assert [entry.name for entry in requirements.constraints] == ["z", "y"]


def test_remote_files_include_relative_to_their_url():
    files = {"https://u:p@example.org/x/r.txt": "-r s.txt\na==1", "https://u:p@example.org/x/s.txt": "b==1"}
    requirements = read(files, "https://u:p@example.org/x/r.txt")
    assert [entry.name for entry in requirements.entries] == ["b", "a"]
    assert all("u:p" not in entry.file for entry in requirements.entries)


def test_standard_input_includes_from_the_working_directory():
    requirements = read({"-": "-r s/t.txt", "s/t.txt": "a==1"}, "-")
    assert requirements.entries[0].file == os.path.join("s", "t.txt")


def test_a_file_url_is_a_path():
    path = os.path.abspath("r s.txt")
    assert read({"r s.txt": "a==1"}, file_url(path)).entries[0].name == "a"


def test_a_long_chain_of_files_is_refused():
    files = {f"{n}.txt": f"-r {n + 1}.txt" for n in range(2000)}
    with pytest.raises(Exception, match="More than 100 files include one another"):
        read(files, "0.txt")


def test_a_missing_file_is_named_with_the_line_that_includes_it():
    with pytest.raises(RequirementsFileNotFound) as caught:
        read({}, "no.txt")
    assert (str(caught.value), caught.value.exit_code) == ("File not found: `no.txt`", 2)
    with pytest.raises(RequirementsFileNotFound) as caught:
        read({"a/r.txt": "\n-c no.txt"}, "a/r.txt")
    assert str(caught.value) == f"File not found: `{os.path.join('a', 'no.txt')}` (included at a/r.txt:2)"


def test_reading_files_for_real(tmp_path):
    (tmp_path / "r.txt").write_bytes(b"a==1")
    assert read_file(str(tmp_path / "r.txt")) == b"a==1"
    with pytest.raises(RequirementsFileNotFound):
        read_file(str(tmp_path / "s.txt"))
    with pytest.raises(RequirementsFileNotFound):
        read_file("a\0b")
    with pytest.raises(RequirementsFileUnreadable) as caught:
        read_file(str(tmp_path))
    assert caught.value.causes
    (tmp_path / "r.txt").write_bytes(b"-r .")
    with pytest.raises(RequirementsFileUnreadable) as caught:
        read_requirements([str(tmp_path / "r.txt")], read=read_file, environ={})
    assert caught.value.included == f"{tmp_path / 'r.txt'}:1"


@pytest.mark.parametrize(
    ("text", "name", "url"),
    [
        ("a @ https://h.example/A-1-py3-none-any.whl", "a", "https://h.example/A-1-py3-none-any.whl"),
        (
            "https://h.example/x/A_b-1-py3-none-any.whl?k=v",
            "a-b",
            "https://h.example/x/A_b-1-py3-none-any.whl?k=v",
        ),
        ("https://h.example/a%2D1-py3-none-any.whl", "a", "https://h.example/a%2D1-py3-none-any.whl"),
        ("https://h.example/a-1.tar.gz", "", "https://h.example/a-1.tar.gz"),
        ("https://h.example/a-1.tar.gz#egg=A_x", "a-x", "https://h.example/a-1.tar.gz"),
        ("git+https://h.example/r@v1#egg=A&subdirectory=s", "a", "git+https://h.example/r@v1#subdirectory=s"),
        ("a @ git+ssh://git@h.example/r.git", "a", "git+ssh://git@h.example/r.git"),
        ("file:///w/a-1-py3-none-any.whl", "a", "file:///w/a-1-py3-none-any.whl"),
        ("FILE:///w/a%20b.tar.gz", "", "file:///w/a%20b.tar.gz"),
        ("/w/a b/c-1-py3-none-any.whl", "c", "file:///w/a%20b/c-1-py3-none-any.whl"),
        ("/w/../v/a-1.zip", "", "file:///v/a-1.zip"),
    ],
)
def test_absolute_places(text, name, url):
    entry = only(text)
    assert (entry.name, entry.url, entry.specifier) == (name, url, "")


def test_paths_are_relative_to_the_working_directory_or_else_to_the_file():
    assert only("./a-1-py3-none-any.whl").url == file_url("a-1-py3-none-any.whl")
    assert only("dir/sub").url == file_url("dir/sub")
    files = {"s/r.txt": "./x\n./y\n"}
    there = (os.path.abspath("s/x"), os.path.abspath("s/y"), os.path.abspath("y"))
    entries = read_requirements(
        ["s/r.txt"], read=fake_read(files), environ={}, exists=lambda path: os.path.normpath(path) in there
    ).entries
    assert [entry.url for entry in entries] == [file_url("s/x"), file_url("y")]


def test_a_bare_wheel_that_exists_is_a_path():
    entry = only("a-1-py3-none-any.whl ; os_name == 'nt'", present=("a-1-py3-none-any.whl",))
    assert (entry.name, entry.url, entry.marker) == ("a", file_url("a-1-py3-none-any.whl"), 'os_name == "nt"')


def test_extras_and_markers_of_places():
    entry = only("./d[X,y] ; python_version<'4'")
    assert (entry.extras, entry.marker, entry.url) == (("x", "y"), 'python_version < "4"', file_url("d"))
    entry = only("https://h.example/a-1.zip[z] ; os_name=='nt'")
    assert (entry.extras, entry.marker, entry.url) == (("z",), 'os_name == "nt"', "https://h.example/a-1.zip")
    assert only("./d;os_name=='nt'").marker == 'os_name == "nt"'
    assert only("a[x] @ ./d ; os_name=='nt'").extras == ("x",)


def test_hashes_in_a_fragment_join_the_others():
    entry = only(f"a @ https://h.example/a-1.zip#subdirectory=s&{SHA.replace(':', '=')} --hash={SH5}")
    assert entry.hashes == (SHA, SH5)
    assert entry.url == "https://h.example/a-1.zip#subdirectory=s"


def test_editables():
    entry = only("-e . ; os_name == 'nt' --config-settings a=b -C c=d=e")
    assert (entry.editable, entry.url, entry.marker) == (True, file_url("."), 'os_name == "nt"')
    assert entry.config_settings == (("a", "b"), ("c", "d=e"))
    assert entry.text == "-e . ; os_name == 'nt'"
    assert only("--editable='./my dir'[x]").extras == ("x",)
    assert only("-e name[x]", present=("name",)).url == file_url("name")
    assert only("-e name @ ./x").name == "name"
    assert only("-e git+https://h.example/r#egg=q").name == "q"


def test_config_settings_of_a_requirement():
    assert only('a==1 -C "k=v w" --config-setting=k=2').config_settings == (("k", "v w"), ("k", "2"))


def test_extras_of_constraints_are_ignored_with_a_warning():
    requirements = parse("a==1", constraints="a[x]==1")
    assert "extras of the constraint `a[x]==1` at cons.txt:1" in requirements.warnings[0]


NAMES = st.from_regex(r"[a-z]([a-z0-9]|-[a-z]){0,6}", fullmatch=True)
HASHES = st.lists(st.sampled_from([SHA, SHB, SH5]), unique=True, max_size=3)
BLANKS = st.sampled_from(["", " ", "  ", "\t"])
NOISE = st.lists(st.sampled_from(["", "  ", "# a==1", "\t# -r x \\", "#"]), max_size=2)


@st.composite
def written(draw):
    name = draw(NAMES)
    specifier = draw(st.sampled_from(["==1.0", "==2.0rc1", ">=1", "===3", ""]))
    marker = draw(st.sampled_from(["", 'os_name == "nt"', 'python_version < "3.9"']))
    hashes = draw(HASHES)
    gap = draw(st.sampled_from([" ", " \\\n", " \\\n    "]))
    text = draw(BLANKS) + name + draw(BLANKS) + specifier + (f" ; {marker}" if marker else "")
    text += "".join(f"{gap}--hash={value}" for value in hashes) + draw(st.sampled_from(["", " # c", "  #"]))
    return (name, specifier, marker, tuple(hashes)), [*draw(NOISE), text]


@given(st.lists(written(), max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_entries_survive_comments_continuations_and_blank_lines(items, newline):
    lines = [line for _, group in items for line in group]
    requirements = parse(newline.join(lines).replace("\r\n", "\n").replace("\n", newline))
    found = [(entry.name, entry.specifier, entry.marker, entry.hashes) for entry in requirements.entries]
    assert found == [item for item, _ in items]
    physical = "\n".join(lines).split("\n")
    assert all(entry.name in physical[entry.line - 1] for entry in requirements.entries)
