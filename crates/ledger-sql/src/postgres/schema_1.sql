-- Version 1 of a ledger's tables on Postgres. A published version never changes.
CREATE TABLE IF NOT EXISTS ledger_head (
    lane           integer PRIMARY KEY CHECK (lane = 1),
    schema_version bigint NOT NULL,
    ledger_id      text COLLATE "C" NOT NULL,
    epoch          bigint NOT NULL,
    "first"        bigint NOT NULL,
    "next"         bigint NOT NULL,
    recorded_at    timestamptz NOT NULL, -- of the last event
    commits        bigint NOT NULL, -- raised by every commit, so that each one writes, and is synced and replicated
    resetting      boolean NOT NULL DEFAULT false, -- true only within the transaction of a reset
    created_at     timestamptz NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE IF NOT EXISTS events (
    "offset"       bigint PRIMARY KEY,
    id             text COLLATE "C" NOT NULL,
    run_id         text COLLATE "C" NOT NULL,
    turn           bigint NOT NULL,
    kind           text COLLATE "C" NOT NULL,
    actor          text COLLATE "C" NOT NULL,
    created_at     timestamptz NOT NULL, -- by the runtime's clock
    recorded_at    timestamptz NOT NULL, -- by the server's clock
    schema_version bigint NOT NULL,
    session_id     text COLLATE "C",
    model_profile  text COLLATE "C",
    model_id       text COLLATE "C",
    digest         bytea NOT NULL,
    seal           bytea NOT NULL,
    metadata       text COLLATE "C" NOT NULL,
    payload        text COLLATE "C" NOT NULL,
    CONSTRAINT events_id UNIQUE (id)
);
CREATE INDEX IF NOT EXISTS events_run ON events (run_id, "offset");
CREATE INDEX IF NOT EXISTS events_kind ON events (kind, "offset");
CREATE INDEX IF NOT EXISTS events_actor ON events (actor, "offset");
CREATE INDEX IF NOT EXISTS events_session ON events (session_id, "offset") WHERE session_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS events_model ON events (model_id, "offset") WHERE model_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS ledger_checkpoints (
    consumer   text COLLATE "C" PRIMARY KEY,
    "offset"   bigint NOT NULL,
    event_id   text COLLATE "C",
    updated_at timestamptz NOT NULL
);

-- What was done to the ledger beside appending.
CREATE TABLE IF NOT EXISTS ledger_operations (
    at        timestamptz NOT NULL,
    operation text NOT NULL,
    detail    text NOT NULL
);

CREATE OR REPLACE VIEW events_readable AS SELECT
    "offset", recorded_at, encode(digest, 'hex') AS digest, id, run_id, turn, kind, actor, payload, created_at,
    schema_version, session_id, model_profile, model_id, metadata
FROM events;

-- The log is append-only for every program. A reset says in the head row, within its transaction, that it may delete.
CREATE OR REPLACE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    resetting boolean := false;
BEGIN
    IF TG_OP = 'DELETE' THEN
        EXECUTE format('SELECT resetting FROM %I.ledger_head WHERE lane = 1', TG_TABLE_SCHEMA) INTO resetting;
    END IF;
    IF resetting IS NOT TRUE THEN
        RAISE EXCEPTION 'a ledger is append-only: events are never changed and never deleted' USING ERRCODE = 'AL001';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER events_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

CREATE OR REPLACE FUNCTION ledger_refuse_head() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the head of a ledger only goes on' USING ERRCODE = 'AL002';
END $$;
CREATE OR REPLACE TRIGGER ledger_head_goes_on BEFORE UPDATE ON ledger_head FOR EACH ROW
    WHEN (new."next" < old."next" OR new.epoch < old.epoch OR new."first" < old."first"
          OR new.ledger_id <> old.ledger_id OR new.schema_version < old.schema_version)
    EXECUTE FUNCTION ledger_refuse_head();
CREATE OR REPLACE TRIGGER ledger_head_stays BEFORE DELETE OR TRUNCATE ON ledger_head
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_head();
