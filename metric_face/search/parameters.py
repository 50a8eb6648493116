"""The parameters of one search with FAISS: how much it visits, and what it may find."""

from typing import Any

import numpy as np

from metric_face.arrays import Bools, Ints
from metric_face.search.kinds import get_effort, knob


def parameters_of(index: Any, slots: Ints | None, ask: int, wide: bool, chosen: Bools | None) -> Any:
    """Return FAISS's parameters for a search; None where those of the index will do.

    Args:
        index: an approximate FAISS index.
        slots: (N,) the FAISS ids of those rows of an HNSW index that are not removed; None where all are there.
        ask: neighbors asked for.
        wide: look everywhere.
        chosen: (N,) rows of an inverted file that may be found; None for all.
    """
    import faiss

    if knob(index) == "nprobe":
        probes = index.nlist if wide else get_effort(index)
        if chosen is None:
            return faiss.SearchParametersIVF(nprobe=probes) if wide else None
        # The neighbors among a tenth of the vectors lie in about ten times as many lists.
        probes = min(index.nlist, -(-probes * len(chosen) // max(1, int(chosen.sum()))))
        return faiss.SearchParametersIVF(nprobe=probes, sel=_selector(chosen))
    effort = max(get_effort(index), ask)
    effort = 2 * effort if wide else effort
    if slots is None:
        return faiss.SearchParametersHNSW(efSearch=effort)
    alive = np.zeros(int(index.ntotal), bool)
    alive[slots] = True
    return faiss.SearchParametersHNSW(efSearch=effort, sel=_selector(alive))


def _selector(wanted: Bools) -> Any:
    import faiss

    return faiss.IDSelectorBitmap(np.packbits(wanted, bitorder="little"))
