"""Computes the digest vectors of ledger-core/src/digest.rs, independently of it: python3 digest_vectors.py"""
import hashlib, struct

def text(s): b = s.encode(); return struct.pack(">I", len(b)) + b
def option(s): return b"\0" if s is None else b"\1" + text(s)

def digest(id, run_id, turn, kind, actor, payload, micros, version=1, session=None, profile=None, model=None, meta={}):
    out = b"agent-ledger/event/1" + text(id) + text(run_id) + struct.pack(">I", turn) + text(kind) + text(actor)
    out += text(payload) + struct.pack(">qI", micros, version) + option(session) + option(profile) + option(model)
    out += struct.pack(">I", len(meta))
    for key in sorted(meta, key=str.encode):
        out += text(key) + text(meta[key])
    return hashlib.sha256(out).hexdigest()

# 2026-01-31T12:00:00.123456+05:30 is 2026-01-31T06:30:00.123456Z; 0001-01-01 lies 719,162 days before 1970.
SECOND = (20484 * 86400 + 6 * 3600 + 30 * 60) * 1_000_000 + 123456
print(digest("e-1", "run", 0, "run.started", "cli", "{}", 0))
print(digest("e-2", "run", 4294967295, "llm.called", "änn", '{"z":1.0, "a":"é","z":2}', SECOND, 2, "s", "fast", "m-1",
             {"b": "2", "a": "1"}))
print(digest("e-3", "r", 1, "a.b", "x", '{"n":-0.0}', -719162 * 86400 * 1_000_000, model="m"))
