"""The README beside published weights: what the model takes and says, and the lines that load it."""

import json
from collections.abc import Mapping
from typing import Any

_HEAD = """---
library_name: metric_face
tags:
- image-feature-extraction
- metric-learning
---

# {name}

An image embedding trained with metric_face: vectors that are compared by cosine{heads}.

```python
from metric_face.integrations import from_pretrained

found = from_pretrained("{place}")
vector = found.embed(["photo.jpg"])  # (1, {dimensions}) float32
```

A vector is that of the image alone. Where an index holds vectors averaged over copies, such as the mirror image, embed
queries with the same: `found.embed(["photo.jpg"], tta="flip")`.

The weights are safetensors; `model.json` holds their checksum, which is verified before they are loaded.

"""


def model_readme(card: Mapping[str, Any], name: str, place: str, dimensions: int) -> str:
    """Write the README of a model.

    Args:
        card: ``model.json``.
        name: of the model.
        place: what :func:`.hub.from_pretrained` takes.
        dimensions: D.
    """
    space = card["label_space"]
    heads = "" if not space else f", and classes of {', '.join(_escaped(one['name']) for one in space)}"
    shown = {
        "fingerprint": card["fingerprint"],
        "architecture": card["architecture"],
        "transform": card["transform"],
        "label_space": space,
    }
    text = json.dumps(shown, indent=2, ensure_ascii=False).replace("```", "'''")
    return (
        _HEAD.format(name=_escaped(name), heads=heads, place=place, dimensions=dimensions)
        + f"```json\n{text}\n```\n"
    )


def _escaped(text: str) -> str:
    """A name as Markdown text on one line, no markup of its own."""
    line = " ".join(str(text).split())
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>#|!&" else letter for letter in line)
