-- check_connection: the server, and the way to it.
-- $1 text  host, or the folder of a Unix socket
-- $2 text  port
-- $3 boolean  whether the connection is encrypted
-- $4 integer  the server's process, as the connection was told
-- $5 integer  the server's version, as 150004
-- $6 boolean  whether statements are prepared
-- returns severity text, message text, advice text
SELECT f.severity, f.message, f.advice
FROM (VALUES
	(1, true, 'ok',
	 format('database %s on %s port %s as %s, PostgreSQL %s.%s%s', current_database(), $1::text, $2::text, session_user,
	        $5 / 10000, $5 % 10000, CASE WHEN $3 THEN ', encrypted' ELSE '' END),
	 NULL),
	(2, $5 < 150000, 'error',
	 format('PostgreSQL %s is too old', $5 / 10000),
	 'perennial needs PostgreSQL 15 or later'),
	(3, pg_is_in_recovery(), 'warning',
	 'this server is a standby: what writes does not work here',
	 'a run needs the primary: name all hosts in the connection, and libpq finds it'),
	(4, NOT $3 AND $1 !~ '^([/@]|127\.)' AND $1 NOT IN ('localhost', '::1'), 'warning',
	 'the connection is not encrypted, and goes over the network',
	 'add sslmode=verify-full to the connection, or sslmode=require'),
	(5, $6 AND $4 <> pg_backend_pid(), 'warning',
	 'statements are prepared, and a connection pool stands between',
	 'a pool that gives out transactions needs database.prepared_statements = false, or to know prepared statements'),
	(6, current_setting('transaction_read_only')::boolean AND NOT pg_is_in_recovery(), 'warning',
	 'transactions are read-only by default: what writes does not work',
	 'see default_transaction_read_only of the server, the database, the role and the connection')
) AS f (n, is_so, severity, message, advice)
WHERE f.is_so
ORDER BY f.n
