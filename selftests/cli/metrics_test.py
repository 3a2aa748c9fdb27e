#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""upager metrics: that what reads such text understands it, that numbers are the daemon's, and that a file is whole."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time

try:
    import prometheus_client.openmetrics.parser as openmetrics
    import prometheus_client.parser as prometheus
except ImportError:
    print("1..0 # SKIP python3-prometheus-client is not installed: run scripts/setup")
    sys.exit(4)

BUILD = os.path.realpath(os.environ.get("BUILD", "build"))
UPAGER = BUILD + "/upager"
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
# What the daemon of cli_helper says of itself and of three processes.
PROCESSES = {"4242": "redis-server", "4243": "?[31mred?", "4244": "na\u00efve \ufffd"}

count = 0
failed = 0


def ok(what, truth, *told):
    global count, failed
    count += 1
    print("%s %d - %s" % ("ok" if truth else "not ok", count, what))
    if not truth:
        failed += 1
        for line in told:
            print("# %s" % (line,))


def metrics(*args):
    return subprocess.run([UPAGER, "metrics", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)


def parse(parser, text):
    """Families by name, or the complaint."""
    try:
        return {f.name: f for f in parser.text_string_to_metric_families(text)}
    except ValueError as error:
        return str(error)


def samples(families):
    return {(s.name, tuple(sorted(s.labels.items()))): s.value
            for f in families.values() for s in f.samples}


def of_process(values, name, pid):
    return values.get((name, (("comm", PROCESSES[pid]), ("pid", pid))))


def check_values(what, values):
    ok("%s: sizes and counters" % what,
       of_process(values, "upager_process_budget_bytes", "4242") == 64 << 20
       and of_process(values, "upager_process_swapped_bytes", "4242") == 196 << 20
       and of_process(values, "upager_process_faults_total", "4242") == 1000
       and of_process(values, "upager_process_zero_fills_total", "4242") in (2**64 - 1, 2.0**64)
       and values[("upager_swap_bytes", ())] == 1 << 30
       and values[("upager_swap_free_bytes", ())] == 1 << 29
       and values[("upager_up", ())] == 1)
    ok("%s: each process by its name, whatever that holds" % what,
       all(of_process(values, "upager_process_faults_total", pid) is not None for pid in PROCESSES),
       sorted(k for k in values if k[0] == "upager_process_faults_total"))
    total = of_process(values, "upager_process_stall_seconds_total", "4242")
    ok("%s: the stall in seconds" % what, total and total > 2**40 / 1e6 and
       values[("upager_stall_seconds_total", ())] == 9e-6, total)
    full = of_process(values, "upager_process_stall_full_seconds_total", "4242")
    ok("%s: and how much of it nobody ran in" % what, full == 2**39 / 1e6 and
       values[("upager_stall_full_seconds_total", ())] == 8e-6, full)
    bucket = {labels: value for (name, labels), value in values.items()
              if name == "upager_process_fault_latency_seconds_bucket" and ("pid", "4242") in labels}
    by_le = {float(dict(labels)["le"]): value for labels, value in bucket.items()}
    ok("%s: latencies as they were counted" % what,
       by_le.get(0.000016383) == 495 and by_le.get(0.000008191) == 0 and by_le.get(0.000032767) == 990
       and by_le.get(float("inf")) == 995, by_le)
    ok("%s: and their sum" % what,
       of_process(values, "upager_process_fault_latency_seconds_sum", "4242") == 0.02
       and of_process(values, "upager_process_fault_latency_seconds_count", "4242") == 995)


def check_formats():
    answer = metrics()
    ok("it answers", answer.returncode == 0 and not answer.stderr, answer.stderr)
    text = answer.stdout.decode()
    families = parse(openmetrics, text)
    ok("OpenMetrics can be parsed", isinstance(families, dict), families)
    ok("and is at its end", text.endswith("\n# EOF\n"))
    check_values("OpenMetrics", samples(families))
    ok("each has a help text, and a unit if its name has one", all(
        f.documentation and (f.unit == "") == (not re.search("_(bytes|seconds)$", f.name)) for f in families.values()),
       [f.name for f in families.values()])
    old = metrics("--format", "prometheus").stdout.decode()
    parsed = parse(prometheus, old)
    ok("the older format can be parsed", isinstance(parsed, dict), parsed)
    check_values("the older format", samples(parsed))
    ok("nothing of it is of an unknown type", all(f.type != "unknown" for f in parsed.values()),
       [f.name for f in parsed.values() if f.type == "unknown"])
    if shutil.which("promtool"):
        said = subprocess.run(["promtool", "check", "metrics"], input=old, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        ok("promtool has nothing to say", said.returncode == 0 and not said.stdout, said.stdout)
    return set(name for name, _ in samples(families))


def check_documents(names):
    """What is promised is there, and nothing else."""
    with open(ROOT + "/daemon/man/upager-metrics.1", encoding="utf-8") as file:
        said = set(re.findall(r"^\.It Va (upager_\w+)", file.read(), re.M))
    # Of a histogram the page tells the family.
    base = {re.sub("^(upager_process_fault_latency_seconds)_(bucket|count|sum)$", r"\1", n) for n in names}
    ok("the manual has every name", said == base, sorted(said ^ base))
    with open(ROOT + "/scripts/grafana-dashboard.json", encoding="utf-8") as file:
        text = file.read()
    dashboard = json.loads(text)
    asked = set(re.findall(r"\bupager_\w+", " ".join(
        target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", []))))
    ok("the dashboard asks for names that are there", asked and asked <= names, sorted(asked - names))
    ok("its panels have numbers of their own, and do not overlap", len({p["id"] for p in dashboard["panels"]}) ==
       len(dashboard["panels"]) and not any(
           a is not b and a["gridPos"]["x"] < b["gridPos"]["x"] + b["gridPos"]["w"]
           and b["gridPos"]["x"] < a["gridPos"]["x"] + a["gridPos"]["w"]
           and a["gridPos"]["y"] < b["gridPos"]["y"] + b["gridPos"]["h"]
           and b["gridPos"]["y"] < a["gridPos"]["y"] + a["gridPos"]["h"]
           for a in dashboard["panels"] for b in dashboard["panels"]))


def check_file(directory):
    path = directory + "/upager.prom"
    os.umask(0o077)
    answer = metrics("--textfile", path)
    ok("a file is written, and nothing said", answer.returncode == 0 and not answer.stdout and not answer.stderr)
    ok("which others may read", stat.S_IMODE(os.stat(path).st_mode) == 0o644)
    ok("in the older format", "# EOF" not in open(path, encoding="utf-8").read())
    size = os.path.getsize(path)
    partial = []
    end = threading.Event()

    def read():
        while not end.is_set():
            with open(path, encoding="utf-8") as file:
                text = file.read()
            if abs(len(text.encode()) - size) > 64 or not text.endswith("\n"):
                partial.append(len(text))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(30):
        metrics("--textfile", path)
    end.set()
    reader.join()
    ok("who reads it meanwhile has all of it", not partial, partial[:5])
    ok("nothing else is left there", os.listdir(directory) == ["upager.prom"], os.listdir(directory))
    answer = metrics("--textfile", directory + "/no/such")
    ok("a file that cannot be made", answer.returncode == 1 and b"cannot write" in answer.stderr, answer.stderr)
    os.mkfifo(directory + "/pipe")
    answer = metrics("--textfile", directory + "/pipe")
    ok("what is no file stays what it is", answer.returncode == 1 and
       stat.S_ISFIFO(os.stat(directory + "/pipe").st_mode), answer.stderr)
    os.unlink(directory + "/pipe")
    for bad in (["--format", "xml"], ["more"]):
        ok(" ".join(bad), metrics(*bad).returncode == 2)


def check_absent(directory):
    path = directory + "/upager.prom"
    answer = metrics("--textfile", path)
    ok("without a daemon it fails", answer.returncode == 1 and b"no upagerd" in answer.stderr, answer.stderr)
    with open(path, encoding="utf-8") as file:
        values = samples(parse(prometheus, file.read()))
    ok("and the file says so", values[("upager_up", ())] == 0 and len(values) == 2, values)
    families = parse(openmetrics, metrics().stdout.decode())
    ok("OpenMetrics, too", isinstance(families, dict) and samples(families)[("upager_up", ())] == 0, families)


def main():
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else BUILD) as directory:
        os.environ["UPAGER_SOCKET"] = directory + "/socket"
        os.mkdir(directory + "/out")
        helper = subprocess.Popen([BUILD + "/selftests/targets/cli_helper", "serve", os.environ["UPAGER_SOCKET"], "ok"],
                                  stdout=subprocess.DEVNULL)
        try:
            while not os.path.exists(os.environ["UPAGER_SOCKET"]) and helper.poll() is None:
                time.sleep(0.01)
            check_documents(check_formats())
            check_file(directory + "/out")
        finally:
            helper.kill()
            helper.wait()
        os.unlink(os.environ["UPAGER_SOCKET"])
        check_absent(directory + "/out")
    print("1..%d" % count)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
