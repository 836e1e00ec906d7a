-- Least privilege for a ledger in MySQL or MariaDB: who appends and reads can neither change nor delete an event, even if
-- the guards of the tables were dropped. Run it once as an administrator, after the ledger was created, in its database:
--
--     mysql --user=root agents < docs/roles/mysql.sql
--
-- then give a login one of the roles:  GRANT ledger_appender TO ann@'%'; SET DEFAULT ROLE ledger_appender FOR ann@'%';
-- (MySQL 8 writes TO where MariaDB writes FOR) and open the ledger with mode=rw (an appender makes no tables) or mode=ro.
-- The guards are triggers, which MySQL runs with the rights of whoever made the ledger: do not drop that account.
CREATE ROLE IF NOT EXISTS ledger_reader;
CREATE ROLE IF NOT EXISTS ledger_appender;
GRANT SELECT ON events TO ledger_reader;
GRANT SELECT ON events_readable TO ledger_reader;
GRANT SELECT ON ledger_head TO ledger_reader;
GRANT SELECT ON ledger_checkpoints TO ledger_reader;
GRANT SELECT ON ledger_operations TO ledger_reader;
GRANT SELECT, INSERT ON events TO ledger_appender;
GRANT SELECT ON events_readable TO ledger_appender;
-- Not the epoch, so no reset and no restore. MySQL 8 wants a privilege on the whole table before it locks a row of it:
-- there, grant UPDATE ON ledger_head; the head's own guard still keeps it from going back.
GRANT SELECT, UPDATE (`next`, recorded_at, commits) ON ledger_head TO ledger_appender;
GRANT SELECT, INSERT, UPDATE ON ledger_checkpoints TO ledger_appender;
GRANT SELECT ON ledger_operations TO ledger_appender;
