import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puffin.artifact import urls


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/simple/", "https://host/simple/"),
        ("https://user:secret@host/simple/", "https://****@host/simple/"),
        ("https://user:password@host/x", "https://user:password@host/x"),
        ("https://user:password1@host/", "https://****@host/"),
        ("https://token@host:8080/", "https://****@host:8080/"),
        ("https://user:p@ss@host/", "https://****@host/"),
        ("https://user:pa/ss@host/x", "https://****@host/x"),
        ("https://user:pa?ss@host", "https://****@host"),
        ("https://host/repo@v1.0", "https://host/repo@v1.0"),
        ("https://[::1]:80/a@b", "https://[::1]:80/a@b"),
        ("git+ssh://git@host/repo@main", "git+ssh://git@host/repo@main"),
        ("git+ssh://git:secret@host/repo", "git+ssh://****@host/repo"),
        ("git+https://git@host/repo", "git+https://****@host/repo"),
        ("https://host/f?X-Amz-Signature=abc&v=1#x", "https://host/f?X-Amz-Signature=****&v=1#x"),
        ("https://host/f?access_token=abc", "https://host/f?access_token=****"),
        ("plain text", "plain text"),
    ],
)
def test_mask(url, shown):
    assert urls.mask(url) == shown


def test_mask_text_masks_every_url_and_nothing_else():
    text = 'see `https://u:p@a/x` and "http://t@b/y", mail me@c, https://d/e?token=f'
    assert (
        urls.mask_text(text)
        == 'see `https://****@a/x` and "http://****@b/y", mail me@c, https://d/e?token=****'
    )


_SECRET = st.text(st.sampled_from("abcXYZ019:/?#@%&=!$'()*+,;"), min_size=1, max_size=12)


@given(_SECRET, st.sampled_from(["", " ", "\n", '"', "`"]))
def test_no_secret_survives_masking(secret, around):
    url = f"https://user:S3CRET{secret}@host/file"
    assert "S3CRET" not in urls.mask(url)
    assert "S3CRET" not in urls.mask_text(f"a {around}{url}{around} b")


@given(st.text(max_size=60))
def test_masking_twice_changes_nothing(text):
    once = urls.mask_text(text)
    assert urls.mask_text(once) == once


def test_credentials_are_split_off_and_decoded():
    assert urls.split_credentials("https://us%40er:p%3Aw@host/x") == ("https://host/x", "us@er", "p:w")
    assert urls.split_credentials("https://token@host/x") == ("https://host/x", "token", "")
    assert urls.split_credentials("https://host/a@b") == ("https://host/a@b", "", "")
    assert urls.strip_credentials("https://u:p@host/x") == "https://host/x"
    assert urls.strip_credentials("ssh://git@host/x") == "ssh://git@host/x"


def test_secrets_are_not_written():
    assert urls.strip_secrets("https://u:p@host/x?a=1&sig=S#f") == "https://host/x?a=1#f"
    assert urls.strip_secrets("https://host/x?token=T") == "https://host/x"
    assert urls.strip_secrets("https://host/x?") == "https://host/x?"
    assert urls.strip_secrets("is it?") == "is it?"


@pytest.mark.parametrize(
    ("url", "result"),
    [
        ("https://host/files/a.whl", "https://u:p@host/files/a.whl"),
        ("https://HOST/files/a.whl", "https://u:p@HOST/files/a.whl"),
        ("https://other/files/a.whl", "https://other/files/a.whl"),
        ("http://host/files/a.whl", "http://host/files/a.whl"),
        ("https://host:8443/a.whl", "https://host:8443/a.whl"),
        ("https://own@host/a.whl", "https://own@host/a.whl"),
        ("/relative", "/relative"),
    ],
)
def test_credentials_are_inherited_by_the_same_origin_only(url, result):
    assert urls.inherit_credentials(url, "https://u:p@host/simple/") == result


def test_digest_is_stable_and_short():
    assert urls.digest("https://host/simple") == urls.digest("https://host/simple")
    assert len(urls.digest("x")) == 16
    assert urls.digest("x") != urls.digest("y")
    import hashlib

    assert urls.digest("ü") == hashlib.blake2b("ü".encode(), digest_size=8).hexdigest()


@pytest.mark.skipif(os.name == "nt", reason="POSIX paths")
@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///a/b.whl", "/a/b.whl"),
        ("FILE:///a/b.whl", "/a/b.whl"),
        ("file:/a/b.whl", "/a/b.whl"),
        ("file://localhost/a%20b%23.whl#sha256=00", "/a b#.whl"),
        ("file:///a?x=1", "/a"),
        ("file:///%ff", "/\udcff"),
    ],
)
def test_file_path(url, path):
    assert urls.file_path(url) == path


@pytest.mark.parametrize("url", ["https://host/a", "file://elsewhere/a"])
@pytest.mark.skipif(os.name == "nt", reason="Windows reads UNC paths")
def test_file_path_refuses_what_is_not_on_this_machine(url):
    with pytest.raises(ValueError, match="file"):
        urls.file_path(url)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_file_urls_and_paths_are_inverse(path):
    url = urls.file_url(path)
    assert urls.file_path(url) == os.path.abspath(path)
    assert url.isascii()
    assert "#" not in url
    assert "?" not in url
