"""The key of what workers are started in."""

from types import SimpleNamespace

from puffin.pipeline.provision.order import PlaceWanted, RequirementsAsked
from puffin.pipeline.provision.plugin import Request, key_of
from puffin.pipeline.request.settings import Settings
from puffin.stages.link.commit.installplan import WantedDistribution
from puffin.value import replace

ASKED = RequirementsAsked(
    place=PlaceWanted(path="env"), settings=Settings(files=(), cache_dir=""), main="/a", files=()
)
REQUEST = Request(version="1", asked=ASKED, restart=True, id="first")


def holding(*versions):
    return SimpleNamespace(wanted=tuple([WantedDistribution(name="lib", version=each) for each in versions]))


def test_registrations_with_the_same_contents_have_one_key():
    key = key_of(REQUEST, holding("1", "2"))
    assert key == key_of(replace(REQUEST, id="second"), holding("2", "1"))
    assert key != key_of(REQUEST, holding("1", "3"))
    assert key != key_of(replace(REQUEST, restart=False), holding("1", "2"))
