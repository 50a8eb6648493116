"""The texts of the pages: the same keys and blanks in every language, and every text that is asked for."""

import re
import string
from pathlib import Path

import pytest

import metric_face.pages.languages
from metric_face.errors import ArgumentError
from metric_face.pages.languages import LANGUAGES, page_texts, page_words

PAGES = Path(metric_face.pages.languages.__file__).parent
NAMES = sorted(path.stem for path in (PAGES / "texts" / "en").iterdir())


def _leaves(value, path=()):
    if isinstance(value, str):
        yield path, value
        return
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _leaves(item, (*path, key))


def _words(text):
    return re.findall("[A-Za-z]{2,}", re.sub(r"\{.*?\}", "", text))


def _blanks(text):
    return {(name, spec) for _, name, spec, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("name", NAMES)
def test_every_language_has_the_same_texts_with_the_same_blanks(name):
    english = dict(_leaves(page_texts(name, "en")))
    assert english
    for lang in LANGUAGES:
        other = dict(_leaves(page_texts(name, lang)))
        assert other.keys() == english.keys()
        for key, text in english.items():
            assert _blanks(text) == _blanks(other[key]), key
            assert bool(text) == bool(other[key]), key


def test_every_language_has_the_same_files_and_they_say_something_else():
    assert "ko" in LANGUAGES
    for lang in LANGUAGES:
        assert sorted(path.stem for path in (PAGES / "texts" / lang).iterdir()) == NAMES
    for name in NAMES:
        sentences = [k for k, v in _leaves(page_texts(name, "en")) if len(_words(v)) > 4]
        korean = dict(_leaves(page_texts(name, "ko")))
        assert [k for k in sentences if not re.search("[가-힣]", korean[k])] == []


def test_every_text_that_a_script_asks_for_is_there():
    script = "".join(path.read_text(encoding="utf-8") for path in PAGES.glob("*.js"))
    asked = set(re.findall(r"words\.(\w+)", script)) | set(re.findall(r'say\(words, "(\w+)"', script))
    assert asked
    assert asked <= page_words("en").keys()


def _own_words(template):
    """The texts that a template or script says by itself, instead of asking for them."""
    if template.suffix == ".js":
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", template.read_text(encoding="utf-8"), flags=re.DOTALL)
        literals = re.findall(r'"([^"\n]*)"|`([^`]*)`', code)
        return [text for pair in literals for text in pair if re.search(r"[A-Za-z]{3,} [a-z]{2,}", text)]
    text = template.read_text(encoding="utf-8")
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}", "", text, flags=re.DOTALL)
    text = re.sub(r'(class|id)="(\{\{.*?\}\}|[^"{])*"', "", text)  # names for the style, not for readers
    said = [
        text
        for text in re.findall(r'"([^"]*)"', " ".join(re.findall(r"\{\{.*?\}\}", text)))
        if "%" not in text
    ]
    said += re.findall(r'(?:aria-label|title|alt|placeholder)="([^"{]*)"', text)
    said.append(re.sub(r"<[^>]*>", " ", re.sub(r"\{\{.*?\}\}", "", text)))
    return [word for one in said for word in re.findall("[A-Za-z]{2,}[^<>]*", one)]


def test_no_text_stands_in_a_template_or_a_script():
    found = {}
    for file in sorted([*PAGES.glob("*.j2"), *PAGES.glob("*.js")]):
        if words := _own_words(file):
            found[file.name] = words
    assert found == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.j2", "<p>Hello</p>"),
        ("a.j2", '<p title="Hello you">{{ words.x }}</p>'),
        ("a.j2", '<p class="{{ "a" if x }}">{{ "cannot be read" if x }}</p>'),
        ("a.js", 'box.textContent = "Choose one of them";'),
        ("a.js", "box.textContent = `${n} more images`;"),
    ],
)
def test_a_text_in_a_template_is_found(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert _own_words(tmp_path / name)


def test_an_unknown_language_is_refused():
    with pytest.raises(ArgumentError, match="lang must be one of en, ko, found 'fr'; choose one of these"):
        page_words("fr")
