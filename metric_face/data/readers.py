"""The formats a table is read from: the competition's folder, a file of labels, class folders."""

from pathlib import Path

import pandas as pd

from metric_face.data.images import SUFFIXES, images_below
from metric_face.errors import DataError

MASKS = ("wear", "incorrect", "normal")
STEMS = {
    **{f"mask{number}": "wear" for number in range(1, 6)},
    "incorrect_mask": "incorrect",
    "normal": "normal",
}


def read_frame(source: Path) -> tuple[pd.DataFrame, Path]:
    """Read the rows behind ``source`` and the folder that their paths start from."""
    if not source.exists():
        raise DataError(f"{source}: no such file or folder; give a folder of images, a CSV or a Parquet file")
    if source.is_file():
        return _read_file(source), source.parent
    for folder in (source, source / "train"):
        if (folder / "train.csv").is_file() and (folder / "images").is_dir():
            return read_competition(folder), folder
    if (source / "info.csv").is_file():
        return _read_submission(source / "info.csv"), source
    if (source / "images.csv").is_file():
        return _read_file(source / "images.csv"), source
    return read_folders(source), source


def read_competition(folder: Path) -> pd.DataFrame:
    """Read the mask competition's ``train`` folder: seven images a person.

    The person is the folder, not the id (one id occurs twice); an image is known by its stem (``mask1`` may be
    jpg, jpeg or png); names that start with a dot are litter.
    """
    people = pd.read_csv(folder / "train.csv", dtype={"id": str, "path": str}).dropna(how="all")
    missing = {"gender", "age", "path"} - set(people.columns)
    if missing:
        raise DataError(
            f"{folder / 'train.csv'}: needs the columns gender, age and path; lacks {', '.join(sorted(missing))}"
        )
    rows = []
    for person in people.to_dict("records"):
        home = folder / "images" / str(person["path"])
        if not home.is_dir():
            raise DataError(
                f"{home}: train.csv names this folder, and it is not there; restore it or drop the row"
            )
        for file in images_in(home):
            if file.stem not in STEMS:
                raise DataError(
                    f"{file}: the name must be one of {', '.join(sorted(STEMS))}; rename or remove it"
                )
            rows.append(
                {"path": f"images/{person['path']}/{file.name}", "identity": str(person["path"])}
                | {name: value for name, value in person.items() if name != "path"}
                | {"mask": STEMS[file.stem]}
            )
    return pd.DataFrame(rows)


def read_folders(folder: Path) -> pd.DataFrame:
    """Read ``folder/<class>/<image>``; images directly in ``folder`` have no label."""
    files = images_below(folder)
    if not files:
        suffixes = ", ".join(sorted(SUFFIXES))
        raise DataError(f"{folder}: holds no image ({suffixes}); check the path")
    names = [file.relative_to(folder).as_posix() for file in files]
    parents = [str(Path(name).parent.as_posix()) for name in names]
    frame = pd.DataFrame({"path": names})
    if all(parent == "." for parent in parents):
        return frame
    if any(parent == "." for parent in parents):
        stray = names[parents.index(".")]
        raise DataError(f"{folder / stray}: lies beside class folders, so it has no class; move it into one")
    return frame.assign(label=parents)


def images_in(folder: Path) -> list[Path]:
    """The images directly in a folder, by name; names that start with a dot are skipped."""
    return [file for file in sorted(folder.iterdir()) if _is_image(file) and not file.name.startswith(".")]


def _read_file(file: Path) -> pd.DataFrame:
    text = {"path": str, "identity": str}
    try:
        if file.suffix.lower() == ".csv":
            frame = pd.read_csv(file, dtype=text, encoding="utf-8-sig")
        elif file.suffix.lower() == ".parquet":
            frame = pd.read_parquet(file)
        else:
            raise DataError(
                f"{file}: a table must be .csv or .parquet, or a folder of images; found {file.suffix!r}"
            )
    except (ValueError, OSError) as error:  # pandas and pyarrow both raise ValueErrors of their own
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{file}: cannot be read as a table ({reason})") from error
    for column in text.keys() & set(frame.columns):
        frame[column] = frame[column].where(frame[column].isna(), frame[column].astype(str))
    return frame


def _read_submission(file: Path) -> pd.DataFrame:
    """Read the competition's ``eval`` folder; the answers there are all 0 and therefore dropped."""
    frame = pd.read_csv(file, dtype={"ImageID": str})
    if "ImageID" not in frame.columns:
        raise DataError(f"{file}: needs a column 'ImageID'; its columns are {', '.join(frame.columns)}")
    return pd.DataFrame({"path": "images/" + frame["ImageID"]})


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES and file.is_file()
