"""Damage each file of a run in every way, and ask each command that reads it.

``python -m benchmarks.robust_corruption [--quick]``. Right is one line that names what is wrong, the undamaged answer
(the file does not matter to that command, or is made anew), or an answer without what the file was for that says so.
Wrong is a traceback, and another answer without a word.
"""

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.corruption_kinds import damages
from benchmarks.corruption_stage import READERS, SLOW, Said, Stage, prepare
from benchmarks.harness import machine, publish, table

ENDS = ("one line", "same answer", "answer, and said", "other answer", "traceback")


def try_file(
    stage: Stage,
    name: str,
    whole: dict[str, Said],
    *,
    seed: int = 0,
    choose: Callable[[int], bool] = lambda n: True,
) -> Iterator[tuple[str, str, str, str]]:
    """Damage one file in every way: the damage, the command, how it ended and what was said.

    Args:
        stage: left as it was.
        name: of the file, from the stage's home.
        whole: command -> its undamaged answer.
        seed: of the damage.
        choose: of the number of a damage, whether it is tried.
    """
    file = stage.home / name
    spare = stage.home / "spare"
    shutil.copyfile(file, spare)
    for number, (damage, do) in enumerate(damages(file, stage.twin(name), seed)):
        if not choose(number):
            continue
        for command in READERS[name]:
            do(file)
            said = stage.ask(command)
            yield damage, command, _end(said, whole[command], name), said.text
            shutil.rmtree(file) if file.is_dir() else file.unlink(missing_ok=True)
            shutil.copyfile(spare, file)


def _end(said: Said, whole: Said, name: str) -> str:
    if said.end != "answer":
        return said.end
    if said.text == whole.text:
        return "same answer"
    names = Path(name).parts[1:] or (name,)  # the file, the folder it is in, the fold
    is_said = any(note not in whole.notes and any(name in note for name in names) for note in said.notes)
    return "answer, and said" if is_said else "other answer"


def answers(stage: Stage, commands: set[str]) -> dict[str, Said]:
    """The undamaged answer of each command, asked twice so that what is kept on the way is there."""
    found = {}
    for command in sorted(commands):
        first, found[command] = stage.ask(command), stage.ask(command)
        if found[command].end != "answer" or first.text != found[command].text:
            raise AssertionError(f"{command} on an undamaged run: {found[command].text[:500]}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Damage each file of a run in every way.")
    parser.add_argument(
        "--quick", action="store_true", help="each third damage, and without the slow commands"
    )
    quick = parser.parse_args().quick
    readers = {n: c for n, c in READERS.items() if not (quick and set(c) <= set(SLOW))}
    wrong: list[str] = []
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        stage = prepare(Path(folder))
        whole = answers(stage, {command for commands in readers.values() for command in commands})
        for name in readers:
            counts: Counter[str] = Counter()
            ways = set()
            for damage, command, end, said in try_file(
                stage, name, whole, choose=lambda n: not quick or n % 3 == 0
            ):
                counts[end] += 1
                ways.add(damage)
                if end in ENDS[3:]:
                    wrong.append(f"{name}, {damage}, {command}: {end}: {said[:160]!r}")
            rows.append((name, len(ways), ", ".join(readers[name]), *(counts[e] for e in ENDS)))
            print(rows[-1], flush=True)
    total = (
        "all",
        sum(int(row[1]) for row in rows),
        "",
        *(sum(row[at] for row in rows) for at in range(3, 3 + len(ENDS))),
    )  # type: ignore[misc]
    publish(
        "robustness-corruption",
        "Damaged files of a run",
        "python -m benchmarks.robust_corruption" + (" --quick" if quick else ""),
        machine("numpy", "pandas", "torch", "faiss-cpu"),
        [
            "Each file that a command reads, of a tiny run, of a training that is resumed (`begun`) and of folds, "
            "damaged in each way, and each command that reads it. Right is one line that names the file, what is wrong "
            "and the remedy; the undamaged answer (where the file has no part in it, or is made anew, as a neighbor "
            "graph is, or the other checkpoint serves); or an answer beside which the file is named as not used. Wrong "
            "is a traceback, and another answer with exit code 0 and no word.",
            table(("file", "ways", "commands", *ENDS), [*rows, total]),
            "A CSV of predictions that `embed --csv` wrote carries a checksum for each row and the number of rows. Of "
            "other programs' files, which have none, what is still a table of probabilities is believed; so is a "
            "submission (`ImageID,ans`), whose form the competition gives."
            + ("\n\n" + "\n".join(f"- {line}" for line in wrong) if wrong else ""),
        ],
    )
    if wrong:
        sys.exit(1)


if __name__ == "__main__":
    main()
