#!/usr/bin/env bash
# Measure two commits of this repository in turn, on one machine: base, head, head, base.
#
# Each commit gets a checkout and an environment of its own. Drift of the machine hits both alike,
# because they alternate; the runs of each side are then pooled into OUT/base and OUT/head.
#
#   BASE, HEAD   the commits
#   SUITE        a suite: the path of a .toml in HEAD, or a name that harness knows
#   OUT          where results go
#   WORK         where checkouts and environments go
#   ROUNDS       how often each side is run; at least 2, even so that neither is always first
#   REPLICATES   replicates a round; ROUNDS times this is what the suite has to ask for
#   INSTALL      the command that installs a checkout, run in it with its environment active
set -euo pipefail

: "${BASE:?the commit to compare with}" "${HEAD:?the commit under test}"
: "${SUITE:?a suite}" "${OUT:?where results go}" "${WORK:?where checkouts go}"
rounds=${ROUNDS:-2}
replicates=${REPLICATES:-1}
install=${INSTALL:-python -m pip install --quiet .}
python=${PYTHON:-python3}

if ((rounds < 2 || rounds % 2)); then
    echo "ROUNDS is $rounds: it has to be even, so that neither side is always first" >&2
    exit 2
fi
mkdir -p "$OUT" "$WORK"
OUT=$(realpath "$OUT") WORK=$(realpath "$WORK")

prepare() { # SIDE COMMIT
    git worktree add --quiet --detach --force "$WORK/$1" "$2"
    "$python" -m venv "$WORK/venv-$1"
    (
        cd "$WORK/$1"
        export PATH="$WORK/venv-$1/bin:$PATH" VIRTUAL_ENV="$WORK/venv-$1"
        bash -euo pipefail -c "$install"
    )
}

measure() { # SIDE
    # 4 is a replicate that was lost or arms that disagree: the gate says so, and what it means.
    (cd "$WORK/$1" && "$WORK/venv-$1/bin/python" -m harness run --no-report --suite "$suite" \
        --replicates "$replicates" --results "$OUT/runs/$1" >>"$OUT/runs/$1.txt") || (($? == 4))
}

pool() { # SIDE
    local made
    made=$("$WORK/venv-head/bin/python" -m harness pool "$OUT/runs/$1"/*/ --results "$OUT/pools")
    mv "$made" "$OUT/$1"
}

mkdir -p "$OUT/runs"
prepare base "$BASE"
prepare head "$HEAD"
# Both sides are judged by the suite of the head: a change may well be one of the suite.
suite=$SUITE
[[ $SUITE != *.toml ]] || suite=$WORK/head/$SUITE

for ((round = 1; round <= rounds; round++)); do
    if ((round % 2)); then order=(base head); else order=(head base); fi
    for side in "${order[@]}"; do
        echo "round $round of $rounds: $side" >&2
        measure "$side"
    done
done
pool base
pool head
