import pickle
import shlex

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from puffin.errors import PuffinError
from puffin.stages.resolve.requirements.file import InvalidRequirementLine, read_requirements
from puffin.stages.resolve.requirements.lines import logical_lines
from tests.helpers.requirements import fake_read, parse


def refused(text, environ=None, **more):
    with pytest.raises(InvalidRequirementLine) as caught:
        parse(text, environ, **more)
    return caught.value


@pytest.mark.parametrize(
    ("text", "place", "problem", "hint"),
    [
        ("a==1,,b", "1:6", "`,b` cannot stand here", ""),
        ("a=1", "1:2", "`=` is not a version operator", "write `a==1`"),
        ("a = 1.0", "1:3", "`=` is not a version operator", "write `a==1.0`"),
        ("x\n  a[b]=>1,<2", "2:7", "`=>` is not a version operator", "write `a[b]>=1,<2`"),
        ("a=<1", "1:2", "`=<`", "write `a<=1`"),
        ("a~1", "1:2", "`~`", "write `a~=1`"),
        ("a^1", "1:2", "`^`", "write `a~=1`"),
        ("a==", "1:4", "A version is expected after `==`", ""),
        ("a==1,<", "1:7", "A version is expected after `<`", ""),
        ("a b", "1:3", "`b` cannot stand here", ""),
        ("==1", "1:1", "The name of a package is expected", ""),
        ("a[b", "1:2", "`]`", ""),
        ("a ; foo == '1'", "1:5", "marker variable", ""),
        ("a ;", "1:4", "marker variable", ""),
        ("a ; 'x' == 'y'", "1:1", 'compares two values, and no variable: `"x" == "y"`', ""),
        ("./a ; os_name == 'x' or 'a' in 'b'", "1:7", "compares two values", ""),
        ("a @ ", "1:4", "URL is expected", ""),
        ("a>=1.*", "1:2", ".* suffix", ""),
        ("./a ; foo", "1:7", "marker variable", ""),
        ("./a[x,,y]", "1:5", "before and after each comma", ""),
        ("--indx-url x", "1:1", "`--indx-url` is unknown", "did you mean `--index-url`?"),
        ("--requirem x", "1:1", "`--requirem` is unknown", "did you mean `--requirement`?"),
        ("--frobnicate", "1:1", "`--frobnicate` is unknown", ""),
        ("-x y", "1:1", "`-x` is unknown", ""),
        ("a==1 --hsh=x", "1:6", "`--hsh` is unknown", "did you mean `--hash`?"),
        ("a==1 --global-option=x", "1:6", "no longer supported", "--config-settings"),
        ("a==1 --pre", "1:6", "`--pre` cannot follow a requirement", "line of its own"),
        ("-e . -e .", "1:6", "`--editable` cannot follow", "line of its own"),
        ("--pre=1", "1:1", "takes no value", ""),
        ("-r", "1:3", "`-r` needs a value", ""),
        ("--find-links=", "1:14", "needs a value", ""),
        ("--pre foo", "1:7", "`foo` does not belong to an option", "line of its own"),
        ("-r 'x", "1:4", "not finished", ""),
        ("--hash=sha256:00", "1:1", "belongs to a requirement", "without a comment"),
        ("a==1 \\\n  --hash=md4:00", "2:10", "`md4` is unknown", ""),
        ("a==1 \\\n\\\n --hash sha256:00 \\\n", "3:9", "64 hexadecimal digits, but this one has 2", ""),
        ("a==1 --hash=sha256:zz", "1:13", "not hexadecimal", ""),
        ("a==1 --hash=00", "1:13", "algorithm:digest", ""),
        ("https://h.example/a-1.zip#sha256=00", "1:1", "64 hexadecimal digits", ""),
        ("a==1 -C x", "1:9", "KEY=VALUE", ""),
        ("-e . --hash=sha256:" + "a" * 64, "1:6", "cannot have a hash", ""),
        ("--no-binary a,,b", "1:13", "names of packages", ""),
        ("-e name==1", "1:4", "`-e` needs a path or the URL of a repository", "./name"),
        ("-e name", "1:4", "`-e` needs a path or the URL of a repository", "./name"),
        ("-e 'my dir'", "1:4", "neither a directory", ""),
        ("-e https://h.example/a-1-py3-none-any.whl", "1:4", "Remote archives cannot be editable", "-e"),
        ("-e ./a-1-py3-none-any.whl", "1:4", "Archives cannot be editable", "-e"),
        ("requirements-dev.txt", "1:1", "looks like a requirements file", "`-r requirements-dev.txt`"),
        ("x/base.in", "1:1", "looks like a requirements file", "`-r x/base.in`"),
        ("https://github.com/o/r", "1:1", "needs `git+`", "`git+https://github.com/o/r`"),
        ("r @ https://h.example/o/r.git", "1:5", "needs `git+`", "`git+https://h.example/o/r.git`"),
        ("git@github.com:o/r.git", "1:1", "as a URL", "`git+ssh://git@github.com/o/r.git`"),
        ("git+git@github.com:o/r.git", "1:1", "as a URL", "`git+ssh://git@github.com/o/r.git`"),
        (
            "r @ git+ssh://git@h.example:o/r.git",
            "1:5",
            "`o` is not a port",
            "`git+ssh://git@h.example/o/r.git`",
        ),
        ("hg+https://h.example/r", "1:1", "it is a Mercurial repository, and only git", ""),
        ("git://h.example/o/r", "1:1", "scheme `git`", "`git+git://h.example/o/r`"),
        ("https://h.example/a", "1:1", "accepted are `.whl`, `.tar.gz`", ""),
        ("https:///a.whl", "1:1", "has no host", ""),
        ("http://[/a.whl", "1:1", "not a valid URL", ""),
        ("https://h.example/a b.zip", "1:1", "blanks", "%20"),
        ("https://h.example/a-1.whl", "1:1", "valid file name of a wheel", ""),
        ("a @ ./b-1-py3-none-any.whl", "1:5", "a distribution of `b`, not of `a`", ""),
        ("a-1-py3-none-any.whl", "1:1", "there is no such file", ""),
        ("git+https://h.example/r#egg=-", "1:1", "not the name of a package", ""),
        ("name: env\nchannels:\n  - x\ndependencies:\n  - python=3.9", "1:5", "conda", "pip:"),
        ("[build-system]\nrequires = []", "1:1", "TOML", "puffin pip compile"),
        ("[project]\nname = 'x'", "1:1", "TOML", "puffin pip compile"),
        ("<!DOCTYPE html>\n<html>", "1:", "web page", "raw file"),
        ("# coding: nonsense\na==1", "1:1", "`nonsense`", "utf-8"),
    ],
)
def test_what_is_wrong_is_explained_in_place(text, place, problem, hint):
    error = refused(text)
    assert str(error).startswith(f"Couldn't parse requirement in `reqs.txt` at {place}")
    assert problem in error.problem
    assert hint.lower() in " ".join(error.hints).lower()
    assert bool(hint) == bool(error.hints)
    assert error.exit_code == 2
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_marker_that_is_nested_too_deeply_is_refused_too():
    assert str(refused("a ; " + "(" * 5000)).startswith("Couldn't parse requirement in `reqs.txt` at 1:")


def test_the_caret_stands_under_the_column():
    assert str(refused("ok==1\n\ta==1 \\\n\t  --hash=md4:12 # x")).split("\n") == [
        "Couldn't parse requirement in `reqs.txt` at 3:11",
        "The hash algorithm `md4` is unknown; there are `md5`, `sha1`, `sha224`, `sha256`, `sha384`, "
        "`sha512`, `blake2b`.",
        "  \t  --hash=md4:12 # x",
        "  \t         ^",
    ]


def test_a_place_after_a_variable_is_that_in_the_file():
    error = refused("${LONG}==1 --hash=x", {"LONG": "abcdefghijklmnop"})
    assert (error.column, error.excerpt) == (19, "${LONG}==1 --hash=x")
    assert refused("a==1 --hash=${X}", {"X": "sha256:" + "z" * 64}).column == 13


def test_secrets_are_in_no_part_of_an_error():
    error = refused("https://u:hunter22@h.example/a ; x", {})
    assert "hunter22" not in str(error)
    assert error.excerpt == "https://****@h.example/a ; x"
    error = refused("https://u:hunter22@h.example/a-1.zip ; x")
    assert error.excerpt[error.column - 1] == "x"
    error = refused("https://h.example/${T}", {"T": "hunter22"})
    assert "hunter22" not in f"{error} {error.hints}"
    assert "`https://h.example/${T}`" in error.problem


def test_control_characters_do_not_reach_the_terminal():
    error = refused("a \x1b[31mb")
    assert "\x1b" not in str(error)
    assert error.column == 3


def test_long_lines_are_cut_around_the_place():
    error = refused("a==1" + " " * 500 + "b" + " " * 500 + "c")
    _, _, excerpt, caret = str(error).split("\n")
    assert len(excerpt) < 110
    assert excerpt[caret.index("^")] == "b"


def test_constraints_that_cannot_be():
    assert "cannot be editable" in refused("", constraints="-e .").problem
    assert "needs the name" in refused("", constraints="./x").problem


def test_undecodable_bytes_name_their_line():
    error = refused(b"a==1\nb==\xff")
    assert (error.line, error.problem) == (2, "Byte 8 of the file is not valid utf-8.")


@pytest.mark.parametrize("name", ["pyproject.toml", "sub/setup.py", "a-1-py3-none-any.whl"])
def test_files_of_other_kinds_are_told_by_their_names(name):
    with pytest.raises(InvalidRequirementLine) as caught:
        read_requirements([name], read=fake_read({name: b"\xff"}), environ={})
    assert name in caught.value.problem
    assert "not a requirements file" in caught.value.problem
    assert caught.value.hints


WORDS = (
    "a==1 -r x.txt -e --hash=sha256: # ${A} ' ; @ [ ] ( https:// file: git+ ./ python_version == #egg= extra"
)
PIECES = st.sampled_from(
    [
        *WORDS.split(),
        *['"', "\\\n", "\n", ",", "-C", ".whl", "-", "-e", ".zip", "dependencies:", "--no-binary"],
        " ",
        "\ud800",
        "\0",
        "\x0c",
        "a-1-py3-none-any",
    ]
)


def outcome(data, environ=None):
    try:
        parse(data, environ)
    except PuffinError as error:
        return str(error)
    return "read"


@given(st.lists(PIECES | st.text(max_size=4), max_size=14).map("".join))
@example("--editable=\\")
@example("file://host/x")
@example("a @ file:")
@example("-r file://host/x")
@example("a==" + "9" * 5000)
@example("http://a\u2100b/x.zip")
def test_no_text_raises_anything_but_puffin_errors(text):
    assert outcome(text.encode("utf-8", "surrogatepass"), {"A": "x ; y\n'\ud800"})


@given(st.binary(max_size=60), st.sampled_from([b"", b"\xff\xfe", b"\xff\xfe\0\0", b"# coding: utf-7\n"]))
def test_no_bytes_raise_anything_but_puffin_errors(data, head):
    assert outcome(head + data)


@given(st.text("ab '\"\\\t-=", max_size=20))
def test_words_are_those_of_a_shell(text):
    lines = logical_lines(text, "r", {})
    if not lines or "\n" in text:
        return
    (line,) = lines
    try:
        expected = shlex.split(line.text)
    except ValueError:
        with pytest.raises(InvalidRequirementLine):
            list(line.words())
        return
    assert [word.value for word in line.words()] == expected


@given(st.text("a \\\n#b${V}", max_size=40))
def test_every_place_is_in_the_file_and_holds_the_character(text):
    for line in logical_lines(text, "r", {"V": "value"}):
        for offset, character in enumerate(line.text):
            number, column = line.place(offset)
            found = line.source[number - 1][column - 1 :]
            assert found.startswith((character, "${V}")) or character == " "
