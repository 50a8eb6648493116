"""Reads a written page back: its parts, its data block, and whether it keeps the rules of every page."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np

TYPES = {"u8": "<u1", "u16": "<u2", "u32": "<u4", "f32": "<f4"}


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.elements, self.raw, self._open, self.text = [], [], None, ""

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._open = [tag, dict(attrs), ""] if tag in ("script", "style") else None

    def handle_data(self, data):
        if self._open:
            self._open[2] += data
        else:
            self.text += data

    def handle_endtag(self, tag):
        self.text += " "
        if self._open and tag == self._open[0]:
            self.raw.append(tuple(self._open))
            self._open = None


class PageText:
    """A page as an HTML parser sees it."""

    def __init__(self, html):
        reader = _Reader()
        reader.feed(html)
        self.html, self.elements, self.text = html, reader.elements, reader.text
        self.raw = reader.raw
        block = next(text for tag, attrs, text in reader.raw if attrs.get("id") == "mf-data")
        self.block = json.loads(block)

    def sheets(self):
        return [
            base64.b64decode(text)
            for _, attrs, text in self.raw
            if attrs.get("id", "").startswith("mf-sheet-")
        ]

    def paths(self):
        packed = self.block["paths"]
        places = zip(unpack(packed["folder"]), unpack(packed["name"]), strict=True)
        return [packed["folders"][folder] + packed["names"][name] for folder, name in places]

    def column(self, name):
        return next(column for column in self.block["columns"] if column["name"] == name)


def unpack(column):
    return np.frombuffer(base64.b64decode(column["data"]), TYPES[column["type"]])


def assert_page_rules(html):
    """One file, nothing fetched, nothing that runs but the one script whose hash the policy names."""
    page = PageText(html)
    policies = [a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    assert policies[0].startswith("default-src 'none';")
    assert "unsafe" not in policies[0]
    for kind in ("script", "style"):
        running = [
            text
            for tag, attrs, text in page.raw
            if tag == kind and attrs.get("type") in (None, "module", "text/javascript")
        ]
        assert len(running) == 1
        digest = base64.b64encode(hashlib.sha256(running[0].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policies[0]
    for _tag, attrs in page.elements:
        assert not {"src", "href", "srcset", "style", "background", "data"} & attrs.keys()
        assert not [name for name in attrs if name.startswith("on")]
    assert not re.search(r"url\(|@import|https?://", page.raw[0][2])
    return page
