"""What users hand in: folders, tables, encodings, labels, modes, suffixes, and what must be read or said of each."""

import codecs
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from metric_face.config import load_config
from metric_face.data.preparation import PreparedData, prepare_data
from metric_face.errors import MetricFaceError
from metric_face.files import MARK
from metric_face.training.feasible import check_feasible
from metric_face.training.training_plan import plan_training

ANIMALS = ("cat", "dog")


@dataclass(frozen=True)
class Case:
    """One thing that is handed in.

    Attributes:
        name: what it is.
        kind: the group of the table that it stands in.
        make: puts it into a folder, and returns what is given to the command.
        labels: images of each label that must be read; None where it must be refused.
        splits: images of each split that must be read, where the input names splits.
        says: a piece of what must be said, in a note or in the refusal.
        settings: of ``data`` in the configuration.
    """

    name: str
    kind: str
    make: Callable[[Path], Path]
    labels: dict[str, int] | None = None
    says: str = ""
    splits: dict[str, int] | None = None
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What came of a case: the images read, or the words of the refusal, and all that was said."""

    prepared: PreparedData | None
    said: tuple[str, ...]

    @property
    def labels(self) -> dict[str, int] | None:
        """Images of each label."""
        if self.prepared is None:
            return None
        name = self.prepared.space.names[0] if self.prepared.space is not None else "identity"
        found = self.prepared.table.frame[name].fillna("(none)").value_counts()
        return {str(label): int(count) for label, count in sorted(found.items())}

    @property
    def splits(self) -> dict[str, int]:
        """Images of each split."""
        assert self.prepared is not None
        found = self.prepared.table.frame["split"].value_counts()
        return {str(split): int(count) for split, count in found.items()}


def configuration(case: Case, source: Path) -> Any:
    """The smallest training on a case."""
    return load_config(
        {
            "data": {"path": str(source), "split": {"val": 0.5}, "size": [16, 16], "workers": 0}
            | case.settings,
            "model": {"backbone": "test_resnet"},
            "trainer": {"epochs": 1, "export_onnx": False},
        }
    )


def outcome(case: Case, source: Path) -> Outcome:
    """Prepare what a case has made as a training does, up to its batches."""
    config = configuration(case, source)
    try:
        prepared = prepare_data(config.data)
        config = config.settled(prepared.space is not None)
        check_feasible(config, prepared)
        plan_training(prepared, config)
    except MetricFaceError as error:
        return Outcome(None, (str(error),))
    return Outcome(prepared, (*prepared.dropped, *prepared.notes))


def picture(path: Path, mode: str = "RGB", **saving: Any) -> Path:
    """A picture of soft noise, unlike any other that has another path."""
    seed = int.from_bytes(hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).digest()[:4], "little")
    noise = np.random.default_rng(seed).integers(0, 256, (16, 12, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(noise)
    if mode in ("I;16", "I", "F"):
        image = Image.fromarray(noise[..., 0].astype({"I;16": "u2", "I": "i4", "F": "f4"}[mode]) * 200)
    elif mode != "RGB":
        image = image.convert(mode)
    image.save(path, **saving)
    return path


def tree(*patterns: str, each: int = 4, suffix: str = ".png") -> Callable[[Path], Path]:
    """A folder with ``each`` pictures in every folder of ``patterns``."""

    def make(folder: Path) -> Path:
        for pattern in patterns:
            for number in range(each):
                picture(folder / "data" / pattern / f"{number}{suffix}")
        return folder / "data"

    return make


def beside(make: Callable[[Path], Path], change: Callable[[Path], object]) -> Callable[[Path], Path]:
    """A case with something changed in its folder."""

    def changed(folder: Path) -> Path:
        source = make(folder)
        change(source)
        return source

    return changed


TWO = tree(*ANIMALS)
LABELS = {"cat": 4, "dog": 4}


def rows(labels: list[str] | None = None, header: str = "path,label", separator: str = ",") -> str:
    """A CSV of one row for each label; by default four cats and four dogs."""
    labels = ["cat"] * 4 + ["dog"] * 4 if labels is None else labels
    lines = [header, *(f"{number}.png{separator}{label}" for number, label in enumerate(labels))]
    return "\n".join(lines) + "\n"


def table(text: str | bytes, name: str = "t.csv", images: int = 8) -> Callable[[Path], Path]:
    """A table with pictures 0.png, 1.png, ... beside it."""

    def make(folder: Path) -> Path:
        for number in range(images):
            picture(folder / f"{number}.png")
        content = text.encode() if isinstance(text, str) else text
        (folder / name).write_bytes(content)
        return folder / name

    return make


def parquet(columns: dict[str, Any], **saving: Any) -> Callable[[Path], Path]:
    """A Parquet file with pictures beside it."""

    def make(folder: Path) -> Path:
        frame = pd.DataFrame({"path": [f"{number}.png" for number in range(8)]} | columns)
        for number in range(8):
            picture(folder / f"{number}.png")
        frame.to_parquet(folder / "t.parquet", **saving)
        return folder / "t.parquet"

    return make


def linked(folder: Path) -> Path:
    """Two classes, one of them a link to a folder elsewhere."""
    tree("cat")(folder)
    for number in range(4):
        picture(folder / "elsewhere" / f"{number}.png")
    (folder / "data" / "dog").symlink_to(folder / "elsewhere")
    return folder / "data"


def run_beside(source: Path) -> None:
    """A run of this program, with its map."""
    run = source / "runs" / "first"
    picture(run / "map.png")
    for name in ("config.yaml", "images.parquet"):
        (run / name).write_text("")


def drawn(source: Path, *names: str) -> None:
    """Pictures of this program, by themselves."""
    from PIL.PngImagePlugin import PngInfo

    mark = PngInfo()
    mark.add_text("Software", MARK)
    for name in names:
        picture(source / "cat" / name, pnginfo=mark)


def with_file(name: str, content: bytes = b"text") -> Callable[[Path], object]:
    """Adds a file."""

    def add(source: Path) -> None:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)

    return add


def broken(source: Path) -> None:
    """One image of the eight is cut short."""
    whole = source / "cat" / "0.png"
    whole.write_bytes(whole.read_bytes()[:60])


def moded(mode: str, suffix: str) -> Callable[[Path], Path]:
    """Two classes whose pictures have a mode."""

    def make(folder: Path) -> Path:
        for name in ANIMALS:
            for number in range(4):
                picture(folder / "data" / name / f"{number}{suffix}", mode)
        return folder / "data"

    return make


def repeated(labels: list[str]) -> str:
    """A CSV of eight rows that the labels share."""
    return rows([label for label in labels for _ in range(8 // len(labels))])


def split_rows(splits: list[str]) -> str:
    """A CSV of cats and dogs in turn with a column ``split``."""
    lines = [f"{n}.png,{ANIMALS[n % 2]},{split}" for n, split in enumerate(splits)]
    return "\n".join(["path,label,split", *lines]) + "\n"


FOLDERS = [
    Case("class folders", "folder", TWO, LABELS, "8 images taken; nothing left out"),
    Case("train/class, val/class", "folder", tree("train/cat", "train/dog", "val/cat", "val/dog"),
         {"cat": 8, "dog": 8}, "are read as the split", {"train": 8, "val": 8}),
    Case("train, valid, test", "folder", tree(*(f"{p}/{c}" for p in ("train", "valid", "test") for c in ANIMALS)),
         {"cat": 12, "dog": 12}, "train 8, val 8", {"train": 8, "val": 8, "test": 8}),
    Case("Training, Validation", "folder", tree(*(f"{p}/{c}" for p in ("Training", "Validation") for c in ANIMALS)),
         {"cat": 8, "dog": 8}, "train 8, val 8", {"train": 8, "val": 8}),
    Case("splits below another folder", "folder", tree(*(f"v1/{p}/{c}" for p in ("train", "val") for c in ANIMALS)),
         {"cat": 8, "dog": 8}, "are read as the split", {"train": 8, "val": 8}),
    Case("class/train, class/val", "folder", tree(*(f"{c}/{p}" for p in ("train", "val") for c in ANIMALS)),
         {"cat": 8, "dog": 8}, "are read as the split", {"train": 8, "val": 8}),
    Case("splits, then nested classes", "folder", tree(*(f"{p}/pet/{c}" for p in ("train", "val") for c in ANIMALS)),
         {"pet/cat": 8, "pet/dog": 8}, "are read as the split", {"train": 8, "val": 8}),
    Case("train alone", "folder", tree("train/cat", "train/dog"), LABELS, "all images are below 'train'"),
    Case("nested classes", "folder", tree("pet/cat", "pet/dog", "wild/fox"),
         {"pet/cat": 4, "pet/dog": 4, "wild/fox": 4}, "12 images taken"),
    Case("train and test, no val", "folder", tree(*(f"{p}/{c}" for p in ("train", "test") for c in ANIMALS)),
         None, "needs a split 'val'"),
    Case("val and valid", "folder", tree(*(f"{p}/{c}" for p in ("train", "val", "valid") for c in ANIMALS)),
         None, "are all the split 'val'"),
    Case("a stranger beside the splits", "folder", tree("train/cat", "train/dog", "val/cat", "val/dog", "extra/cat"),
         None, "'extra' beside them is none"),
    Case("val without classes", "folder", tree("train/cat", "train/dog", "val"), None, "'label' must not be empty"),
    Case("val under other names", "folder", tree("train/cat", "train/dog", "val/images"),
         None, "no class of 'val' (images) is in 'train'"),
    Case("test without classes, drop", "folder",
         tree("train/cat", "train/dog", "val/cat", "val/dog", "test/unknown"),
         {"cat": 8, "dog": 8, "unknown": 4}, "4", {"train": 8, "val": 8, "test": 4}),
    Case("one class", "folder", tree("cat", each=8), None, "needs two classes or more"),
    Case("an image beside class folders", "folder", beside(TWO, lambda s: picture(s / "stray.png")),
         None, "lies beside class folders"),
    Case("a class folder that is a link", "folder", linked, LABELS, "8 images taken"),
    Case("a link back up", "folder", beside(TWO, lambda s: (s / "cat" / "up").symlink_to(s)), LABELS,
         "1 links to folders that are read anyway"),
    Case("a second link to a class", "folder", beside(TWO, lambda s: (s / "bird").symlink_to(s / "cat")), LABELS,
         "1 links to folders that are read anyway"),
    Case("a link that leads nowhere", "folder", beside(TWO, lambda s: (s / "cat" / "x.png").symlink_to(s / "gone")),
         LABELS, "1 links that lead nowhere"),
    Case("a link to itself", "folder", beside(TWO, lambda s: (s / "loop").symlink_to(s / "loop")), LABELS,
         "1 that cannot be read"),
    Case("hidden litter", "folder", beside(TWO, with_file("cat/._0.png")), LABELS, "1 hidden"),
    Case("folders of other systems", "folder", beside(TWO, with_file("__MACOSX/cat/0.png")), LABELS,
         "1 folders of the system"),
    Case("notes and lists among images", "folder", beside(TWO, with_file("cat/readme.txt")), LABELS,
         "1 that Pillow does not open (.txt)"),
    Case("photographs that Pillow lacks", "folder", beside(TWO, with_file("bird/1.heic")), LABELS,
         "1 that Pillow does not open (.heic), 1 folders without an image (bird)"),
    Case("an empty class folder", "folder", beside(TWO, lambda s: (s / "bird").mkdir()), LABELS,
         "1 folders without an image (bird)"),
    Case("our own run inside", "folder", beside(TWO, run_beside), LABELS, "1 folders that metric-face wrote"),
    Case("our own map inside", "folder", beside(TWO, lambda s: drawn(s, "map.png")), LABELS,
         "1 pictures that metric-face drew"),
    Case("our other pictures inside", "folder",
         beside(TWO, lambda s: drawn(s, "map3d.png", "faces.png", "attribution.png")), LABELS,
         "3 pictures that metric-face drew"),
    Case("a name that is not UTF-8", "folder", beside(TWO, lambda s: picture(s / "cat" / "0.png").rename(
        s / "cat" / os.fsdecode(b"\xe9.png"))), {"cat": 3, "dog": 4}, "1 with a name that is not UTF-8"),
    Case("a pipe among images", "folder", beside(TWO, lambda s: os.mkfifo(s / "cat" / "x.png")), LABELS,
         "1 that are no files"),
    Case("no image at all", "folder", beside(lambda f: f / "data", lambda s: s.mkdir()), None, "0 images taken"),
    Case("nothing there", "folder", lambda f: f / "none", None, "no such file or folder"),
    Case("a broken image", "folder", beside(TWO, broken), None, "--skip-broken drops and lists them"),
    Case("a broken image, skipped", "folder", beside(TWO, broken), {"cat": 3, "dog": 4}, "cat/0.png: ",
         settings={"skip_broken": True}),
]  # fmt: skip

DIALECTS = [
    Case("commas", "dialect", table(rows()), LABELS, "8 rows taken"),
    Case("semicolons", "dialect", table(rows(header="path;label", separator=";")), LABELS, "separated by semicolons"),
    Case("tabs", "dialect", table(rows(header="path\tlabel", separator="\t")), LABELS, "separated by tabs"),
    Case("bars", "dialect", table(rows(header="path|label", separator="|")), LABELS, "separated by bars"),
    Case(".tsv", "dialect", table(rows(header="path\tlabel", separator="\t"), "t.tsv"), LABELS, "tabs"),
    Case("sep=; as a spreadsheet writes", "dialect", table("sep=;\n" + rows(header="path;label", separator=";")),
         LABELS, "semicolons"),
    Case("blanks around names", "dialect", table(rows(header=" path , label ")), LABELS, "8 rows taken"),
    Case("lines of Windows", "dialect", table(rows().replace("\n", "\r\n")), LABELS, "8 rows taken"),
    Case("lines of old Macs", "dialect", table(rows().replace("\n", "\r")), LABELS, "8 rows taken"),
    Case("no last line end", "dialect", table(rows().rstrip("\n")), LABELS, "8 rows taken"),
    Case("empty lines", "dialect", table(rows().replace("4.png", "\n,\n4.png")), LABELS,
         "1 lines without a value are left out"),
    Case("quotes", "dialect", table(rows().replace("cat", '"cat, ""big"""')), {'cat, "big"': 4, "dog": 4}, "8 rows"),
    Case("an index without a name", "dialect",
         table("".join(f"{n if n else ''},{line}\n" for n, line in enumerate(rows().splitlines()))), LABELS,
         "a column without a name is left out"),
    Case("commas after the last value", "dialect", table(rows().replace("\n", ",,\n")), LABELS, "8 rows taken"),
    Case("a value too many", "dialect", table(rows().replace("2.png,cat", "2.png,cat,old")), None,
         "line 4 has 3 values and the header 2 names"),
    Case("a value too few", "dialect", table(rows().replace("2.png,cat", "2.png")), None,
         "line 4 has 1 values and the header 2 names"),
    Case("a quote that never ends", "dialect", table(rows().replace("2.png,cat", '2.png,"cat')), None,
         "line 4 cannot be read"),
    Case("a blank before a quote", "dialect", table(rows().replace("2.png,cat", '2.png, "cat"')), None,
         "line 4 has a blank before a quote"),
    Case("a name twice", "dialect", table("path,label,label\n0.png,cat,dog\n"), None,
         "two columns have the name 'label'"),
    Case("another name for path", "dialect", table(rows(header="file,label")), None,
         "needs a column 'path'; its columns are file, label"),
    Case("an empty file", "dialect", table(""), None, "it is empty"),
    Case("names alone", "dialect", table("path,label\n"), None, "found 0 rows"),
    Case("backslashes in paths", "dialect",
         beside(table(rows().replace("0.png", "sub\\0.png")), lambda s: picture(s.parent / "sub" / "0.png")), LABELS,
         "1 paths are read with / for the backslash"),
    Case("a path that leaves", "dialect", table(rows().replace("0.png", "../0.png")), None, "must stay inside"),
    Case("a workbook", "dialect", table(b"PK\x03\x04" + bytes(40), "t.xlsx"), None, "save it as 'CSV UTF-8'"),
    Case("a workbook named .csv", "dialect", table(b"PK\x03\x04" + bytes(40)), None, "save it as 'CSV UTF-8'"),
]  # fmt: skip

KOREAN = rows(["고양이"] * 4 + ["강아지"] * 4)
TWO_KOREAN = {"강아지": 4, "고양이": 4}
ENCODINGS = [
    Case("UTF-8", "encoding", table(KOREAN), TWO_KOREAN, "8 rows taken"),
    Case("UTF-8 with its mark", "encoding", table(codecs.BOM_UTF8 + KOREAN.encode()), TWO_KOREAN, "8 rows taken"),
    Case("UTF-16 with its mark", "encoding", table(KOREAN.encode("utf-16")), TWO_KOREAN, "read as UTF-16"),
    Case("UTF-16 big-endian, mark", "encoding", table(codecs.BOM_UTF16_BE + KOREAN.encode("utf-16-be")), TWO_KOREAN,
         "read as UTF-16"),
    Case("UTF-32 with its mark", "encoding", table(KOREAN.encode("utf-32")), TWO_KOREAN, "read as UTF-32"),
    Case("UTF-16 without a mark", "encoding", table(rows().encode("utf-16-le")), None, "null character"),
    Case("Windows-1252", "encoding", table(rows(["café"] * 4 + ["thé"] * 4).encode("cp1252")), None,
         "line 2 is not UTF-8 (byte 0xe9); save it as UTF-8"),
    Case("CP949", "encoding", table(KOREAN.encode("cp949")), None, "line 2 is not UTF-8"),
    Case("half of a letter", "encoding", table(KOREAN.encode()[:-2]), None, "is not UTF-8"),
]  # fmt: skip

TEXTS = [
    Case("007, 7 and 07", "label", table(rows(["007"] * 3 + ["7"] * 3 + ["07"] * 2)), {"007": 3, "07": 2, "7": 3}, "8"),
    Case("None and NA", "label", table(repeated(["None", "NA"])), {"NA": 4, "None": 4}, "8 rows"),
    Case("nan and null", "label", table(repeated(["nan", "null"])), {"nan": 4, "null": 4}, "8 rows"),
    Case("true and True", "label", table(repeated(["True", "true"])), {"True": 4, "true": 4}, "8 rows"),
    Case("1e3 and 1000", "label", table(repeated(["1e3", "1000"])), {"1000": 4, "1e3": 4}, "8 rows"),
    Case("dates", "label", table(repeated(["2024-01-01", "2024-01-02"])), {"2024-01-01": 4, "2024-01-02": 4}, "8"),
    Case("cat, Cat and 'cat '", "label", table(rows(["cat"] * 3 + ["Cat"] * 3 + ["cat "] * 2)),
         {"Cat": 3, "cat": 3, "cat ": 2}, "8 rows"),
    Case("seven digits", "label", table(repeated(["1234567", "1234568"])), {"1234567": 4, "1234568": 4}, "8 rows"),
    Case("seven digits, one empty, drop", "label", table(rows(["1234567"] * 4 + ["1234568"] * 3 + [""])),
         {"1234567": 4, "1234568": 3}, "7.png: lacks a label", settings={"missing_labels": "drop"}),
    Case("one empty", "label", table(rows(["cat"] * 4 + ["dog"] * 3 + [""])), None, "row 7: 'label' must not be empty"),
    Case("blanks alone", "label", table(rows(["cat"] * 4 + ["dog"] * 3 + ["  "])), None, "row 7: 'label' must not be"),
    Case("numbers past 2^53", "label", table(repeated(["9007199254740993", "9007199254740992"])),
         {"9007199254740992": 4, "9007199254740993": 4}, "8 rows"),
    Case("ages in bins", "label", table(rows(["18", " 29", "30.0", "3e1", "59", "60", "61", "20"], "path,age")),
         {" 29": 1, "18": 1, "20": 1, "3e1": 1, "30.0": 1, "59": 1, "60": 1, "61": 1}, "8 rows",
         settings={"attributes": ["age"], "bins": {"age": [30]}}),
    Case("an age that is no number", "label", table(rows(["18"] * 4 + ["old"] * 4, "path,age")), None,
         "row 4: 'age' must be a number", settings={"attributes": ["age"], "bins": {"age": [30]}}),
    Case("an age without end", "label", table(rows(["18"] * 4 + ["inf"] * 4, "path,age")), None,
         "row 4: 'age' must be a number", settings={"attributes": ["age"], "bins": {"age": [30]}}),
    Case("identities 007 and 7", "label",
         table(rows(["007", "7"] * 4, "path,identity")), {"007": 4, "7": 4}, "",
         settings={"attributes": []}),
    Case("split train, valid", "label", table(split_rows(["train"] * 4 + ["valid"] * 4)), LABELS,
         "the split 'valid' is read as 'val'", {"train": 4, "val": 4}),
    Case("test rows without labels, drop", "label",
         table(split_rows(["train"] * 3 + ["val"] * 3 + ["test"] * 2).replace("6.png,cat", "6.png,").replace(
             "0.png,cat", "0.png,")), {"(none)": 1, "cat": 2, "dog": 4},
         "1 images outside train and val have no label", {"train": 2, "val": 3, "test": 2},
         {"missing_labels": "drop"}),
    Case("split a, b", "label", table(split_rows(["a"] * 4 + ["b"] * 4)), None, "needs a split 'train'"),
    Case("split with an empty cell", "label", table(split_rows(["train"] * 4 + ["val"] * 3 + [""])), None,
         "row 7: 'split' must not be empty"),
    Case("Parquet: text", "label", parquet({"label": ["007"] * 4 + ["7"] * 4}), {"007": 4, "7": 4}, "8 rows"),
    Case("Parquet: whole numbers", "label", parquet({"label": [2] * 4 + [10] * 4}), {"10": 4, "2": 4}, "8 rows"),
    Case("Parquet: floats", "label", parquet({"label": [1234567.0] * 4 + [1234568.0] * 4}),
         {"1234567": 4, "1234568": 4}, "8 rows"),
    Case("Parquet: uint64", "label", parquet({"label": np.array([2**64 - 1, 2**64 - 2] * 4, dtype=np.uint64)}),
         {str(2**64 - 2): 4, str(2**64 - 1): 4}, "8 rows"),
    Case("Parquet: past 2^53 beside none", "label",
         parquet({"label": pd.array([2**53 + 1] * 4 + [2**53] * 3 + [None], dtype="Int64")}),
         {str(2**53): 3, str(2**53 + 1): 4}, "lacks a label", settings={"missing_labels": "drop"}),
    Case("Parquet: categories", "label", parquet({"label": pd.Categorical(["cat"] * 4 + ["dog"] * 4)}), LABELS, "8"),
    Case("Parquet: empty text", "label", parquet({"label": ["cat"] * 4 + ["dog"] * 3 + [""]}), None,
         "row 7: 'label' must not be empty"),
    Case("Parquet: lists", "label", parquet({"label": [["cat"], ["dog"]] * 4}), None, "row 0: 'label' must be text"),
    Case("Parquet: paths that are bytes", "label", parquet({"path": [b"0.png"] * 8, "label": ["cat"] * 8}), None,
         "the column 'path' must hold texts or numbers, found a bytes"),
    Case("Parquet: a list as split", "label", parquet({"label": ["cat", "dog"] * 4, "split": [["train"]] * 8}), None,
         "the column 'split' must hold texts or numbers, found a list"),
    Case("Parquet: paths as the index", "label",
         beside(parquet({"label": ["cat"] * 4 + ["dog"] * 4}),
                lambda s: pd.read_parquet(s).set_index("path").to_parquet(s)), LABELS, "8 rows taken"),
    Case("Parquet: damaged", "label", table(b"PAR1 no", "t.parquet"), None, "cannot be read as a table"),
]  # fmt: skip

MODES = [
    Case(f"{mode} as {suffix}", "image", moded(mode, suffix), LABELS, "8 images taken")
    for mode, suffix in (
        ("1", ".png"), ("L", ".png"), ("LA", ".png"), ("P", ".gif"), ("RGBA", ".png"), ("CMYK", ".jpg"),
        ("I;16", ".png"), ("I;16", ".tif"), ("YCbCr", ".jpg"),
    )
]  # fmt: skip
MODES.append(
    Case(
        "F beyond 0 to 1 as .tiff",
        "image",
        moded("F", ".tiff"),
        None,
        "floating-point pixels must be 0 (black)",
    )
)
SUFFIXED = [
    Case(f"{suffix} files", "image", tree(*ANIMALS, suffix=suffix), LABELS, "8 images taken")
    for suffix in (
        ".jpg", ".JPG", ".jpeg", ".jpe", ".jfif", ".avif", ".webp", ".bmp", ".dib", ".tga", ".ppm", ".jp2", ".PNG",
    )
]  # fmt: skip

CASES = [*FOLDERS, *DIALECTS, *ENCODINGS, *TEXTS, *MODES, *SUFFIXED]
