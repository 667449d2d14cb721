-- check_durability: whether what was committed survives a crash.
-- returns severity text, message text, advice text
WITH setting (name, loses) AS (
VALUES
	('fsync', 'a crash of the server''s host may destroy the database'),
	('full_page_writes', 'a crash of the server''s host may destroy the database'),
	('synchronous_commit', 'batches that were committed last may be lost in a crash')
), off (name, loses) AS (
	SELECT name, loses FROM setting WHERE current_setting(name) = 'off'
)
SELECT 'warning' AS severity, format('%s is off: %s', name, loses) AS message,
       format('set it on, unless the server''s data is worth nothing: ALTER SYSTEM SET %s = on;', name) AS advice
FROM off
UNION ALL
SELECT 'ok', 'what was committed survives a crash of the server', NULL WHERE NOT EXISTS (SELECT FROM off)
ORDER BY message
