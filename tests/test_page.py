"""What every page is made of: JSON that cannot end its element, packed columns."""

import json
from pathlib import Path

import numpy as np
import pytest
from page_reading import assert_page_rules, unpack

import metric_face.pages.page
from metric_face.pages.page import as_json, pack, pack_ids, render

PAGES = Path(metric_face.pages.page.__file__).parent


def test_json_in_a_page_cannot_end_its_element_and_reads_back():
    value = {"a": "</script><!-- <script> & ' \" \u2028"}
    text = as_json(value)
    assert not set("<>&") & set(text)
    assert json.loads(text) == value


def test_not_a_number_is_refused_in_json():
    with pytest.raises(ValueError, match="JSON compliant"):
        as_json([float("nan")])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "float32"])
def test_columns_are_little_endian(dtype):
    values = np.array([0, 1, 200], dtype)
    np.testing.assert_array_equal(unpack(pack(values)), values)
    np.testing.assert_array_equal(unpack(pack(values.astype(values.dtype.newbyteorder(">")))), values)


@pytest.mark.parametrize(("most", "kind"), [(255, "u8"), (256, "u16"), (65536, "u32")])
def test_ids_are_as_narrow_as_they_fit(most, kind):
    packed = pack_ids(np.array([0, most]), most)
    assert packed["type"] == kind
    assert unpack(packed).tolist() == [0, most]


def test_a_page_of_another_template_keeps_the_rules(tmp_path):
    (tmp_path / "own.html.j2").write_text(
        '{% extends "base.html.j2" %}{% block content %}<p>{{ said }}</p>{% endblock %}'
    )
    page = assert_page_rules(
        render("own.html.j2", title="a & <b>", folders=[tmp_path], said="<script>x</script>")
    )
    assert "<script>x</script>" in page.text
    assert page.block["version"] == 1


def test_the_script_cannot_end_its_own_element():
    script = "".join(path.read_text(encoding="utf-8") for path in PAGES.glob("*.js"))
    assert "</script" not in script
    assert "<!--" not in script
