"""The images that a command line names, and the submission: every id of a template is answered, in its order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from metric_face.data import Template, has_boxes, listed, refuse_repeated
from metric_face.errors import DataError
from metric_face.inference.answers import submission
from metric_face.inference.watch import gather

if TYPE_CHECKING:
    from metric_face.inference.answers import Answer
    from metric_face.inference.predictor import Predictor


@dataclass(frozen=True)
class ImageRequest:
    """Images to classify.

    Attributes:
        files: in the order of the template, where there is one.
        template: whose ids are answered; None where each image is its own id.
        failed: a name that leads to no image -> why.
    """

    files: list[str]
    template: Template | None = None
    failed: dict[str, DataError] = field(default_factory=dict)


def collect_images(
    names: Sequence[str], template: str | Path | None = None, *, submitted: bool = False
) -> ImageRequest:
    """Collect the images that a command line names.

    Args:
        names: images, folders of images, or one CSV, which is a template whose images lie beside or below it, or a
            table with the columns ``path, x1, y1, x2, y2``; none, or ``-``, for images that come one by one.
        template: a CSV of the ids that the images of ``names`` belong to.
        submitted: whether a submission is wanted. Then the ids are those of ``info.csv`` where a folder has one, and
            without a template no two images may have the same file name.

    Returns:
        The files, the template, and the names that lead to none, which do not stop the others.

    Raises:
        DataError: no image at all, a template that cannot be read, or file names that repeat in a submission.
    """
    if list(names) in ([], ["-"]):
        return ImageRequest([], None if template is None else Template.read(template))
    alone = Path(names[0]) if len(names) == 1 else None
    if template is None and alone is not None and alone.suffix.lower() == ".csv":
        if not has_boxes(alone):
            return _of_template(Template.read(alone), alone.parent)
        from metric_face.data import ImageTable

        return ImageRequest([str(path) for path in ImageTable.read(alone).paths])
    if template is not None:
        files, failed = gather(names)
        wanted = Template.read(template)
        place = wanted.match(files)
        _refuse_none(wanted, place, ", ".join(names))
        return ImageRequest([files[at] for at in place.values()], wanted, failed)
    if submitted and alone is not None and alone.is_dir():
        found = Template.beside(alone)
        if found is not None:
            return _of_template(found, alone)
    files, failed = gather(names)
    if not files:
        raise next(iter(failed.values()))
    if submitted:
        refuse_repeated([Path(file).name for file in files])
    return ImageRequest(files, None, failed)


def build_submission(
    answers: Sequence["Answer"], predictor: "Predictor", template: Template | None = None
) -> tuple[str, list[str], bool]:
    """Build the submission as CSV text.

    Args:
        answers: of the images that could be used.
        predictor: what gave them; an id without an answer gets its commonest class.
        template: the ids to answer; None for one row an answer.

    Returns:
        The text, notes for its reader, and whether every id was answered.
    """
    target = "joint" if "joint" in predictor.targets else next(iter(predictor.targets))
    classes = predictor.targets[target].classes
    if template is None:
        return submission(answers, classes, target), [], True
    number = {name: code for code, name in enumerate(classes)}
    codes = [number[one.targets[target].likeliest] for one in answers]
    place = template.match([one.path for one in answers])
    default = predictor.commonest(target)
    text, missing = template.filled({name: codes[at] for name, at in place.items()}, default)
    lines = list(template.notes)
    if missing:
        lines.append(
            f"{len(missing):,} of {len(template):,} ids have no image that can be used and got {default} "
            f"({classes[default]}, the commonest in the index): {listed(missing)}"
        )
    if len(place) < len(answers):
        lines.append(f"{len(answers) - len(place):,} images are of no id in {template.source}; left out")
    return text, lines, not missing


def _of_template(template: Template, folder: Path) -> ImageRequest:
    files = template.locate(folder)
    _refuse_none(template, files, str(folder))
    failed = {
        name: DataError(f"{name}: no image of that name in {folder} or below; restore it")
        for name in template.ids
        if name not in files
    }
    return ImageRequest([str(file) for file in files.values()], template, failed)


def _refuse_none(template: Template, found: Mapping[str, object], where: str) -> None:
    if not found:
        raise DataError(
            f"{template.source}: none of its {len(template):,} ids names an image in {where}; name the folder "
            "of images, and this file with --template"
        )
