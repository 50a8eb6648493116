"""Deal items into rows, evenly at every scale.

One routine fills the groups of K images and the batches of P labels. It halves the rows again and again.
An item that is to appear an even number of times gives half of them to either side; the odd ones out go to
sides chosen at random, exactly as many to each. What follows, without any repair afterwards:

- an item with at most as many copies as there are rows is never twice in a row;
- any stretch that the halving cuts out holds, of every item, its share rounded down or up: nothing is
  drawn first or left for last;
- the pairs of items that share a row are drawn anew at every halving.

The sides of the odd ones out come from systematic sampling (Madow 1949): items lie in random order on a
line, each as long as its remainder, and marks at equal distances pick those that get one more. A stretch
of neighbors on that line is then itself shared evenly, so items of one *stratum*, kept side by side, are
spread like a single item: the identities within a class, the classes within a batch.

Reference: W. G. Madow, "On the theory of systematic sampling, II", Annals of Mathematical Statistics 20
(1949), 333-354.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from metric_face.arrays import Ints

_ALL_BITS = np.iinfo(np.uint64).max


def deal(
    first: Ints, copies: Ints, width: int, rng: np.random.Generator, strata: Sequence[Ints] = ()
) -> Ints:
    """Deal items into a table of rows that all have the same width.

    The table is made of blocks of rows, filled independently. A block has as many rows as the copies of its
    items fill.

    Args:
        first: (N,) the first row of the block in which item i goes.
        copies: (N,) how often item i appears in it.
        width: cells in a row.
        rng: where the randomness comes from.
        strata: from the outermost in, (N,) the stratum of each item: spread over the rows as evenly as if
            it were a single item.

    Returns:
        (R, width) item numbers. An item is in each row of its block floor or ceil of copies / rows times,
        and so is a stratum.
    """
    table = np.empty(int(copies.sum()), dtype=np.int64)
    item = np.flatnonzero(copies)  # an item without copies takes no part
    first, copies = first[item], copies[item]
    while item.size:  # one pass halves every open block, so there are log2(rows) passes
        # Sort by block; within a block, strata and items stand in random order, neighbors of a stratum together.
        order = shuffled_within(first, rng, [stratum[item] for stratum in strata])
        item, first, copies = item[order], first[order], copies[order]
        # A block is a run of equal first rows; starts and sizes count items, rows count rows of the table.
        starts = np.flatnonzero(np.concatenate(([True], first[1:] != first[:-1])))
        sizes = np.diff(starts, append=item.size)
        rows = np.add.reduceat(copies, starts) // width
        # A block of one row has nothing left to halve.
        finished = rows == 1
        if not strata:  # where nothing appears twice, any order will do, and this one is random
            finished |= np.maximum.reduceat(copies, starts) == 1
        if finished.any():
            done = np.repeat(finished, sizes)
            # The block's cells start at first * width; an item's follow those of the items before it in the block.
            before = np.cumsum(copies) - copies
            cell = before + np.repeat(first[starts] * width - before[starts], sizes)
            _write(table, item[done], cell[done], copies[done])
            item, first, copies = item[~done], first[~done], copies[~done]
            sizes, rows = sizes[~finished], rows[~finished]
        # Cut each open block after half of its rows and share the copies of every item between the two sides.
        half = np.repeat(rows // 2, sizes)
        left = _left_share(copies, np.repeat(rows, sizes), half, sizes, rng)
        right = copies - left
        # An item is listed once in each side where it has copies; the right side begins `half` rows further down.
        goes_left, goes_right = left > 0, right > 0
        item = np.concatenate((item[goes_left], item[goes_right]))
        first = np.concatenate((first[goes_left], (first + half)[goes_right]))
        copies = np.concatenate((left[goes_left], right[goes_right]))
    return table.reshape(-1, width)


def shuffled_within(block: Ints, rng: np.random.Generator, strata: Sequence[Ints] = ()) -> Ints:
    """The order (N,) that puts blocks in sequence and their items, or strata, in random order inside."""
    if strata:
        keys = [_scramble(stratum, block, rng) for stratum in strata]
        order: Ints = np.lexsort((rng.random(block.size), *reversed(keys), block))
        return order
    return _packed_order(block, rng.integers(0, _ALL_BITS, block.size, dtype=np.uint64, endpoint=True))


def stable_order(values: Ints) -> Ints:
    """The order (N,) that sorts values from 0 up and leaves equal ones as they are."""
    return _packed_order(values, None)


def _packed_order(major: Ints, minor: npt.NDArray[np.uint64] | None) -> Ints:
    """Sort by major, then by the upper bits of minor, then by position, all packed in one number.

    Sorting numbers is several times faster than sorting positions by numbers, and as no two are equal the
    order is the same whichever instructions a processor sorts with.
    """
    if not major.size:
        return major
    # A key of 64 bits, from the top: major, then what fits of minor, then the position.
    bits, position_bits = int(major.max()).bit_length(), major.size.bit_length()
    positions = (np.uint64(1) << np.uint64(position_bits)) - np.uint64(1)  # mask of the lowest bits
    key = np.arange(major.size, dtype=np.uint64)
    if minor is not None:
        key |= (minor >> np.uint64(bits)) & ~positions
    if bits:
        key |= major.astype(np.uint64) << np.uint64(64 - bits)
    key.sort()
    return (key & positions).astype(np.int64)


def _left_share(copies: Ints, rows: Ints, half: Ints, sizes: Ints, rng: np.random.Generator) -> Ints:
    """How many copies of each item go to the first `half` of its block's rows."""
    # Of the exact share copies * half / rows, the whole part is certain; the remainder is drawn below.
    share: Ints = copies * half // rows
    remainder: Ints = copies * half % rows
    # Lay the remainders of a block end to end on a line, in units of 1 / rows, behind a random offset.
    ends = np.cumsum(remainder)
    if sizes.size:
        starts = np.cumsum(sizes) - sizes
        offset = rng.integers(0, rows[starts])  # where the first mark lies
        ends += np.repeat(offset - (ends[starts] - remainder[starts]), sizes)
    # Marks lie at the multiples of rows; an item whose stretch of the line holds one gets one copy more.
    left: Ints = share + ends // rows - (ends - remainder) // rows
    return left


def _write(table: Ints, item: Ints, cell: Ints, copies: Ints) -> None:
    """Write each item into `copies` cells from `cell` on."""
    if copies.max() == 1:
        table[cell] = item
        return
    within = np.arange(int(copies.sum())) - np.repeat(np.cumsum(copies) - copies, copies)
    table[np.repeat(cell, copies) + within] = np.repeat(item, copies)


def _scramble(stratum: Ints, block: Ints, rng: np.random.Generator) -> npt.NDArray[np.uint64]:
    """A number for each stratum, random in each block, never the same for two strata of a block.

    Every step (adding, multiplying by an odd number, xor with the own upper bits) can be undone, so equal
    results mean equal strata; the mixing is that of SplitMix64.
    """
    salt = rng.integers(0, _ALL_BITS, 2, dtype=np.uint64)
    x = stratum.astype(np.uint64) + block.astype(np.uint64) * (salt[0] | np.uint64(1)) + salt[1]
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: npt.NDArray[np.uint64] = x ^ (x >> np.uint64(31))
    return mixed
