"""Writes the figures of a run: text with everything, a table for spreadsheets,
Markdown tables, a plot.

    python report.py RESULTS.jsonl                      writes them again beside it
    python report.py --out BASE RESULTS.jsonl MORE...   those of several runs together;
                                                        later figures replace earlier ones
"""

import argparse
import csv
import json
import sys

LABELS = {"optnet": "optnet (ours)", "qpth": "qpth", "qplayer": "QPLayer (ProxSuite)", "proxqp": "ProxQP batch (ProxSuite)", "piqp": "PIQP dense", "hpipm": "HPIPM dense",
          "daqp": "DAQP", "moreau": "Moreau", "moreau_ipm": "Moreau, interior point", "clarabel": "Clarabel", "osqp": "OSQP", "qpax": "qpax",
          "diffcp": "diffcp + Clarabel", "cvxpylayers": "cvxpylayers", "cvxpylayers_clarabel": "cvxpylayers, Clarabel inside",
          "cvxpylayers_moreau": "cvxpylayers, Moreau"}


def number(x):
    """Three significant digits, without an exponent."""
    if x is None:
        return ""
    if x != x or x in (float("inf"), float("-inf")):
        return str(x)
    digits = 0 if x >= 100 else 1 if x >= 10 else 2 if x >= 1 else 3 if x >= 0.1 else 4
    return f"{x:.{digits}f}"


def passed(row):
    return row.get("failed") == 0


def line(row):
    """One solver on one case, for the log and the text file."""
    if "error" in row:
        return f"{row['solver']:<22} {row['error']}"
    parts = [f"{row['solver']:<22}"]
    for k in ("forward", "backward", "both"):
        text = number(row.get(k))
        if row.get(k + "_native") is not None:
            text += f" ({number(row[k + '_native'])})"
        parts.append(f"{k} {text or '-':<17}")
    parts.append(f"excess {row['excess']:.1e}" + (f", {row['failed']} of {row['batch']} FAIL" if row["failed"] else ""))
    if row.get("gradient") is not None:
        parts.append(f"gradient {row['gradient']:.1e}")
    for k in ("forward", "both"):
        if row.get("ratio_" + k):
            parts.append(f"{k} x{row['ratio_' + k]:.2f}")
    if row["solver"] == "optnet" and "both_low" in row:
        parts.append(f"{row['turns']} turns, both {number(row['both_low'])} to {number(row['both_high'])}")
    if row.get("backward_error"):
        parts.append("backward: " + row["backward_error"])
    if row.get("compile"):
        parts.append(f"compiled in {row['compile']:.1f} s")
    return "  ".join(parts)


def head(header):
    out = [f"date      {header['date']}", f"cpu       {header['cpu']}", f"vectors   {header['kernels']}", f"threads   {header['cores']} processors",
           f"system    {header['system']}", f"took      {header['seconds']} s" + (", quick: figures of a smoke test" if header["quick"] else "")]
    for name, a in header["about"].items():
        text = a.get("error") or a["version"]
        if a.get("setting"):
            text += f"; {a['setting']}"
        out.append(f"{name:<22} {text}")
    return out


def case_of(row):
    return row["family"], row["problem"], row["n"], row["m"], row["p"], row["batch"], row["eps"]


def read(path):
    with open(path) as f:
        first, *rows = (json.loads(x) for x in f)
    return first["header"], rows


def merge(runs):
    """One header and the rows of several runs on the same machine, case by case.
    Ratios stay those to our figures in the same run; our own row is the last
    run's."""
    header, all_rows = None, {}
    for path, (head, rows) in runs:
        if header is None:
            header = {**head, "about": dict(head["about"])}
        else:
            for k in ("cpu", "kernels", "cores", "quick"):
                if head[k] != header[k]:
                    sys.exit(f"{path} is of another machine or kind: its {k} is {head[k]!r}, not {header[k]!r}")
            header["about"].update(head["about"])
            header["seconds"] += head["seconds"]
            header["date"] = max(header["date"], head["date"])
        for r in rows:
            key = case_of(r)
            if "error" in r and r["solver"] == "optnet" and key in all_rows:
                continue  # not run, but elsewhere
            all_rows.setdefault(key, {})[r["solver"]] = r
    return header, [r for rows in all_rows.values() for r in rows.values()]


def write(base, header, rows):
    columns = list(dict.fromkeys(k for row in rows for k in row))
    with open(base + ".csv", "w", newline="") as f:
        out = csv.DictWriter(f, columns)
        out.writeheader()
        out.writerows(rows)
    with open(base + ".txt", "w") as f:
        f.write("\n".join(head(header)) + "\n\n")
        f.write("Milliseconds for the whole batch: wall time around the call, and in parentheses the\n"
                "solver's own clock; xR: the smaller of the two is R times ours. excess: the largest\n"
                "residual over its tolerance, at most 1 passes. gradient: relative difference to ours.\n")
        last = None
        for row in rows:
            if case_of(row) != last:
                last = case_of(row)
                f.write(f"\n{row['problem']}: n={row['n']} m={row['m']} p={row['p']} batch={row['batch']} eps={row['eps']:g}\n")
            f.write("  " + line(row) + "\n")
            if row.get("setting"):
                f.write(f"{'':24} {row['setting']}\n")
    with open(base + ".md", "w") as f:
        f.write("\n".join(markdown(header, rows)) + "\n")
    try:
        plot(base + ".png", rows)
    except ImportError as e:
        print(f"no plot: {e}")


def markdown(header, rows):
    out = [f"Measured on {header['date']}, {header['cpu']}, {header['cores']} processors: milliseconds for the whole batch,",
           "the smaller of wall time and the solver's own clock. † some element does not reach the residual test;",
           "— no derivative, or no answer; slow: skipped, would take too long.", ""]
    groups = [("Forward", "forward"), ("Backward, the first after a solve", "backward"), ("Forward and backward", "both")]
    sections = [
        ("optnet", "Random dense QPs, p = n/2", lambda r: r["p"] == r["n"] // 2 and (r["batch"] == 128 or r["n"] == 500 and r["batch"] == 16)),
        ("optnet", "Random dense QPs, p = n/2, one at a time", lambda r: r["p"] == r["n"] // 2 and r["batch"] == 1),
        ("optnet", "Random dense QPs, p = n/2, other batches", lambda r: r["p"] == r["n"] // 2 and r["batch"] in (16, 1024) and r["n"] < 500),
        ("optnet", "Random dense QPs, few equalities or none", lambda r: r["p"] != r["n"] // 2),
        ("sudoku", "mini-Sudoku", lambda r: True),
        ("scqpth", "SCQPTH's experiment", lambda r: True),
    ]
    for family, title, chosen in sections:
        part = [r for r in rows if r["family"] == family and chosen(r)]
        columns = sorted({(r["n"], r["p"], r["batch"], r["eps"]) for r in part})
        if not columns:
            continue
        solvers = [s for s in LABELS if any(r["solver"] == s for r in part)] + sorted({r["solver"] for r in part} - set(LABELS))
        for name, key in groups:
            cells = {(r["solver"], r["n"], r["p"], r["batch"], r["eps"]): cell(r, key) for r in part}
            if not any(c[:1].isdigit() for c in cells.values()):
                continue
            out += [f"### {title}: {name.lower()}", ""]
            heads = [f"n={n} p={p}<br>batch {b}" + (f"<br>{e:g}" if family == "scqpth" else "") for n, p, b, e in columns]
            out += ["| | " + " | ".join(heads) + " |", "| --- |" + " ---: |" * len(columns)]
            for s in solvers:
                values = [cells.get((s, *c), "—") for c in columns]
                if any(v != "—" for v in values):
                    out.append(f"| {LABELS.get(s, s)} | " + " | ".join(values) + " |")
            out.append("")
    return out


def cell(row, key):
    if row.get("error"):
        return "slow" if row["error"].startswith("too slow") else "—"
    v = row.get("best_" + key)
    if v is None:
        return "slow" if row.get("backward_error", "").startswith("too slow") and key != "forward" else "—"
    return number(v) + ("" if passed(row) else "†")


def plot(path, rows):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    part = [r for r in rows if r["family"] == "optnet" and r["p"] == r["n"] // 2 and (r["batch"] == 128 or r["n"] == 500 and r["batch"] == 16)]
    if not part:
        return
    fig, axes = plt.subplots(1, 2, figsize=(12, 5.2), sharey=True, layout="constrained")
    colors = plt.get_cmap("tab20").colors
    solvers = [s for s in LABELS if any(r["solver"] == s for r in part)]
    for ax, key, title in zip(axes, ("forward", "both"), ("forward", "forward and backward")):
        for k, s in enumerate(solvers):
            points = sorted((r["n"], 1e3 * r["best_" + key] / r["batch"], passed(r)) for r in part if r["solver"] == s and r.get("best_" + key))
            if not points:
                continue
            own = s == "optnet"
            color = "black" if own else colors[(k - 1) % 20]
            n, t, ok = zip(*points)
            ax.plot(n, t, color=color, linewidth=2.6 if own else 1.2, label=LABELS[s], zorder=3 if own else 2)
            for face, chosen in ((color, [i for i in range(len(n)) if ok[i]]), ("white", [i for i in range(len(n)) if not ok[i]])):
                ax.plot([n[i] for i in chosen], [t[i] for i in chosen], "o", markersize=5, color=color, markerfacecolor=face, zorder=4)
        ax.set(xscale="log", yscale="log", xlabel="n = m, p = n/2", title=title)
        ticks = sorted({r["n"] for r in part})
        ax.set_xticks(ticks, [str(n) for n in ticks])
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("µs a QP, in a batch of 128 (16 at n = 500)")
    # The forward panel has every solver.
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", fontsize=8,
               title="hollow: not at 1e-8", title_fontsize=8)
    fig.savefig(path, dpi=130)


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--out")
    ap.add_argument("results", nargs="+")
    args = ap.parse_args()
    if len(args.results) > 1 and not args.out:
        sys.exit("several runs: name the results with --out BASE")
    write(args.out or args.results[0].removesuffix(".jsonl"), *merge([(path, read(path)) for path in args.results]))
