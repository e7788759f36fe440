#!/usr/bin/env bash
# Builds the wheel, installs it in a bare virtual environment, and trains and predicts from it in a folder without the sources.
#   scripts/check_wheel.sh [FOLDER FOR THE ENVIRONMENT]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=${1:-$(mktemp -d)}
mkdir -p "$work"
python3 -m venv "$work/venv"
python3 -m pip wheel --quiet --no-deps --wheel-dir "$work/dist" "$root"
"$work/venv/bin/pip" install --quiet --constraint "$root/constraints.txt" "$work"/dist/melanoma-*.whl

cd /
"$work/venv/bin/melanoma-train" --cfg job > "$work/config.yaml"
grep -q '^training:' "$work/config.yaml"
"$work/venv/bin/melanoma-train" -m experiment=demo model.drop_rate=0.1,0.2 \
    data.root="$work/demo" data.demo.patients=40 data.demo.image_size=32 \
    training.image_size=32 training.epochs=1 hydra.sweep.dir="$work/sweep" cache="$work/cache"
"$work/venv/bin/melanoma-prepare" data=demo data.root="$work/demo" data.demo.patients=40 data.demo.image_size=32 \
    size=16 out="$work/prepared" cache="$work/cache"
test -s "$work/prepared/audit.html"
for job in 0 1; do
    "$work/venv/bin/melanoma-eval" checkpoint="$work/sweep/${job}_standard/checkpoints/best.pt" \
        hydra.run.dir="$work/eval_$job"
    test -s "$work/eval_$job/report.html"
done
"$work/venv/bin/melanoma-predict" checkpoint="$work/sweep" images="$work/demo/jpeg/train" hydra.run.dir="$work/predict"
test -s "$work/predict/submission.csv"
"$work/venv/bin/melanoma-export" checkpoint="$work/sweep/0_standard" format=bundle hydra.run.dir="$work/export"
test -s "$work/export/model.safetensors"
echo "the wheel works"
