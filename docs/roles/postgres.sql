-- Least privilege for a ledger in Postgres: who appends and reads can neither change nor delete an event, even if the
-- guards of the tables were dropped. Run it once as the owner of the tables, after the ledger was created, with the
-- ledger's schema as the search path:
--
--     psql "$OWNER_URL" -c 'SET search_path = agents' -f docs/roles/postgres.sql
--
-- then give a login one of the roles:  GRANT ledger_appender TO ann;
-- and open the ledger with mode=rw (an appender makes no tables) or mode=ro.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_reader') THEN
        CREATE ROLE ledger_reader NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_appender') THEN
        CREATE ROLE ledger_appender NOLOGIN;
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO ledger_reader, ledger_appender', current_schema());
END $$;
GRANT SELECT ON events, events_readable, ledger_head, ledger_checkpoints, ledger_operations
    TO ledger_reader, ledger_appender;
GRANT INSERT ON events TO ledger_appender;
-- Only what an append moves on; not the epoch, so no reset and no restore.
GRANT UPDATE ("next", recorded_at, commits) ON ledger_head TO ledger_appender;
GRANT INSERT, UPDATE ON ledger_checkpoints TO ledger_appender;
