"""The script that measures the layout, on a package made for it."""

from pathlib import Path

import pytest

from tests import house as script

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def house(tmp_path):
    def make(**files):
        for name, text in files.items():
            path = tmp_path / "app" / (name.replace("__", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            if not (init := path.parent / "__init__.py").exists():
                init.write_text('"""A package."""\n')
        return script.House(tmp_path / "app")

    return make


def edges(house):
    return [(edge.source, edge.target, edge.kind) for edge in house.edges]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("import app.b", "module"),
        ("import app.b.C", None),
        ("from app import b", "module"),
        ("from app.b import C", "module"),
        ("from .b import C", "module"),
        ("from . import b", "module"),
        ("import app.b as x, os", "module"),
        ("try:\n    import app.b\nexcept ImportError: pass", "module"),
        ("class X:\n    import app.b", "module"),
        ("def f():\n    import app.b", "function"),
        ("async def f():\n    if 1:\n        from app import b", "function"),
        ("class X:\n    def f(self):\n        from app.b import C", "function"),
        ("if TYPE_CHECKING:\n    from app.b import C", "types"),
        ("if typing.TYPE_CHECKING:\n    import app.b", "types"),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import app.b", "module"),
        ("x = 'app.b:run'", "string"),
        ("f('app.b:Class.method')", "string"),
        ("x = 'app.b'", None),
        ("x = 'see app.b:run'", None),
        ("import other.b", None),
        ("import app.a", None),
    ],
)
def test_an_import_counts_wherever_it_stands(house, text, kind):
    found = edges(house(a=text, b="class C: pass"))
    assert found == ([("app.a", "app.b", kind)] if kind else [])


def test_relative_imports_start_at_the_package(house, tmp_path):
    house(x__a="from ..b import C\nfrom .c import d", x__c="d = 1", b="C = 1")
    (tmp_path / "app/x/__init__.py").write_text("from .c import d\n")
    assert edges(house()) == [
        ("app.x", "app.x.c", "module"), ("app.x.a", "app.b", "module"), ("app.x.a", "app.x.c", "module"),
    ]  # fmt: skip


def test_circles_of_every_kind_of_import(house):
    found = house(
        a="import app.b", b="def f():\n    import app.c", c="if TYPE_CHECKING:\n    import app.d",
        d="x = 'app.a:run'", e="import app.a", f="import app.g", g="import app.f",
    )  # fmt: skip
    assert found.circles() == [["app.a", "app.b", "app.c", "app.d"], ["app.f", "app.g"]]
    assert [edge.kind for edge in found.within(found.circles()[0])] == ["module", "function", "types", "string"]


def test_two_circles_that_share_a_module_are_one(house):
    found = house(a="import app.b, app.c", b="import app.a", c="import app.a")
    assert found.circles() == [["app.a", "app.b", "app.c"]]


def test_rooms_are_packages_and_top_modules(house):
    found = house(x__a="import app.y.a", y__a="import app.y.b", y__b="", x__c="", y__d="import app.x.c", top="")
    assert found.circles() == []
    assert found.room_circles() == [["app.x", "app.y"]]
    inner = [(edge.source, edge.target) for edge in found.within(found.room_circles()[0], rooms=True)]
    assert inner == [("app.x.a", "app.y.a"), ("app.y.d", "app.x.c")]


def test_a_package_within_another_is_a_room_of_its_own(house):
    found = house(x__a="import app.x.y.b", x__y__b="import app.x.c", x__c="n = 1")
    assert found.room_circles() == [["app.x", "app.x.y"]]


def test_layers(house):
    found = house(
        x__a="import app.y.a", y__a="import app.z.w.a", z__w__a="import app.z.a", z__a="n = 1", top="n = 1"
    )
    assert found.breaches(()) == []
    assert found.breaches((("z", "top"), ("y",), ("x",))) == []
    assert found.breaches((("z", "top"), ("x",), ("y",))) == ["app.x.a:1 -> app.y.a (module) goes up"]
    nested = found.breaches((("z.w",), ("z",), ("y",), ("x",)))
    assert nested == ["app.top is in no layer", "app.z.w.a:1 -> app.z.a (module) goes up"]


def test_names_defined_twice(house):
    twice = "class C: pass\nclass _D: pass\ndef f(): pass\n"
    inner = "class E:\n    class C: pass\n    def f(self): pass\ndef h():\n    def g(): pass\n"
    found = house(a=twice + "def g(): pass", b="\n" + twice, c=inner)
    assert found.twice("classes") == {"C": ["app.a:1", "app.b:2"]}
    assert found.twice("functions") == {"f": ["app.a:3", "app.b:4"]}
    assert script.listing(found, script.Rules(), "classes") == ["C: app.a:1, app.b:2"]
    assert script.listing(found, script.Rules(), "functions") == ["f: app.a:3, app.b:4"]
    assert script.listing(found, script.Rules(shared=("f",)), "functions") == []


def test_imports_inside_functions_are_listed_by_module(house):
    found = house(
        a="def f():\n    import os\n    def g():\n        import sys", b="import os\ndef f():\n    import os"
    )
    assert script.count(found, script.Rules(), "late") == 3
    assert script.listing(found, script.Rules(), "late") == ["2 app.a: 2, 4", "1 app.b: 3"]


def test_the_table(house, tmp_path, capsys):
    house(a="import app.b\n" * 60, b="import app.a\n" * 3, c="n = 1\n" * 7)
    assert script.main([str(tmp_path), "--package", "app"]) == 0
    rows = dict(line.rsplit(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert rows["modules"] == "3"
    assert rows["lines of the product"] == "70"
    assert rows["median lines of a module"] == "7"
    assert rows["max lines of a module"] == "60"
    assert rows["modules of 50 lines or fewer"] == "2"
    assert rows["import circles (in functions, for types and by string counted)"] == "1"


@pytest.mark.parametrize("config", [True, False])
def test_check_holds_limits_and_layers(house, tmp_path, capsys, config):
    twice = "class C: pass\ndef f(): pass"
    house(a=f"import app.b\n{twice}", b=f"import app.a\n{twice}", c="\n" * 20 + "n = 1\n")
    words = [str(tmp_path), "--package", "app", "--check"]
    if config:
        text = '[tool.house]\nmax-lines = 20\nshared-functions = ["f"]\nlayers = [["a"], ["b", "c"]]\n'
        text += "[tool.house.limits]\nclasses = 1\n"
        (tmp_path / "pyproject.toml").write_text(text)
    assert script.main(words) == 1
    told = capsys.readouterr().err
    assert "import circles (in functions, for types and by string counted): 1, and the limit is 0" in told
    assert "    2: app.a, app.b\n        app.a:1 -> app.b (module)" in told
    assert ("public class names defined twice or more" in told) is not config
    assert ("public functions defined twice or more" in told) is not config
    assert ("    21 app.c" in told) is config
    assert ("app.a:1 -> app.b (module) goes up" in told) is config


def test_check_finds_nothing_in_a_house_in_order(house, tmp_path, capsys):
    house(a="import app.b", b="import os")
    assert script.main([str(tmp_path), "--package", "app", "--check"]) == 0
    assert capsys.readouterr().err == ""


def test_a_limit_with_a_wrong_name_is_told(house, tmp_path, capsys):
    house(a="n = 1")
    (tmp_path / "pyproject.toml").write_text("[tool.house.limits]\ncircle = 1\n")
    assert script.main([str(tmp_path), "--package", "app", "--check"]) == 1
    assert "has `circle`, which is not checked" in capsys.readouterr().err


def test_the_product_is_within_its_limits_and_every_list_can_be_made():
    product, rules = script.House(CHECKOUT / "puffin"), script.Rules.read(CHECKOUT / "pyproject.toml")
    assert script.check(product, rules) == []
    assert len(script.listing(product, rules, "modules")) == len(product.modules)
    assert all(script.count(product, rules, kind) >= 0 for kind in script.KINDS)
