-- journal_hledger: the journal as hledger reads it, line by line, with what the accounts must come to at its end.
WITH posting AS MATERIALIZED (
	SELECT *
	FROM perennial.report_journal(:'from', :'to', :'time_zone', :'receivable', :'deferred', :'revenue', :'opening')
	WHERE (:'currency' = '' OR currency = :'currency')
), balance AS (
	-- By another way than the journal: what the other reports say.
	SELECT r.currency, side.account, sum(side.balance) AS balance
	FROM (
		SELECT currency, amount AS billed, 0 AS opening, 0 AS recognised, 0 AS closing
		FROM perennial.report_billed(:'from', :'to', :'time_zone')
		UNION ALL
		SELECT currency, 0, opening + imported, recognised, closing
		FROM perennial.report_deferred(:'from', :'to', :'time_zone')
	) AS r
	CROSS JOIN LATERAL (VALUES
		(:'receivable', r.billed), (:'deferred', -r.closing), (:'revenue', -r.recognised), (:'opening', r.opening)
	) AS side (account, balance)
	WHERE r.currency IN (SELECT currency FROM posting)
	GROUP BY r.currency, side.account
), line (part, entry, place, text) AS (
	SELECT 1, 0, 0, '; perennial: what was billed and earned, ' || perennial.period_name(:'from', :'to') || ', days in ' || :'time_zone'
	       || CASE WHEN perennial.day_begins(:'to', :'time_zone') > now() THEN '; this period is not over yet' ELSE '' END
	UNION ALL
	SELECT 2, 0, row_number() OVER (ORDER BY account), 'account ' || account
	FROM (VALUES (:'receivable'), (:'deferred'), (:'revenue'), (:'opening')) AS named (account)
	GROUP BY account
	UNION ALL
	SELECT 3, 0, row_number() OVER (ORDER BY code), 'commodity 1000.' || repeat('0', exponent) || ' ' || code
	FROM perennial.currency WHERE code IN (SELECT currency FROM posting)
	UNION ALL
	SELECT 4, entry, 0, NULL FROM posting GROUP BY entry
	UNION ALL
	SELECT 4, entry, 1, to_char(date, 'YYYY-MM-DD') || ' * ' || kind || coalesce('  ; run:' || runs, '')
	FROM posting GROUP BY entry, date, kind, runs
	UNION ALL
	SELECT 4, entry, CASE WHEN debit_minor > 0 THEN 2 ELSE 3 END, '    ' || account || '  ' || debit - credit || ' ' || currency
	FROM posting
	UNION ALL
	SELECT 5, 0, 0, NULL WHERE EXISTS (SELECT FROM posting)
	UNION ALL
	SELECT 5, 0, 1, to_char(:'to'::date - 1, 'YYYY-MM-DD') || ' * balances' WHERE EXISTS (SELECT FROM posting)
	UNION ALL
	SELECT 5, 0, 1 + row_number() OVER (ORDER BY account, currency),
	       '    ' || account || '  0 ' || currency || ' = ' || balance || ' ' || currency
	FROM balance
)
SELECT text AS line
FROM line
ORDER BY part, entry, place
