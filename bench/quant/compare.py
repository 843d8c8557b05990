"""Asks both sides the same questions in turns, checks the answers, and writes bench-results/quant.json and quant.md.

`compare.py SPEED INPUTS RESULTS [ROUNDS [TEXT]]`, where SPEED is the built example and TEXT chooses rows by what their
titles contain. In every round each task is timed on our side and then at once on the peer's, so that what else the
machine does falls on both. Times are of the processor; a round's ratio is of medians, the row's is the median of its rounds.
"""

import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

from rows import ROWS

# Of a parameter, relative: what counts as having found the truth.
TRUTH_TOLERANCE = 1e-3
PEERS = ["QuantLib", "TA-Lib", "numpy", "scikit-learn", "pyportfolioopt", "skfolio", "arch", "hmmlearn", "vaderSentiment"]


class Sides:
    """Ours as a process per task, the peers as one process that keeps what it imported."""

    def __init__(self, speed, inputs):
        self.speed, self.inputs = speed, inputs
        script = Path(__file__).with_name("peers.py")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([sys.executable, script, "measure", inputs], **pipes)

    def ours(self, task):
        command = [self.speed, "measure", self.inputs, "--only", task]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def peer(self, task):
        print(task, file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"compare: the peers' side ended at {task}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def is_close(row, ours, peer):
    allowed = lambda value: row.tolerance * max(abs(value), row.floor)
    return len(ours) == len(peer) and all(abs(a - b) <= allowed(b) for a, b in zip(ours, peer))


def is_true(answer, truth):
    return len(answer) == len(truth) and all(abs(a - b) <= TRUTH_TOLERANCE * abs(b) for a, b in zip(answer, truth))


def truth_of(inputs, task):
    problems = json.loads((inputs / "heston.json").read_text())
    return next(problem["truth"] for problem in problems if problem["name"] == task.split("/")[-1])


def wrong_answers(row, inputs, lines):
    """The tasks that each side answers wrongly. Without a truth the peer is right."""
    if row.has_truth:
        return [[task for task, line in side.items() if not is_true(line["answer"], truth_of(inputs, task))] for side in lines]
    ours, peers = lines
    return [[task for task, line in peers.items() if not is_close(row, ours[task]["answer"], line["answer"])], []]


def asked(row, sides):
    """One round of a row: the lines of both sides by task."""
    ours, peers = {}, {}
    for task in row.tasks:
        ours[task] = sides.ours(task)
        if row.peer:
            peers[task] = sides.peer(task)
    return ours, peers


def mean_seconds(lines, field):
    return statistics.mean(line[field] for line in lines.values())


def measured(row, inputs, rounds):
    """The result of a row from its rounds."""
    wrong = [wrong_answers(row, inputs, lines) for lines in rounds]
    result = {
        "title": row.title,
        "tasks": row.tasks,
        "peer": row.peer,
        "goal_ratio": row.goal_ratio,
        "goal_seconds": row.goal_seconds,
        "tolerance": TRUTH_TOLERANCE if row.has_truth else row.tolerance,
        "seconds": statistics.median(mean_seconds(ours, "seconds_median") for ours, _ in rounds),
        "seconds_best": min(mean_seconds(ours, "seconds_best") for ours, _ in rounds),
        "wrong": sorted({task for ours, _ in wrong for task in ours}),
        "peer_wrong": sorted({task for _, peer in wrong for task in peer}),
    }
    if row.peer:
        ratios = [mean_seconds(peers, "seconds_median") / mean_seconds(ours, "seconds_median") for ours, peers in rounds]
        result["peer_seconds"] = statistics.median(mean_seconds(peers, "seconds_median") for _, peers in rounds)
        result["peer_seconds_best"] = min(mean_seconds(peers, "seconds_best") for _, peers in rounds)
        result["ratios"] = ratios
        result["ratio"] = statistics.median(ratios)
        result["ratio_of_bests"] = result["peer_seconds_best"] / result["seconds_best"]
        result["ratio_by_task"] = {
            task: statistics.median(peers[task]["seconds_median"] / ours[task]["seconds_median"] for ours, peers in rounds)
            for task in row.tasks
        }
    reached = result["ratio"] / row.goal_ratio if row.goal_ratio else None
    result["reached"] = row.goal_seconds / result["seconds"] if row.goal_seconds else reached
    return result


def shown_seconds(seconds):
    for unit, name in ((1, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds * 1e9:.3g} ns"


def shown_number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def verdict(result):
    if result["wrong"]:
        return "WRONG ANSWER: " + ", ".join(result["wrong"])
    if result["reached"] is None:
        return ""
    if result["reached"] >= 1:
        return f"met, by {shown_number(result['reached'])} x"
    return f"MISSED, at {result['reached']:.2f} of it"


def remarks(result):
    said = []
    if len(result["tasks"]) > 1 and result["peer"]:
        said.append(f"least of {len(result['tasks'])}: {shown_number(min(result['ratio_by_task'].values()))} x")
    if result["peer_wrong"]:
        said.append(f"{result['peer']} wrong in {len(result['peer_wrong'])} of {len(result['tasks'])}")
    return "; ".join(said)


def table(results, about):
    lines = [
        "# Speed of the numerics beside other libraries",
        "",
        f"{about['date']}, commit {about['commit']}, {about['processor']}, one thread each, {about['rounds']} rounds in turns; "
        f"load average {about['load_before']} before and {about['load_after']} after, of {about['cores']} cores. Times are "
        "medians of processor time, a ratio is the median over rounds of peer over ours; in brackets that of the best times.",
        "",
        "Peers: " + ", ".join(f"{name} {version}" for name, version in about["versions"].items()) + ".",
        "",
        "| task | ours | peer | ratio | goal | reached | remarks |",
        "| :-- | --: | :-- | --: | --: | :-- | :-- |",
    ]
    for result in results:
        peer = f"{result['peer']} {shown_seconds(result['peer_seconds'])}" if result["peer"] else ""
        ratio = f"{shown_number(result['ratio'])} ({shown_number(result['ratio_of_bests'])})" if result["peer"] else ""
        goal = f"≥ {result['goal_ratio']:g} x" if result["goal_ratio"] else ""
        goal = f"≤ {shown_seconds(result['goal_seconds'])}" if result["goal_seconds"] else goal
        cells = [result["title"], shown_seconds(result["seconds"]), peer, ratio, goal, verdict(result), remarks(result)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def processor():
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def load():
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def main():
    speed, inputs, results_dir = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    round_count = int(sys.argv[4]) if len(sys.argv) > 4 else 3
    text = sys.argv[5] if len(sys.argv) > 5 else ""
    rows = [row for row in ROWS if text in row.title]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    about = {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit,
        "processor": processor(),
        "cores": os.cpu_count(),
        "rounds": round_count,
        "versions": {name: importlib.metadata.version(name) for name in PEERS},
        "load_before": load(),
    }
    sides = Sides(speed, inputs)
    rounds = {row.title: [] for row in rows}
    for number in range(round_count):
        for row in rows:
            print(f"round {number + 1} of {round_count}: {row.title}", file=sys.stderr)
            rounds[row.title].append(asked(row, sides))
    sides.close()
    about["load_after"] = load()
    results = [measured(row, inputs, rounds[row.title]) for row in rows]
    results_dir.mkdir(exist_ok=True)
    (results_dir / "quant.json").write_text(json.dumps({**about, "results": results}, indent=1) + "\n")
    (results_dir / "quant.md").write_text(table(results, about))
    print(table(results, about))
    if any(result["wrong"] for result in results):
        sys.exit("compare: there are wrong answers")


if __name__ == "__main__":
    main()
