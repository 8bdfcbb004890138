"""The ontologies that come along, and what is refused in one's own."""

import colorsys
from pathlib import Path

import pytest

from annotation.ontology import Ontology, OntologyError, built_in, load

# Checked against the Cell Ontology: nothing here may be changed from memory.
CELL_ONTOLOGY = {
    "blast": "", "pmo": "CL:0000836", "myc": "CL:0002193", "mmc": "CL:0002192", "band": "CL:0000560",
    "seg": "CL:0011114", "eos": "CL:0000771", "baso": "CL:0000767", "mast": "CL:0000097", "promono": "CL:0000559",
    "mono": "CL:0000576", "lym": "CL:0000542", "plasma": "CL:0000786", "proery": "CL:0000547",
    "basery": "CL:0000549", "polyery": "CL:0000550", "orthoery": "CL:0000552", "ery": "CL:0000765",
    "mega": "CL:0000556", "macro": "CL:0000235", "other": "", "smudge": "", "artefact": "", "unsure": "",
    "erythroid": "CL:0000764", "cell": "", "granulocytic": "", "monocytic": "",
}  # fmt: skip
NOT_COUNTED = {"mega", "macro", "other", "smudge", "artefact", "unsure"}


@pytest.fixture(params=built_in())
def ontology(request: pytest.FixtureRequest) -> Ontology:
    return load(request.param)


def test_bone_marrow_has_the_ids_of_the_cell_ontology_and_none_of_its_traps() -> None:
    classes = {entry.key: entry for entry in load("bone_marrow").classes}
    assert {key: entry.ontology_id for key, entry in classes.items()} == CELL_ONTOLOGY
    # A proerythroblast is a sibling of the erythroblasts, never one of them.
    assert classes["proery"].parent == classes["ery"].parent == "erythroid"
    assert {entry.ontology_id for entry in classes.values()}.isdisjoint(
        {"CL:0000096", "CL:0000229", "CL:0017005", "CL:0017006"}
    )


def test_bone_marrow_counts_what_the_differential_counts() -> None:
    classes = load("bone_marrow").classes
    assert {entry.key for entry in classes if not entry.counted} == NOT_COUNTED
    assert {entry.key: entry.kind for entry in classes if entry.kind != "cell"} == {
        "smudge": "artefact",
        "artefact": "artefact",
        "unsure": "unsure",
    }


def test_bone_marrow_shows_neither_pink_nor_purple() -> None:
    for entry in load("bone_marrow").classes:
        red, green, blue = (int(entry.colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        hue, _, saturation = colorsys.rgb_to_hls(red, green, blue)[0] * 360, 0, max(red, green, blue)
        assert not (250 < hue < 345 and saturation > 0.2 and entry.colour != "#FFFFFF"), entry.key


def test_every_class_is_told_apart_and_sits_one_tier_below_its_parent(ontology: Ontology) -> None:
    classes = {entry.key: entry for entry in ontology.classes}
    assert len({entry.colour for entry in ontology.classes}) == len(classes)
    assert len({entry.hotkey for entry in ontology.classes}) == len(classes)
    for entry in ontology.classes:
        assert entry.tier == (classes[entry.parent].tier + 1 if entry.parent else 0)
    order = [entry.key for entry in ontology.parents_first()]
    assert all(order.index(entry.parent) < order.index(entry.key) for entry in ontology.classes if entry.parent)


ONE = '[[class]]\nkey = "a"\nname = "A"\ncolour = "#000000"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "cannot be read as TOML"),
        ('name = "Empty"', "has no classes"),
        ('[[class]]\nkey = "a"\nname = "A"', "class 1 (a): Object missing required field `colour`"),
        (ONE + "tier = 7", "class 1 (a): Invalid enum value 7"),
        (ONE + "color = 1", "class 1 (a): does not know color"),
        (ONE.replace("#000000", "black"), "the colour 'black' is not like #D55E00"),
        (ONE.replace('"a"', '"A b"'), "a key is made of lower case"),
        (ONE + 'ontology_id = "0000836"', "looks like CL:0000836"),
        (ONE + ONE, "two classes have the key 'a'"),
        (ONE + 'hotkey = "x"\n' + ONE.replace('"a"', '"b"') + 'hotkey = "x"', "two classes have the hotkey 'x'"),
        (ONE + 'hotkey = "x"\n' + ONE.replace('"a"', '"b"') + 'hotkey = "x1"', "begins with that of a"),
        (ONE + ONE.replace('"a"', '"b"'), "class b: 'A' already means a"),
        (ONE + 'parent = "z"', "class a: there is no class 'z'"),
        (
            ONE + 'parent = "b"\n' + ONE.replace('"a"', '"b"').replace('"A"', '"B"') + 'parent = "a"',
            "class a: its parents run in a circle",
        ),
    ],
)
def test_a_faulty_ontology_is_refused_with_file_and_entry(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(OntologyError) as refusal:
        load(file)
    assert "mine.toml" in str(refusal.value)
    assert words in str(refusal.value)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(OntologyError, match="blood, bone_marrow"):
        load("bone_barrow")
