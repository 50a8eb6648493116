"""Session: one call of the kNN command, from the images that are named to the files that are written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metric_face.classifiers import Votes
from metric_face.errors import DataError
from metric_face.files import write_text
from metric_face.inference.answers import Answer
from metric_face.inference.predictor import Predictor
from metric_face.inference.submission import ImageRequest, build_submission
from metric_face.plurals import counted
from metric_face.progress import Progress, silent

_ON_PAGE = 12
"""Neighbors that the page shows of each image."""


@dataclass
class Session:
    """The answers about some images with one choice of settings, and the files made of them.

    Args:
        predictor: what answers.
        request: the images; none where they come one by one.
        k, votes: as in :meth:`Predictor.predict`.
        identity: who is on the images; indexed images of this identity do not count.
        shown: neighbors of each answer.
        csv: where to write the submission, or None.
        page: where to write the page that explains the answers, or None.
        thumbnails: whether the page shows images.
        lang: of the page, ``en`` or ``ko``.

    Attributes:
        answers: so far, in order; of a stream they are kept only where a file needs them.
        failed: image -> why it has no answer.
        complete: whether every image, and every id of the template, has an answer.
    """

    predictor: Predictor
    request: ImageRequest
    k: int | None = None
    votes: Votes | None = None
    identity: str | None = None
    shown: int = 3
    csv: Path | None = None
    page: Path | None = None
    thumbnails: bool = True
    lang: str = "en"
    answers: list[Answer] = field(default_factory=list, init=False)
    failed: dict[str, DataError] = field(default_factory=dict, init=False)
    complete: bool = field(default=True, init=False)

    def predict_all(self, progress: Progress = silent) -> None:
        """Answer about every image of the request; an image that cannot be used does not stop the others."""
        broken: dict[str, Any] = {}
        self.answers = self._predict(self.request.files, broken=broken, progress=progress)
        self.failed = broken | self.request.failed

    def predict_one(self, path: str) -> Answer:
        """Answer about one image.

        Raises:
            ImageError: it cannot be used.
        """
        return self._predict([path])[0]

    def follow(
        self, results: Iterable[tuple[str, Answer | DataError]]
    ) -> Iterator[tuple[str, Answer | DataError]]:
        """Hand on the results of a stream, and remember what :meth:`write` needs of them."""
        for name, result in results:
            if not isinstance(result, Answer):
                self.failed[name] = result
            elif self.csv is not None or self.page is not None:
                self.answers.append(result)
            yield name, result

    def write(self) -> list[str]:
        """Write the submission and the page, where they were requested.

        Returns:
            Lines that say what was written and what a reader of it should know.

        Raises:
            DataError: there is no answer to write.
        """
        lines: list[str] = []
        self.complete = not self.failed
        target = self.csv or self.page
        if target is not None and self.failed and not self.answers:
            raise DataError(f"{target}: not written, as no image could be used")
        if self.csv is not None:
            text, notes, complete = build_submission(self.answers, self.predictor, self.request.template)
            write_text(self.csv, text)
            unused = f"; {len(self.failed)} could not be used" if self.failed else ""
            lines += [f"{counted(len(self.answers), 'answers')} in {self.csv}{unused}", *notes]
            self.complete &= complete
        if self.page is not None:
            from metric_face.inference.explain_page import write_answers  # most calls write no page

            page = write_answers(
                self.answers, self.predictor, self.page, thumbnails=self.thumbnails, lang=self.lang
            )
            lines.append(str(page))
        return lines

    def to_dict(self) -> dict[str, Any]:
        """The answers as plain data, for JSON."""
        return {
            "model": self.predictor.model,
            "answers": [one.nearest(self.shown).to_dict() for one in self.answers],
            "failed": [{"path": name, "error": str(error)} for name, error in self.failed.items()],
            "csv": None if self.csv is None else str(self.csv),
            "page": None if self.page is None else str(self.page),
            "complete": self.complete,
        }

    def _predict(self, paths: list[str], **options: Any) -> list[Answer]:
        excluded = None if self.identity is None else [self.identity] * len(paths)
        shown = self.shown if self.page is None else max(self.shown, _ON_PAGE)
        return self.predictor.predict(
            paths, k=self.k, votes=self.votes, shown=shown, exclude=excluded, **options
        )
