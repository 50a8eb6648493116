"""diagnose: every question asked in turn, the answers ranked.

To add a question, write a module with a function ``ask(context) -> Outcome``, its texts in
``pages/texts``, and its line in ``QUESTIONS``.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

from metric_face.diagnosis.causes import without_effects
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Abstention, Finding, HypothesisAnswer, Outcome, Table
from metric_face.diagnosis.inputs import context_of
from metric_face.diagnosis.questions import (
    basics,
    boundary,
    budget,
    conflict,
    epoch,
    floors,
    generalization,
    health,
    information,
    label_errors,
    leak,
    overlap,
    rare,
    resolution,
    setup,
    shift,
    signal,
    sources,
    views,
    worth,
)
from metric_face.diagnosis.ranking import rank
from metric_face.diagnosis.result import Diagnosis
from metric_face.errors import ArgumentError
from metric_face.optional import optional
from metric_face.progress import Progress, Say, silent

QUESTIONS: tuple[ModuleType, ...] = (
    leak,
    boundary,
    views,
    epoch,
    basics,
    setup,
    floors,
    generalization,
    health,
    signal,
    sources,
    label_errors,
    rare,
    overlap,
    information,
    conflict,
    worth,
    shift,
    resolution,
    budget,
)
"""In the order they are asked, which is also the order among spoilers; see :mod:`.ranking`."""


def diagnose(
    embeddings: Any,
    labels: Any = None,
    identities: Any = None,
    *,
    questions: Sequence[str] | None = None,
    say: Say = silent,
    progress: Progress = silent,
    **known: Any,
) -> Diagnosis:
    """Say what holds a training back: data, split, sampler, set-up, overlap, losses, labels, shift, or nothing.

    Args:
        embeddings: (N, D) vectors of all labeled images; or a :class:`metric_face.Run` (or its folder), and then
            nothing else is needed.
        labels: (N,) classes, integers or strings; or a mapping of attribute names to such arrays, and the joint class
            is made of them.
        identities: (N,) the identity of each image; without them every image stands for itself, and leaks and
            intervals are measured under that assumption.
        questions: names of the questions to ask; all by default.
        say: called with the name of each question before it is asked.
        progress: called with (questions asked, questions in all).
        **known: whatever else is known, as listed at :class:`metric_face.diagnosis.known.Known`: ``split``,
            ``predictions``, ``probabilities``, ``images``, ``log``, ``batches``, ``transforms``, ``settings``,
            ``raw_values``, ``cuts``, ``unlabeled``, ``neutral``, ``runs``, ``seed``, ...

    Returns:
        The findings, ranked, with both hypotheses answered.

    Raises:
        ArgumentError: arrays of different lengths, an unknown question or argument, no label.
    """
    chosen = _chosen(questions)
    context = _context(embeddings, labels, identities, known)
    findings: list[Finding] = []
    tables: dict[str, Table] = {}
    abstentions: list[Abstention] = []
    answers: list[HypothesisAnswer] = []
    seconds: dict[str, float] = {}
    for number, module in enumerate(chosen, 1):
        name = _name(module)
        say(name)
        started = time.perf_counter()
        notes: list[str] = []
        outcome = Outcome()
        with optional(name, notes):  # what one question cannot answer takes no other's answer with it
            outcome = module.ask(context)
        notes += [context.missing[name]] if name in context.missing else []
        abstentions += [
            Abstention(name, "failed", {"why": note.partition("left out; ")[2]}) for note in notes
        ]
        seconds[name] = time.perf_counter() - started
        findings += outcome.findings
        tables |= {table.name: table for table in outcome.tables}
        abstentions += outcome.abstentions
        answers += [outcome.answer] if outcome.answer else []
        progress(number, len(chosen))
    if not context.identities_known:  # each image stands for itself, and no sentence speaks of identities
        findings = [replace(one, values={**one.values, "unit": "images"}) for one in findings]
    causes, answers, effects = without_effects(rank(findings, [_name(m) for m in QUESTIONS]), answers)
    abstentions += effects
    return Diagnosis(
        tuple(causes),
        tuple(answers),
        tables,
        tuple(abstentions),
        context.score if context.attributes else None,
        context.predictions_are,
        seconds,
        context,
    )


def _context(embeddings: Any, labels: Any, identities: Any, known: Mapping[str, Any]) -> Context:
    from os import PathLike

    from metric_face.run import Run

    if isinstance(embeddings, (Run, str, PathLike)):
        if labels is not None or identities is not None:
            raise ArgumentError(
                "labels and identities must be left out with a run, which has its own; drop them"
            )
        from metric_face.diagnosis.from_run import context_from_run

        return context_from_run(Run.open(embeddings), **known)  # type: ignore[arg-type]
    if labels is None:
        raise ArgumentError(
            "labels must be given with embeddings, found None; pass (N,) classes or a mapping of them"
        )
    return context_of(embeddings, labels, identities, **known)


def _chosen(questions: Sequence[str] | None) -> list[ModuleType]:
    names = {_name(module): module for module in QUESTIONS}
    if questions is None:
        return list(QUESTIONS)
    for name in questions:
        if name not in names:
            raise ArgumentError(f"questions must be among {', '.join(names)}, found {name!r}")
    return [module for name, module in names.items() if name in questions]


def _name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]
