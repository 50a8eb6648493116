"""ImagePairs to verify: LFW's pairs.txt, a CSV of pairs, all pairs of a table, or pairs drawn as LFW's were."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from metric_face.arrays import Bools, Ints
from metric_face.data import ImageTable, read_csv_text
from metric_face.errors import ArgumentError, DataError
from metric_face.evaluation.pair_files import NamedPair, pairs_of_frame, pairs_of_lines, rows_by_name
from metric_face.evaluation.pair_identities import identities_of_pairs
from metric_face.fold_assignment import identity_folds
from metric_face.plurals import counted
from metric_face.vectors import group_codes

FOLDS, EACH = 10, 300
"""Of pairs that are drawn: LFW's ten sets of 300 genuine and 300 impostor pairs."""


@dataclass(frozen=True)
class ImagePairs:
    """P pairs of a table's images.

    Attributes:
        first, second: (P,) rows of the table.
        same: (P,) whether both are of one identity.
        identities: (N,) codes of who is on each image of the table, for intervals.
        folds: (P,) number of each pair's fold, None where there are none.
        notes: what was left out or assumed, a line each.
    """

    first: Ints
    second: Ints
    same: Bools
    identities: Ints
    folds: Ints | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.first)


def read_pairs(file: str | Path, table: ImageTable, *, seed: int = 0) -> ImagePairs:
    """Read a file of pairs.

    Text as LFW's ``pairs.txt``: a line with the number of folds and of pairs, then for each fold the genuine pairs
    ``name, number, number`` and as many impostor pairs ``name, number, name, number``, where an image is the file
    ``name_0001``. Otherwise a CSV or TSV with the columns ``path1`` and ``path2``, paths or file names of the table,
    and perhaps ``same`` (1 or 0; default by the table's identities) and ``fold``.

    Args:
        file: the file.
        table: the images.
        seed: of the folds, where the file has none: each pair goes with the identity of its first image.

    Raises:
        DataError: the file cannot be read as either, a name stands for several images, or no pair is of images in the
            table.
    """
    path = Path(file)
    if path.suffix.lower() in (".csv", ".tsv"):
        frame, read_notes = read_csv_text(path, ("path1", "path2"))
        named, notes = pairs_of_frame(frame, path), list(read_notes)
    else:
        named, notes = pairs_of_lines(path), []
    rows = rows_by_name(named, table, path)
    there: Bools = np.asarray((rows >= 0).all(axis=1))
    if not there.any():
        raise DataError(
            f"{path}: none of its {len(named):,} pairs is of two images of the table, such as {named[0].first}; "
            "names are paths or file names"
        )
    if not there.all():
        notes.append(
            f"{path}: {int((~there).sum()):,} of {len(named):,} pairs name an image that is not in the table and are "
            "left out"
        )
    kept = [pair for pair, is_there in zip(named, there, strict=True) if is_there]
    first, second = rows[there].T
    return _with_truth(kept, first, second, table, path, notes, seed)


def every_pair(table: ImageTable, *, most: int = 1_000_000, seed: int = 0) -> ImagePairs:
    """All pairs of a table, genuine and impostor; of either kind at most ``most``, drawn where there are more.

    Raises:
        ArgumentError: the table has no identities.
    """
    identities = _identities(table)
    generator = np.random.default_rng(seed)
    counts = np.bincount(identities)
    total, genuine = len(identities) * (len(identities) - 1) // 2, int((counts * (counts - 1) // 2).sum())
    notes, parts = [], []
    for same, number in ((True, genuine), (False, total - genuine)):
        if number > most:
            kind = "genuine" if same else "impostor"
            notes.append(f"{most:,} of {number:,} {kind} pairs are drawn")
        parts.append(_chosen(identities, same, most, generator))
    first, second = np.concatenate(parts, axis=1)
    return ImagePairs(first, second, identities[first] == identities[second], identities, None, tuple(notes))


def drawn_pairs(table: ImageTable, *, folds: int = FOLDS, each: int = EACH, seed: int = 0) -> ImagePairs:
    """ImagePairs drawn as LFW's were: folds of whole identities, each with as many genuine as impostor pairs.

    For a genuine pair an identity of two images or more is drawn, whichever their number, and two of its images; for
    an impostor pair two identities, and an image of each; none is drawn twice.

    Args:
        table: the images, with identities.
        folds: how many.
        each: genuine pairs in a fold, and impostor pairs; fewer where a fold has fewer genuine ones.
        seed: of folds and pairs.

    Raises:
        ArgumentError: the table has no identities, or fewer with two images than folds.
    """
    identities = _identities(table)
    several = np.bincount(identities)[identities] > 1
    found = len(np.unique(identities[several]))
    if found < folds:
        raise ArgumentError(
            f"pairs in {folds} folds take {folds} identities with two images or more, found {found}; give a file"
        )
    members = identity_folds(identities, folds, several.astype(np.int64), seed=seed)
    generator = np.random.default_rng(seed)
    inside = [np.flatnonzero(members == fold) for fold in range(folds)]
    counts = [np.bincount(identities[rows]) for rows in inside]
    genuine = [int((one * (one - 1) // 2).sum()) for one in counts]
    impostor = [len(rows) * (len(rows) - 1) // 2 - one for rows, one in zip(inside, genuine, strict=True)]
    each = min(each, *genuine, *impostor)
    if not each:
        raise ArgumentError(f"pairs in {folds} folds: a fold has no genuine or no impostor pair; give a file")
    parts, numbers = [], []
    for fold, rows in enumerate(inside):
        for same in (True, False):
            parts.append(rows[_by_identity(identities[rows], same, each, generator)])
            numbers.append(np.full(each, fold))
    first, second = np.concatenate(parts, axis=1)
    same_identity = identities[first] == identities[second]
    return ImagePairs(first, second, same_identity, identities, np.concatenate(numbers))


def _identities(table: ImageTable) -> Ints:
    if table.identities is None:
        raise ArgumentError(
            "pairs: the table has no column 'identity' to make pairs by; name the column that says who is shown, "
            "as identity='label' (--identity label), or give a file of pairs"
        )
    return np.unique(table.identities, return_inverse=True)[1].astype(np.int64)


def _chosen(identities: Ints, same: bool, most: int, generator: np.random.Generator) -> Ints:
    """(2, P) positions of all pairs of a kind, or of ``most`` that are drawn.

    Sorted by identity, an image is paired with what follows it of its own identity, or with what follows its identity;
    so all pairs have a number, and some are drawn without listing the others.
    """
    order = np.argsort(identities, kind="stable")
    ends = np.cumsum(np.bincount(identities))[identities[order]]
    begins = np.arange(1, len(order) + 1) if same else ends
    counts = ends - begins if same else len(order) - begins
    before = np.concatenate([[0], np.cumsum(counts)])
    number = int(before[-1])
    chosen = np.arange(number)
    if number > most:
        chosen = np.empty(0, np.int64)
        while len(chosen) < most:
            chosen = np.unique(np.append(chosen, generator.integers(0, number, most)))
        chosen = np.sort(generator.permutation(chosen)[:most])
    image = np.searchsorted(before, chosen, side="right") - 1
    return np.asarray(order[np.array([image, begins[image] + chosen - before[image]])])


def _by_identity(identities: Ints, same: bool, count: int, generator: np.random.Generator) -> Ints:
    """(2, count) positions of distinct pairs, of identities that are equally likely; so many pairs must exist."""
    names, sizes = np.unique(identities, return_counts=True)
    order, starts = np.argsort(identities, kind="stable"), np.concatenate([[0], np.cumsum(sizes)])
    eligible = np.flatnonzero(sizes > 1) if same else np.arange(len(names))
    codes: Ints = np.empty(0, np.int64)
    while len(codes) < count:
        who = eligible[generator.integers(0, len(eligible), 4 * count)]
        one = generator.integers(0, sizes[who])
        if same:
            other, whose = (one + 1 + generator.integers(0, sizes[who] - 1)) % sizes[who], who
        else:
            whose = (who + generator.integers(1, len(names), len(who))) % len(names)
            other = generator.integers(0, sizes[whose])
        pair = np.sort(np.array([order[starts[who] + one], order[starts[whose] + other]]), axis=0)
        codes = np.append(codes, pair[0] * len(identities) + pair[1])
        codes = codes[
            np.sort(np.unique(codes, return_index=True)[1])
        ]  # the first of each, in the order of drawing
    return np.array(np.divmod(codes[:count], len(identities)))


def _with_truth(
    named: list[NamedPair],
    first: Ints,
    second: Ints,
    table: ImageTable,
    path: Path,
    notes: list[str],
    seed: int,
) -> ImagePairs:
    """The pairs of a file with who is on them, by the file and by the table."""
    known = None if table.identities is None else _identities(table)
    stated = [pair.same for pair in named]
    if known is None and any(one is None for one in stated):
        raise DataError(f"{path}: needs a column 'same' of 1 and 0, as the table has no identities")
    if known is None:
        same = np.array(stated, bool)
        identities = identities_of_pairs(named, first, second, same, len(table))
    else:
        identities = known
        by_table = np.equal(identities[first], identities[second])
        same = np.array(
            [
                of_table if one is None else one
                for one, of_table in zip(stated, by_table.tolist(), strict=True)
            ]
        )
        if differing := int((same != by_table).sum()):
            notes.append(
                f"{path}: of {counted(differing, 'pairs')} the table's identities say otherwise than the file, whose "
                "word is taken"
            )
    pairs = ImagePairs(first, second, same, identities, None, tuple(notes))
    folds = [pair.fold for pair in named]
    if all(fold is not None for fold in folds):
        return replace(pairs, folds=group_codes(folds)[0])
    owners = identities[first]
    if len(np.unique(owners)) < FOLDS:
        note = f"accuracy: left out; it takes {FOLDS} folds of identities, found {len(np.unique(owners))}"
        return replace(pairs, notes=(*notes, note))
    made = identity_folds(owners, FOLDS, same.astype(np.int64), seed=seed)
    note = f"{path}: has no folds; {FOLDS} are made by the identity of the first image, the second may recur"
    return replace(pairs, folds=made, notes=(*notes, note))
