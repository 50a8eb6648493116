"""The sentences of an audit in the reader's language; every text stands in ``pages/texts/LANGUAGE/audit.json``."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from metric_face.pages import page_texts

_NAMES, _GROUPS = 6, 3  # that a sentence spells out; the finding's values have all


def sentence_of(keys: Sequence[str], values: Mapping[str, Any], lang: str) -> str:
    """The sentences of some keys, one after the other."""
    texts = page_texts("audit", lang)
    if ":" in keys[0]:  # of the sampler's own report
        sentence: str = texts["defect"].format(sentence=say_batches(keys[0], values, lang))
        return sentence
    return " ".join(texts["sentences"][key].format(**_worded(values, lang)) for key in keys)


def remedy_of(finding: str, values: Mapping[str, Any], lang: str) -> str:
    """What to do, or an empty text; the key is the longest one that the finding's id begins with.

    A text that tells the user to change images, labels or the split is a claim. It is made where the finding
    holds by construction, such as equal bytes, and its false alarms are counted in
    ``benchmarks/robust_claims.py``. Every other text says what to look at.
    """
    remedies: Mapping[str, str] = page_texts("audit", lang)["remedies"]
    keys = [key for key in remedies if finding == key or finding.startswith(f"{key}-")]
    return remedies[max(keys, key=len)].format(**_worded(values, lang)) if keys else ""


def say_batches(key: str, values: Mapping[str, Any], lang: str) -> str:
    """A sentence about batches; ``key`` is its section and its name, such as ``batches:mix``."""
    section, _, name = key.partition(":")
    text: str = page_texts("audit", lang)[section][name]
    return text.format(**_worded(values, lang))


def defect_key(defect: Mapping[str, Any]) -> str:
    """The key of a sampler's defect."""
    name = defect["name"]
    return (
        f"defects:{name}-unpromised"
        if name == "empty" and defect["values"]["promised"] is None
        else f"defects:{name}"
    )


def batch_sentences(report: Mapping[str, Any], lang: str) -> list[str]:
    """What ``AuditReport.sentences`` says, in a language.

    Args:
        report: ``AuditReport.to_dict``.
        lang: ``en`` or ``ko``.
    """
    images = max(report["images"], 1)
    values = {**report, "share_seen": report["images_seen"] / images}
    keys = ["batches" if report["promised"] is not None else "batches-unpromised", "coverage", "floor", "mix"]
    if report["singleton_groups"]:
        keys.append("singleton-groups")
    if report["same_identity_pairs"] is not None:
        keys.append("positives")
    sentence = [say_batches(f"batches:{key}", values, lang) for key in keys]
    template = page_texts("audit", lang)["page"]["defect"]
    return sentence + [
        template.format(name=defect["name"], sentence=say_batches(defect_key(defect), defect["values"], lang))
        for defect in report["defects"]
    ]


def sampler_notes(report: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Keys and values of what ``SamplerReport.sentences`` says.

    Args:
        report: the fields of a ``SamplerReport``.
    """
    fewest, most = report["label_draws"]
    padded = report["padded_labels"] - report["singletons"]
    values = {
        **{key: report[key] for key in report if not isinstance(report[key], (list, dict))},
        "fewest": fewest,
        "most": most,
        "dropped": len(report["dropped_images"]),
        "labels": len(report["dropped_labels"]),
        "padded": padded,
    }
    values_by_key = {
        "plan": True,
        "draws": True,
        "dropped": report["dropped_images"],
        "unseen": report["unseen_images"],
        "singletons": report["singletons"],
        "padded": padded > 0,
        "short": report["short_of_identities"],
    }
    for key, there in values_by_key.items():
        if there:
            yield f"sampler:{key}", values
    for name, count in report["varying"].items():
        yield "sampler:varying", {"name": name, "count": count}


def _worded(values: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """Lists, groups and spans as a sentence writes them; numbers stay for the format of the sentence."""
    texts = page_texts("audit", lang)["lists"]
    worded = dict(values)
    for key, value in values.items():
        if isinstance(value, tuple):
            low, high = value
            worded[key] = low if low == high else texts["span"].format(low=low, high=high)
        elif isinstance(value, list) and value and isinstance(value[0], list):
            sentence = "; ".join(texts["and"].join(group) for group in value[:_GROUPS])
            left = len(value) - _GROUPS
            worded[key] = texts["more_groups"].format(groups=sentence, n=left) if left > 0 else sentence
        elif isinstance(value, list):
            sentence, left = ", ".join(map(str, value[:_NAMES])), len(value) - _NAMES
            worded[key] = texts["more"].format(names=sentence, n=left) if left > 0 else sentence
    return worded
