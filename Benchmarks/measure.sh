#!/bin/sh
# Measures everything that Docs/ tells of speed, one after the other, on a machine that does nothing else:
#
#     Benchmarks/measure.sh FOLDER
#
# FOLDER takes llama.cpp, built from source, and the random models: 8 GB in all. Writes Docs/Speed.md, Docs/Roofline.md,
# Docs/Scaling.md and Docs/Scaling.svg. Options after FOLDER go to Benchmarks/compare.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
folder=${1:?usage: Benchmarks/measure.sh FOLDER [OPTION OF compare]…}
shift
# shellcheck source=Scripts/setup.sh
. "$root/Scripts/setup.sh"
install_build_packages
install_packages linux-perf valgrind binutils
ensure_pip
fetch_model
mkdir -p "$folder/models"
folder=$(CDPATH='' cd -- "$folder" && pwd)
[ -x "$folder/build/bin/llama-server" ] || "$root/Benchmarks/build_llama_cpp.sh" "$folder"
swift build -c release --quiet --package-path "$root"

# A table that is half written replaces none.
write() {
    file=$root/Docs/$1.md
    shift
    "$@" >"$file.part" || { rm -f "$file.part"; exit 1; }
    mv "$file.part" "$file"
    echo "$file"
}

speed() {
    printf '# Speed\n\nAgainst llama.cpp, built natively from the source inside llama-cpp-python, both sides in turn.\n\n'
    printf '```sh\nBenchmarks/measure.sh FOLDER\n```\n\n'
    python3 "$root/Benchmarks/compare" --llama-cpp "$folder/build/bin" --models "$folder/models" "$@"
}

roofline() {
    printf '# Roofline\n\nWhere the time of a step goes, and how near each operation comes to the limit of the machine.\n\n'
    printf '```sh\nBenchmarks/roofline.py\nBenchmarks/instructions.sh\n```\n\n## Time\n\n'
    python3 "$root/Benchmarks/roofline.py" &&
        printf '## Instructions\n\nOf the path for AVX2, as callgrind counts them.\n\n' &&
        "$root/Benchmarks/instructions.sh"
}

write Speed speed "$@"
write Roofline roofline
python3 "$root/Benchmarks/scaling.py"
