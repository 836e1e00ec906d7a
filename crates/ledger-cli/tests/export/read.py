"""Opens exported files with Polars and DuckDB, and prints what each finds in them, as JSON.

Usage: read.py FOLDER, which has calls.parquet, calls.arrow, tools.parquet, turns.parquet, sessions.parquet, none.parquet.
"""

import json
import sys
from pathlib import Path

import duckdb
import polars as pl

FOLDER = Path(sys.argv[1])
TOKENS = ["input", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write", "output", "reasoning", "input_total"]
SUMS = TOKENS + ["cost_usd", "pico_usd", "duration_us", "leads"]


def usd(amount):
    """A sum of exact decimals, as digits."""
    return format(amount or 0, "f")


def polars(frame):
    """What Polars finds in calls."""
    succeeded = frame.filter(pl.col("status") == "ok")
    models = frame.group_by("provider", "model").agg(pl.len(), pl.col("cost_usd").sum(), pl.col("output").sum())
    return {
        "types": {name: str(dtype) for name, dtype in frame.schema.items()},
        "rows": frame.height,
        "sums": {name: str(frame[name].sum()) for name in SUMS},
        "nulls": {name: frame[name].null_count() for name in frame.columns},
        "succeeded_us": succeeded["duration_us"].sum(),
        "times": [int(frame["started_at"].dt.epoch("us").min()), int(frame["started_at"].dt.epoch("us").max())],
        "tenants": sorted(frame["tenant"].drop_nulls().unique().to_list()),
        "models": sorted([p, m, n, usd(cost), out] for p, m, n, cost, out in models.rows()),
    }


def duck(path):
    """What DuckDB finds in calls."""
    calls = f"read_parquet('{path}')"

    def ask(what, rest=""):
        return duckdb.sql(f"SELECT {what} FROM {calls} {rest}").fetchall()

    types = {row[0]: row[1] for row in duckdb.sql(f"DESCRIBE SELECT * FROM {calls}").fetchall()}
    sums = ask(", ".join(f"sum({name}::INT)" if name == "leads" else f"sum({name})" for name in SUMS))[0]
    nulls = ask(", ".join(f"count(*) - count({name})" for name in types))[0]
    models = ask("provider, model, count(*), sum(cost_usd), sum(output)", "GROUP BY ALL")
    return {
        "types": types,
        "rows": ask("count(*)")[0][0],
        "sums": {name: str(value) for name, value in zip(SUMS, sums)},
        "nulls": dict(zip(types, nulls)),
        "succeeded_us": int(ask("sum(duration_us)", "WHERE status = 'ok'")[0][0]),
        "times": list(ask("epoch_us(min(started_at)), epoch_us(max(started_at))")[0]),
        "tenants": [row[0] for row in ask("DISTINCT tenant", "WHERE tenant IS NOT NULL ORDER BY tenant")],
        "models": sorted([p, m, n, usd(cost), int(out)] for p, m, n, cost, out in models),
    }


def rows(name):
    """How many rows a file has, and how many of them failed, to each of both."""
    path = FOLDER / name
    frame = pl.read_parquet(path)
    found = duckdb.sql(f"SELECT count(*) FROM read_parquet('{path}')").fetchall()[0][0]
    errors = frame.filter(pl.col("status") == "error").height if "status" in frame.columns else None
    return {"polars": frame.height, "duckdb": found, "errors": errors, "columns": frame.columns}


print(
    json.dumps(
        {
            "calls": {
                "polars, parquet": polars(pl.read_parquet(FOLDER / "calls.parquet")),
                "polars, arrow": polars(pl.read_ipc(FOLDER / "calls.arrow")),
                "duckdb, parquet": duck(FOLDER / "calls.parquet"),
            },
            "others": {name: rows(f"{name}.parquet") for name in ["tools", "turns", "sessions", "none"]},
        }
    )
)
