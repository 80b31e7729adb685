#!/bin/sh
# Builds the peer that Benchmarks/compare measures against: llama.cpp, natively, from the source inside the PyPI package
# llama-cpp-python. Takes some ten minutes on two cores. Leaves llama-bench, llama-batched-bench and llama-server in
# FOLDER/build/bin.
set -eu
folder=${1:?usage: Benchmarks/build_llama_cpp.sh FOLDER}
version=0.3.36
mkdir -p "$folder"
cd "$folder"
python3 -m pip download --no-deps --no-binary llama-cpp-python "llama-cpp-python==$version" --dest .
tar xzf "llama_cpp_python-$version.tar.gz"
python3 -m pip install --target tools cmake ninja
PYTHONPATH=$PWD/tools PATH=$PWD/tools/bin:$PATH
export PYTHONPATH PATH
cmake -S "llama_cpp_python-$version/vendor/llama.cpp" -B build -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DGGML_NATIVE=ON -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF
cmake --build build --target llama-bench llama-batched-bench llama-server
echo "$PWD/build/bin"
