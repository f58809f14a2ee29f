# SPDX-License-Identifier: MIT
"""The peers' side of tools/bench-peers: the workloads in PyTorch, in worker processes of their own that stay, and the
rounds in which Reel, PyTorch (twice) and FANN take turns."""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy

BATCHES = (128, 32, 1)
EPOCHS = 200


def moons():
    """The points of reel_moons_new(200, 0.15, reel_rng_numpy_new(42))."""
    t = numpy.linspace(0, math.pi, 100)
    x = numpy.concatenate([numpy.c_[numpy.cos(t), numpy.sin(t)], numpy.c_[1 - numpy.cos(t), 0.5 - numpy.sin(t)]])
    x = x + 0.15 * numpy.random.RandomState(42).randn(200, 2)
    y = numpy.concatenate([numpy.zeros((100, 1)), numpy.ones((100, 1))])
    return x.astype(numpy.float32), y.astype(numpy.float32)


# ---- PyTorch ----


def two_moons(torch, optimizer, rate):
    x, y = (torch.from_numpy(a) for a in moons())
    net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
    loss_of, steps = torch.nn.BCEWithLogitsLoss(), optimizer(net.parameters(), lr=rate)

    def step():
        steps.zero_grad()
        loss = loss_of(net(x), y)
        loss.backward()
        steps.step()
        return loss.item()

    return step


def digits(torch, batch):
    torch.manual_seed(1)
    x = torch.rand(batch, 784) * 2 - 1
    classes = torch.arange(batch) * 7 % 10
    net = torch.nn.Sequential(torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 128), torch.nn.ReLU(),
                              torch.nn.Linear(128, 10))
    loss_of, steps = torch.nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-3)

    def step():
        steps.zero_grad()
        loss = loss_of(net(x), classes)
        loss.backward()
        steps.step()
        return loss.item()

    return step


def scalars(torch, points):
    """2-16-16-1 tanh in scalars: every number a tensor of its own; returns the pass and its number of operations."""
    torch.manual_seed(1)
    parameters = [torch.rand(()).mul(2).sub(1).requires_grad_() for _ in range(337)]
    x = [[torch.rand(()), torch.rand(())] for _ in range(points)]
    y = [torch.tensor(1.0 if p % 2 else -1.0) for p in range(points)]
    sizes = (2, 16, 16, 1)

    def step():
        loss = torch.tensor(0.0)
        for p in range(points):
            h, at = x[p], 0
            for n_in, n_out in zip(sizes, sizes[1:]):
                out = []
                for _ in range(n_out):
                    s = parameters[at]
                    for i in range(n_in):
                        s = s + parameters[at + 1 + i] * h[i]
                    at += 1 + n_in
                    out.append(torch.tanh(s))
                h = out
            away = h[0] - y[p]
            loss = loss + away * away
        loss.backward()
        for q in parameters:
            q.grad = None

    return step, points * 644


def torch_worker():
    """Reads the name of a workload, a line each, and answers with microseconds a step (w4: nanoseconds an operation)."""
    import torch

    torch.set_num_threads(1)
    print(torch.__version__, flush=True)
    made = {}
    for line in sys.stdin:
        name = line.strip()
        if name == "w4":
            step, operations = made.setdefault(name, scalars(torch, 10))
            count, scale = 1, 1e9 / operations
        else:
            scale = 1e6
            if name == "w1 adam":
                make, count = lambda: two_moons(torch, torch.optim.Adam, 0.05), 100
            elif name == "w1 sgd":
                make, count = lambda: two_moons(torch, torch.optim.SGD, 0.5), 100
            else:
                batch = int(name.split()[1])
                # A loss that has reached 0 leaves denormal moments: a new net each round.
                make, count = lambda: digits(torch, batch), 20
            step = made[name] = make()
        step()
        step()
        start = time.process_time()
        for _ in range(count):
            step()
        print((time.process_time() - start) / count * scale, flush=True)


def torch_process():
    """The whole of W1: what a program of two moons does, and its peak of memory."""
    import torch

    torch.set_num_threads(1)
    step = two_moons(torch, torch.optim.Adam, 0.05)
    for epoch in range(EPOCHS):
        loss = step()
        if epoch % 20 == 19:
            print(epoch + 1, loss)
    with open("/proc/self/status", encoding="ascii") as status:
        print("peak", next(line.split()[1] for line in status if line.startswith("VmHWM")))


# ---- the rounds ----


class Worker:
    def __init__(self, name, argv, environment):
        self.name = name
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.version = self.process.stdout.readline().strip()

    def ask(self, workload):
        print(workload, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def best_core():
    """The name OpenBLAS has for the best kernels of this machine, or None."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        flags = next((line.split() for line in file if line.startswith("flags")), [])
    return "SkylakeX" if "avx512dq" in flags else "Haswell" if "avx2" in flags else None


def reel_rows(report):
    """Workload -> (Reel's figure, the limit's) of one run of reel bench --rounds 1."""
    lines = {w["name"]: w["lines"] for w in report["workloads"]}
    names = ["w1 adam", "w1 sgd"] + ["w2 %d" % b for b in BATCHES] + ["w4"]
    rows = {}
    for name, line in zip(names, lines["w1"] + lines["w2"] + lines["w4"]):
        rows[name] = line["reel"]["median"], line["limit"]["median"]
    process = lines["w1-process"]
    rows["process"] = process[0]["reel"]["median"], process[0]["limit"]["median"]
    rows["memory"] = process[2]["figure"]["median"], process[3]["figure"]["median"]
    return rows


def run_process(environment):
    start = time.perf_counter()
    out = subprocess.run([sys.executable, __file__, "--process"], env=environment, check=True, capture_output=True,
                         text=True).stdout
    return 1e3 * (time.perf_counter() - start), int(out.split()[-1]) * 1024 / 1e6


def one_round(reel, workers, environments, figures):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "reel.json")
        subprocess.run([reel, "bench", "w1", "w2", "w4", "w1-process", "--rounds", "1", "--json", path], check=True,
                       stdout=subprocess.DEVNULL)
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
    for name, (own, limit) in reel_rows(report).items():
        figures.setdefault((name, "Reel"), []).append(own)
        figures.setdefault((name, "limit"), []).append(limit)
    for worker in workers:
        for workload in WORKLOADS:
            if workload in ("process", "memory"):
                continue
            if worker.name == "FANN" and not workload.startswith("w1"):
                continue
            figures.setdefault((workload, worker.name), []).append(worker.ask(workload))
        if worker.name in environments:
            taken, peak = run_process(environments[worker.name])
            figures.setdefault(("process", worker.name), []).append(taken)
            figures.setdefault(("memory", worker.name), []).append(peak)
    return report["fingerprint"]


WORKLOADS = {
    "w1 adam": "W1 step, Adam, us",
    "w1 sgd": "W1 step, SGD, us",
    "process": "W1 process, ms",
    "memory": "W1 process, MB",
    "w2 128": "W2 step, batch 128, us",
    "w2 32": "W2 step, batch 32, us",
    "w2 1": "W2 step, batch 1, us",
    "w4": "W4, an operation, ns",
}


def quartiles(values):
    if len(values) < 2:
        return values[0], values[0], values[0]
    lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
    return lower, median, upper


def digits_of(x):
    return "%.3g" % x if x < 1000 else "%.0f" % x


def print_table(columns, figures):
    print("%-24s" % "" + "".join("%26s" % c for c in columns))
    for name, text in WORKLOADS.items():
        cells = []
        for column in columns:
            values = figures.get((name, column))
            if not values:
                cells.append("%26s" % "")
                continue
            lower, median, upper = quartiles(values)
            cell = "%s (%s-%s)" % (digits_of(median), digits_of(lower), digits_of(upper))
            if column not in ("Reel", "limit"):
                ratio = statistics.median(v / r for v, r in zip(values, figures[name, "Reel"]))
                cell += " %sx" % digits_of(ratio)
            cells.append("%26s" % cell)
        print("%-24s" % text + "".join(cells))


def print_markdown(columns, figures):
    """The table of README.md: medians, and how many times Reel's they are."""
    print("| | " + " | ".join("by hand" if c == "limit" else c for c in columns) + " |")
    print("| --- |" + " ---: |" * len(columns))
    for name, text in WORKLOADS.items():
        cells = []
        for column in columns:
            values = figures.get((name, column))
            cell = digits_of(statistics.median(values)) if values else ""
            if values and column != "Reel":
                cell += " (%s x)" % digits_of(statistics.median(v / r for v, r in zip(values, figures[name, "Reel"])))
            cells.append(cell)
        print("| %s | %s |" % (text, " | ".join(cells)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--worker", action="store_true")
    parser.add_argument("--process", action="store_true")
    parser.add_argument("--reel")
    parser.add_argument("--fann")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    if options.worker:
        return torch_worker()
    if options.process:
        return torch_process()

    shipped = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"}
    shipped.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    environments, core = {"PyTorch": shipped}, best_core()
    if core:
        environments["PyTorch " + core] = dict(shipped, OPENBLAS_CORETYPE=core)
    own = [sys.executable, __file__, "--worker"]
    workers = [Worker(name, own, environment) for name, environment in environments.items()]
    with tempfile.NamedTemporaryFile("w", suffix=".data") as file:
        x, y = moons()
        print(len(x), 2, 1, file=file)
        for point, target in zip(x, y):
            print("%.9g %.9g\n%.9g" % (*point, *target), file=file)
        file.flush()
        workers.append(Worker("FANN", [options.fann, file.name], shipped))
        figures, fingerprint = {}, None
        for number in range(options.rounds):
            print("round %d of %d" % (number + 1, options.rounds), file=sys.stderr)
            fingerprint = one_round(options.reel, workers, environments, figures)
        for worker in workers:
            worker.end()
    print("%s, kernels %s; PyTorch %s; FANN %s; one thread; median (quartiles) of %d rounds; x: times Reel's"
          % (fingerprint["cpu"], fingerprint["kernels"], workers[0].version, workers[-1].version, options.rounds))
    columns = ["Reel", "limit"] + [w.name for w in workers]
    if options.markdown:
        print()
        print_markdown(columns, figures)
        print()
    else:
        print_table(columns, figures)
    print("FANN: tanh and sigmoid units with squared error, RPROP in the place of Adam, batch descent in that of SGD.")
    print("PyTorch's W4: 10 of the 100 points, since it is the cost of one operation that counts.")
    if options.json:
        rows = [{"workload": n, "text": WORKLOADS[n], "side": s, "rounds": v} for (n, s), v in figures.items()]
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"fingerprint": fingerprint, "pytorch": workers[0].version, "fann": workers[-1].version,
                       "openblas_coretype": core, "rounds": options.rounds, "figures": rows}, file, indent=1)
            file.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
