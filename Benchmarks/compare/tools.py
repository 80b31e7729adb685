"""Command lines of what measures without a server: `gatehouse bench`, llama-bench and llama-batched-bench."""

import json
import subprocess


def output(command):
    """What a command prints; says why where it fails."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if result.returncode != 0:
        reason = result.stderr.strip().splitlines() or ["no reason given"]
        raise SystemExit(f"{command[0]} ended with {result.returncode}: {reason[-1]}")
    return result.stdout


class Gatehouse:
    def __init__(self, binary, threads):
        self.binary, self.threads = binary, threads

    def bench(self, model, prompt=0, written=0, batches=(1,)):
        """Tokens per second by test, as pp512, tg128 or tg128@4; `NAME share`, a decode's share of the read bandwidth;
        `read bandwidth` in GB/s."""
        printed = json.loads(output([
            self.binary, "bench", "--json", "--repetitions", 1, "--model", model, "--threads", self.threads, "-p", prompt,
            "-n", written, "--batch", ",".join(map(str, batches))]))
        figures = {"read bandwidth": printed["read_bandwidth_gb_per_s"]}
        for result in printed["results"]:
            name = result["test"]
            figures[name] = result["tokens_per_second"]
            if "read_bandwidth_share" in result:
                figures[f"{name} share"] = result["read_bandwidth_share"]
        return figures


class LlamaCpp:
    """llama.cpp, whose programs lie in one folder."""

    def __init__(self, folder, threads):
        self.folder, self.threads = folder, threads

    def bench(self, model, prompt=0, written=0):
        rows = json.loads(output([
            self.folder / "llama-bench", "-o", "json", "-r", 1, "-m", model, "-t", self.threads, "-p", prompt, "-n", written]))
        return {f"pp{row['n_prompt']}" if row["n_prompt"] else f"tg{row['n_gen']}": row["avg_ts"] for row in rows}

    def batched_bench(self, model, written, batches):
        """Decoding alone, from a prompt of one token: the program has no shorter one."""
        printed = output([
            self.folder / "llama-batched-bench", "-m", model, "-t", self.threads, "-tb", self.threads, "-npp", 1,
            "-ntg", written, "-npl", ",".join(map(str, batches)), "-c", max(batches) * (written + 1) + 512,
            "--output-format", "jsonl"])
        rows = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
        return {f"tg{row['tg']}@{row['pl']}": row["speed_tg"] for row in rows}
