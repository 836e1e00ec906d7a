
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE SCHEMA first_version;

CREATE FUNCTION first_version.ledger_refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION first_version.ledger_refuse_head() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'the head of a ledger only goes on' USING ERRCODE = 'AL002';
END $$;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE first_version.events (
    "offset" bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    run_id text NOT NULL COLLATE pg_catalog."C",
    turn bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    actor text NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    schema_version bigint NOT NULL,
    session_id text COLLATE pg_catalog."C",
    model_profile text COLLATE pg_catalog."C",
    model_id text COLLATE pg_catalog."C",
    digest bytea NOT NULL,
    seal bytea NOT NULL,
    metadata text NOT NULL COLLATE pg_catalog."C",
    payload text NOT NULL COLLATE pg_catalog."C"
);

CREATE VIEW first_version.events_readable AS
 SELECT events."offset",
    events.recorded_at,
    encode(events.digest, 'hex'::text) AS digest,
    events.id,
    events.run_id,
    events.turn,
    events.kind,
    events.actor,
    events.payload,
    events.created_at,
    events.schema_version,
    events.session_id,
    events.model_profile,
    events.model_id,
    events.metadata
   FROM first_version.events;

CREATE TABLE first_version.ledger_checkpoints (
    consumer text NOT NULL COLLATE pg_catalog."C",
    "offset" bigint NOT NULL,
    event_id text COLLATE pg_catalog."C",
    updated_at timestamp with time zone NOT NULL
);

CREATE TABLE first_version.ledger_head (
    lane integer NOT NULL,
    schema_version bigint NOT NULL,
    ledger_id text NOT NULL COLLATE pg_catalog."C",
    epoch bigint NOT NULL,
    first bigint NOT NULL,
    next bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    commits bigint NOT NULL,
    resetting boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT ledger_head_lane_check CHECK ((lane = 1))
)
WITH (fillfactor='10');

CREATE TABLE first_version.ledger_operations (
    at timestamp with time zone NOT NULL,
    operation text NOT NULL,
    detail text NOT NULL
);

INSERT INTO first_version.events VALUES (1, 'first', 'run', 7, 'llm.called', 'ann', '2026-01-31 06:30:00.123456+00', '2026-11-26 07:30:06.363173+00', 3, 'session', 'fast', 'model-1', '\x8ae709bdde3e443cb88d1f5e282df2eed56b0736a894ecf815e4c0561898389a', '\x711e26b7434dd610', '{"correlation_id":"c-1","free key":"free value"}', '{"z":1.0,"a":[1,2,{"b":null}]}');
INSERT INTO first_version.events VALUES (2, 'second', 'run', 1, 'agent.spoke', 'ann', '2026-11-26 07:30:06.293628+00', '2026-11-26 07:30:06.363173+00', 1, NULL, NULL, NULL, '\x71460023e6f90e68ce10249ad9be589f219e68d5cb6fd84ec5e8ac71af155d79', '\xae3efcfe3dc98004', '{}', '{"n":1}');

INSERT INTO first_version.ledger_checkpoints VALUES ('c', 1, 'first', '2026-11-26 07:30:06.420725+00');

INSERT INTO first_version.ledger_head VALUES (1, 1, '01a216c2-f98b-7139-af53-6d440df0e183', 1, 1, 3, '2026-11-26 07:30:06.363173+00', 2, false, '2026-11-26 07:30:06.347467+00');

ALTER TABLE ONLY first_version.events
    ADD CONSTRAINT events_id UNIQUE (id);

ALTER TABLE ONLY first_version.events
    ADD CONSTRAINT events_pkey PRIMARY KEY ("offset");

ALTER TABLE ONLY first_version.ledger_checkpoints
    ADD CONSTRAINT ledger_checkpoints_pkey PRIMARY KEY (consumer);

ALTER TABLE ONLY first_version.ledger_head
    ADD CONSTRAINT ledger_head_pkey PRIMARY KEY (lane);

CREATE INDEX events_actor ON first_version.events USING btree (actor, "offset");

CREATE INDEX events_kind ON first_version.events USING btree (kind, "offset");

CREATE INDEX events_model ON first_version.events USING btree (model_id, "offset") WHERE (model_id IS NOT NULL);

CREATE INDEX events_run ON first_version.events USING btree (run_id, "offset");

CREATE INDEX events_session ON first_version.events USING btree (session_id, "offset") WHERE (session_id IS NOT NULL);

CREATE TRIGGER events_are_never_changed BEFORE DELETE OR UPDATE OR TRUNCATE ON first_version.events FOR EACH STATEMENT EXECUTE FUNCTION first_version.ledger_refuse_change();

CREATE TRIGGER ledger_head_goes_on BEFORE UPDATE ON first_version.ledger_head FOR EACH ROW WHEN (((new.next < old.next) OR (new.epoch < old.epoch) OR (new.first < old.first) OR (new.ledger_id <> old.ledger_id) OR (new.schema_version < old.schema_version))) EXECUTE FUNCTION first_version.ledger_refuse_head();

CREATE TRIGGER ledger_head_stays BEFORE DELETE OR TRUNCATE ON first_version.ledger_head FOR EACH STATEMENT EXECUTE FUNCTION first_version.ledger_refuse_head();

