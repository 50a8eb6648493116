#!/usr/bin/env bash
# The vectors of a run's images, computed by a Slurm array and joined when every task has ended:
#
#     examples/embed_slurm.sh RUN [IMAGES --out FOLDER] [more options of `metric-face embed`]
#
# SHARDS=16 says how many tasks; the run, the images and FOLDER lie on a disk that all nodes see. A task that was
# killed goes on where it was when it is submitted again; the join names a shard that is missing, and how to make it.
set -euo pipefail

if [[ -z "${SLURM_ARRAY_TASK_ID:-}" && -z "${JOIN:-}" ]]; then # on the login node: submit both
    SHARDS="${SHARDS:-8}"
    array=$(sbatch --parsable --array="1-$SHARDS" --requeue --export="ALL,SHARDS=$SHARDS" "$0" "$@")
    JOIN=1 sbatch --dependency="afterok:$array" --export=ALL "$0" "$@"
    exit
fi
if [[ -n "${JOIN:-}" ]]; then
    exec metric-face embed "$@" --merge
fi
# i/n and not `slurm`, so that single tasks can be submitted again: SHARDS=8 sbatch --array=3 examples/embed_slurm.sh RUN
exec metric-face embed "$@" --shard "$SLURM_ARRAY_TASK_ID/$SHARDS"
