#!/usr/bin/env bash
# Judge what measure.sh measured, and exit as `harness gate` does: 3 failed, 4 invalid.
#
# Takes SUITE, OUT and WORK like measure.sh. Reports go to OUT/gate.
set -euo pipefail

: "${SUITE:?a suite}" "${OUT:?where results are}" "${WORK:?where checkouts are}"

suite=$SUITE
[[ $SUITE != *.toml ]] || suite=$WORK/head/$SUITE
exec "$WORK/venv-head/bin/python" -m harness gate "$OUT/head" \
    --suite "$suite" --baseline "$OUT/base" --out "$OUT/gate"
