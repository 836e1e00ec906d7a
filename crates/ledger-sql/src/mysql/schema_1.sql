-- Version 1 of a ledger's tables on MySQL and MariaDB. A published version never changes. DDL commits by itself here, so
-- each statement can be repeated after a creation that died half-way; statements end with a line that is only ";".
CREATE TABLE IF NOT EXISTS ledger_head (
    lane           INT NOT NULL PRIMARY KEY,
    schema_version BIGINT NOT NULL,
    ledger_id      VARBINARY(36) NOT NULL,
    epoch          BIGINT NOT NULL,
    "first"        BIGINT NOT NULL,
    "next"         BIGINT NOT NULL,
    recorded_at    BIGINT NOT NULL, -- of the last event; microseconds since 1970, UTC
    commits        BIGINT NOT NULL, -- raised by every commit, so that each one writes, and is synced
    resetting      BOOLEAN NOT NULL DEFAULT FALSE, -- true only within the transaction of a reset
    created_at     BIGINT NOT NULL,
    CONSTRAINT ledger_head_is_one_row CHECK (lane = 1)
) ENGINE = InnoDB
;
-- Names are binary: a text collation would take 'a', 'A' and 'a ' for one.
CREATE TABLE IF NOT EXISTS events (
    "offset"       BIGINT NOT NULL PRIMARY KEY,
    id             VARBINARY(128) NOT NULL,
    run_id         VARBINARY(128) NOT NULL,
    turn           BIGINT NOT NULL,
    kind           VARBINARY(128) NOT NULL,
    actor          VARBINARY(128) NOT NULL,
    created_at     BIGINT NOT NULL, -- microseconds since 1970, UTC, by the runtime's clock
    recorded_at    BIGINT NOT NULL, -- microseconds since 1970, UTC, by the server's clock
    schema_version BIGINT NOT NULL,
    session_id     VARBINARY(128),
    model_profile  VARBINARY(128),
    model_id       VARBINARY(128),
    digest         BINARY(32) NOT NULL,
    seal           BIGINT NOT NULL,
    metadata       LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    payload        LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    UNIQUE KEY events_id (id),
    -- An index of InnoDB ends with the primary key, which is the offset: each is also an order.
    KEY events_run (run_id),
    KEY events_kind (kind),
    KEY events_actor (actor),
    KEY events_session (session_id),
    KEY events_model (model_id)
) ENGINE = InnoDB
;
CREATE TABLE IF NOT EXISTS ledger_checkpoints (
    consumer   VARBINARY(128) NOT NULL PRIMARY KEY,
    "offset"   BIGINT NOT NULL,
    event_id   VARBINARY(128),
    updated_at BIGINT NOT NULL
) ENGINE = InnoDB
;
-- What was done to the ledger beside appending.
CREATE TABLE IF NOT EXISTS ledger_operations (
    id        BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, -- some servers take no table without one
    at        BIGINT NOT NULL,
    operation VARCHAR(64) CHARACTER SET utf8mb4 NOT NULL,
    detail    TEXT CHARACTER SET utf8mb4 NOT NULL
) ENGINE = InnoDB
;
-- A table that another one refers to cannot be truncated, and no trigger sees TRUNCATE.
CREATE TABLE IF NOT EXISTS events_are_never_truncated (
    "offset" BIGINT NOT NULL PRIMARY KEY,
    CONSTRAINT events_are_never_truncated FOREIGN KEY ("offset") REFERENCES events ("offset")
) ENGINE = InnoDB
;
CREATE OR REPLACE SQL SECURITY INVOKER VIEW events_readable AS SELECT
    "offset",
    TIMESTAMP'1970-01-01 00:00:00.000000' + INTERVAL recorded_at MICROSECOND AS recorded_at,
    LOWER(HEX(digest)) AS digest,
    CONVERT(id USING utf8mb4) AS id, CONVERT(run_id USING utf8mb4) AS run_id, turn,
    CONVERT(kind USING utf8mb4) AS kind, CONVERT(actor USING utf8mb4) AS actor, payload,
    TIMESTAMP'1970-01-01 00:00:00.000000' + INTERVAL created_at MICROSECOND AS created_at,
    schema_version, CONVERT(session_id USING utf8mb4) AS session_id,
    CONVERT(model_profile USING utf8mb4) AS model_profile, CONVERT(model_id USING utf8mb4) AS model_id, metadata
FROM events
;
DROP TRIGGER IF EXISTS events_are_never_changed
;
-- The log is append-only for every program.
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 30001, MESSAGE_TEXT = 'a ledger is append-only: events are never changed'
;
DROP TRIGGER IF EXISTS events_are_never_deleted
;
-- A reset says in the head row, within its transaction, that it may delete.
CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events FOR EACH ROW
BEGIN
    IF NOT EXISTS (SELECT 1 FROM ledger_head WHERE resetting) THEN
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 30001, MESSAGE_TEXT = 'a ledger is append-only: events are never deleted';
    END IF;
END
;
DROP TRIGGER IF EXISTS ledger_head_goes_on
;
CREATE TRIGGER ledger_head_goes_on BEFORE UPDATE ON ledger_head FOR EACH ROW
BEGIN
    IF new."next" < old."next" OR new.epoch < old.epoch OR new."first" < old."first"
        OR new.ledger_id <> old.ledger_id OR new.schema_version < old.schema_version THEN
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 30002, MESSAGE_TEXT = 'the head of a ledger only goes on';
    END IF;
END
;
DROP TRIGGER IF EXISTS ledger_head_stays
;
CREATE TRIGGER ledger_head_stays BEFORE DELETE ON ledger_head FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 30002, MESSAGE_TEXT = 'the head of a ledger cannot be deleted'
;
