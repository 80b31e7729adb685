"""What is measured without a server: prefill and decode of the default model, of every format, of a 9B shape."""

import subprocess
import sys

from rounds import Row, Subject

FORMATS = ["q4_0", "q4_k", "q8_0", "f16"]


def prefill(context):
    tokens = context.scaled(512)
    return Subject("Prefill", {
        "Gatehouse": lambda _: context.gatehouse.bench(context.model, prompt=tokens),
        "llama.cpp": lambda _: context.llama_cpp.bench(context.model, prompt=tokens),
    }, [Row(f"pp{tokens}", f"prefill {tokens}", "tokens/s", bar=("at least", 4))])


def decode(context):
    tokens = context.scaled(128)
    return Subject("Decode", {
        "Gatehouse": lambda _: context.gatehouse.bench(context.model, written=tokens),
        "llama.cpp": lambda _: context.llama_cpp.bench(context.model, written=tokens),
    }, [Row(f"tg{tokens}", f"decode {tokens}, one sequence", "tokens/s", bar=("at least", 1.6)),
        Row(f"tg{tokens} share", "its share of the read bandwidth (0.8 is a bar too, whichever is lower)", "", 2),
        Row("read bandwidth", "read bandwidth of the run", "GB/s", 1)])


def batch(context):
    tokens = context.scaled(128)
    return Subject("Batched decode", {
        "Gatehouse": lambda _: context.gatehouse.bench(context.model, written=tokens, batches=[4, 16]),
        "llama.cpp": lambda _: context.llama_cpp.batched_bench(context.model, tokens, [4, 16]),
    }, [Row(f"tg{tokens}@4", f"decode {tokens}, 4 sequences", "tokens/s"),
        Row(f"tg{tokens}@16", f"decode {tokens}, 16 sequences", "tokens/s", bar=("at least", 3.5))])


def random_model(context, shape, kind):
    """The file of a random model, written where it is not there."""
    path = context.models / f"{shape}-{kind}.gguf"
    if not path.exists():
        print(f"writing {path}", file=sys.stderr, flush=True)
        script = context.root / "Benchmarks/random_model.py"
        subprocess.run([sys.executable, script, "--shape", shape, "--type", kind, path], check=True)
    return path


def formats(context):
    """A subject for each format."""
    prompt, written = context.scaled(256), context.scaled(32)
    for kind in FORMATS:
        model = random_model(context, "360m", kind)
        yield Subject(f"{kind.upper()}, random 386 M model", {
            "Gatehouse": lambda _, model=model: context.gatehouse.bench(model, prompt, written),
            "llama.cpp": lambda _, model=model: context.llama_cpp.bench(model, prompt, written),
        }, [Row(f"pp{prompt}", f"prefill {prompt}", "tokens/s", bar=("at least", 1)),
            Row(f"tg{written}", f"decode {written}", "tokens/s", 1, bar=("at least", 1)),
            Row(f"tg{written} share", "its share of the read bandwidth", "", 2)])


def glm4(context):
    model = random_model(context, "glm4-9b", "q4_0")
    written = context.scaled(16)

    def gatehouse(_):
        with context.servers.gatehouse(model, 2048) as server:
            seconds = server.ready()
        return {"ready": seconds, **context.gatehouse.bench(model, written=written)}

    def llama_cpp(_):
        with context.servers.llama_cpp(model, 2048, 1, "--no-warmup") as server:
            seconds = server.ready()
        return {"ready": seconds, **context.llama_cpp.bench(model, written=written)}

    context.warm(model)
    return Subject("Shape of GLM-4-9B, random Q4_0", {"Gatehouse": gatehouse, "llama.cpp": llama_cpp}, [
        Row("ready", "start until it serves, warm page cache (bar: under 2 s)", "s", 2),
        Row(f"tg{written}", f"decode {written}", "tokens/s", 2, bar=("at least", 1)),
        Row(f"tg{written} share", "its share of the read bandwidth (bar: 0.85)", "", 2)])
