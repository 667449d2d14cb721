-- boundary_test: the calendar of all periods, perennial.boundary, and the spread of accounts, perennial.bucket_of.
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL TimeZone = 'UTC';
SELECT plan(77);

-- The expected instants are given, not computed: offsets of zones were taken from another implementation.

SELECT is(perennial.boundary('2024-01-31 00:00', 'UTC', k), at::timestamptz,
          format('%s months after January 31 of a leap year is %s', k, at))
FROM (VALUES
	(0, '2024-01-31 00:00Z'), (1, '2024-02-29 00:00Z'), (2, '2024-03-31 00:00Z'), (3, '2024-04-30 00:00Z'),
	(4, '2024-05-31 00:00Z'), (11, '2024-12-31 00:00Z'), (12, '2025-01-31 00:00Z'), (13, '2025-02-28 00:00Z'),
	(14, '2025-03-31 00:00Z'), (49, '2028-02-29 00:00Z')
) AS vector (k, at);

SELECT is(perennial.boundary('2023-12-30 00:00', 'UTC', k), at::timestamptz,
          format('%s months after December 30 is %s', k, at))
FROM (VALUES (2, '2024-02-29 00:00Z'), (3, '2024-03-30 00:00Z'), (14, '2025-02-28 00:00Z')) AS vector (k, at);

SELECT is(perennial.boundary('2023-11-29 00:00', 'UTC', k), at::timestamptz,
          format('%s months after November 29 is %s', k, at))
FROM (VALUES (3, '2024-02-29 00:00Z'), (15, '2025-02-28 00:00Z'), (16, '2025-03-29 00:00Z')) AS vector (k, at);

SELECT is(perennial.boundary('2024-02-29 00:00', 'UTC', years * 12), at::timestamptz,
          format('%s years after a leap day is %s', years, at))
FROM (VALUES (1, '2025-02-28 00:00Z'), (2, '2026-02-28 00:00Z'), (3, '2027-02-28 00:00Z'), (4, '2028-02-29 00:00Z'),
             (76, '2100-02-28 00:00Z'), (376, '2400-02-29 00:00Z')) AS vector (years, at);

SELECT is(perennial.boundary('2024-02-29 00:00', 'UTC', 1), '2024-03-29 00:00Z'::timestamptz,
          'a month after a leap day is the 29th, not the month''s end');
SELECT is(perennial.boundary('2024-01-31 23:59:59.999999', 'UTC', 1), '2024-02-29 23:59:59.999999Z'::timestamptz,
          'the time of day is kept to the microsecond');
SELECT is(perennial.boundary('2024-01-31 00:00', 'UTC', 9600), '2824-01-31 00:00Z'::timestamptz,
          'eight hundred years are no problem');
SELECT is(perennial.boundary('2024-01-31 12:00', 'Asia/Kolkata', 1), '2024-02-29 06:30Z'::timestamptz,
          'the month''s end is that of the zone''s own date and time');
SELECT is(perennial.boundary('2024-01-31 00:00', 'Pacific/Auckland', 1), '2024-02-28 11:00Z'::timestamptz,
          'a local midnight can lie on the day before in UTC');

SELECT is(perennial.boundary('2025-02-09 02:30', 'America/New_York', k), at::timestamptz,
          format('02:30 in New York, %s months on, is %s', k, at))
FROM (VALUES (0, '2025-02-09 07:30Z'), (1, '2025-03-09 07:30Z'), (2, '2025-04-09 06:30Z')) AS vector (k, at);

SELECT is(perennial.boundary('2025-10-02 01:30', 'America/New_York', k), at::timestamptz,
          format('01:30 in New York, %s months on, is %s', k, at))
FROM (VALUES (0, '2025-10-02 05:30Z'), (1, '2025-11-02 06:30Z'), (2, '2025-12-02 06:30Z')) AS vector (k, at);

SELECT is(perennial.boundary(anchor::timestamp, zone, 1), at::timestamptz, name)
FROM (VALUES
	('2025-02-28 02:30', 'Europe/Paris', '2025-03-28 01:30Z', 'Paris before the gap is on winter time'),
	('2025-03-28 02:30', 'Europe/Paris', '2025-04-28 00:30Z', 'Paris after the gap is on summer time'),
	('2025-02-28 02:00', 'Europe/Paris', '2025-03-28 01:00Z', 'Paris keeps the wall clock, not the hour in UTC'),
	('2025-09-26 02:30', 'Europe/Paris', '2025-10-26 01:30Z', 'Paris takes the second instant of an overlap'),
	('2025-09-26 01:59:59', 'Europe/Paris', '2025-10-25 23:59:59Z',
	 'Paris a second before the overlap is on summer time'),
	('2025-09-26 03:00', 'Europe/Paris', '2025-10-26 02:00Z', 'Paris at the overlap''s end is on winter time'),
	('2025-09-05 02:15', 'Australia/Lord_Howe', '2025-10-04 15:45Z',
	 'Lord Howe moves half an hour forward in its gap'),
	('2025-09-05 01:59', 'Australia/Lord_Howe', '2025-10-04 15:29Z',
	 'Lord Howe a minute before the gap is on standard time'),
	('2025-09-05 02:30', 'Australia/Lord_Howe', '2025-10-04 15:30Z', 'Lord Howe at the gap''s end is on summer time'),
	('2025-03-06 01:45', 'Australia/Lord_Howe', '2025-04-05 15:15Z',
	 'Lord Howe takes the second instant of its overlap'),
	('2025-03-06 01:29', 'Australia/Lord_Howe', '2025-04-05 14:29Z',
	 'Lord Howe a minute before the overlap is on summer time'),
	('2025-03-06 02:00', 'Australia/Lord_Howe', '2025-04-05 15:30Z',
	 'Lord Howe at the overlap''s end is on standard time'),
	('2011-11-30 12:00', 'Pacific/Apia', '2011-12-30 22:00Z', 'a day that a zone left out is a gap like any other')
) AS vector (anchor, zone, at, name);

SELECT is(perennial.boundary('2025-01-30 02:30', 'Europe/Paris', 2), '2025-03-30 01:30Z'::timestamptz,
          'Paris moves the wall clock forward in its gap');
SELECT is(perennial.boundary('2025-01-30 02:30', 'Europe/Paris', 3), '2025-04-30 00:30Z'::timestamptz,
          'the boundary after one in a gap has the wall clock of the anchor again');

SELECT is_empty($$
	SELECT anchor, zone, k
	FROM (VALUES ('UTC'), ('America/New_York'), ('Europe/Paris'), ('Australia/Lord_Howe')) AS z (zone),
	     (VALUES ('2023-12-29 02:30'), ('2023-12-30 01:45'), ('2023-12-31 02:15'),
	             ('2024-02-29 00:00')) AS a (anchor),
	     generate_series(0, 240) AS k
	WHERE perennial.boundary(anchor::timestamp, zone, k) >= perennial.boundary(anchor::timestamp, zone, k + 1) $$,
	'boundaries rise for twenty years in all these zones');

SET LOCAL TimeZone = 'Asia/Tokyo';
SELECT ok(perennial.boundary('2025-02-09 02:30', 'America/New_York', 1) = '2025-03-09 07:30Z',
          'the session''s time zone changes nothing');
SET LOCAL TimeZone = 'UTC';

SELECT is(perennial.boundary(NULL, 'UTC', 1), NULL, 'without an anchor there is no boundary');
SELECT is(perennial.boundary('2024-01-31 00:00', NULL, 1), NULL, 'without a zone there is no boundary');
SELECT is(perennial.boundary('2024-01-31 00:00', 'UTC', NULL), NULL,
          'without a number of months there is no boundary');
SELECT throws_ok($$ SELECT perennial.boundary('2024-01-31 00:00', 'Nowhere/Land', 1) $$, '22023', NULL,
                 'an unknown zone is an error, not UTC');

-- bucket_of: the known answers follow from the bytes.

SELECT is(perennial.bucket_of(id), bucket::smallint, format('account %s is in bucket %s', id, bucket))
FROM (VALUES
	(0, 0), (1, 1), (255, 255), (256, 1), (257, 0), (65535, 0), (65536, 1), (16777216, 1), (4294967296, 1),
	(72057594037927936, 1), (1234605616436508552, 136),  -- 0x1122334455667788
	(-1, 0), (-2, 1), (-256, 255), (9223372036854775807, 128), (-9223372036854775808, 128)
) AS known (id, bucket);

SELECT is(perennial.bucket_of(NULL), NULL, 'no account has no bucket');

SELECT is_empty($$
	SELECT id FROM (SELECT hashint8extended(n, 0) AS id FROM generate_series(1, 100000) AS n) AS mixed
	WHERE perennial.bucket_of(id) NOT BETWEEN 0 AND 255 $$,
	'100 000 ids of all sizes and both signs give buckets from 0 to 255');

-- A mean of 390.6 accounts a bucket: none may hold more than twice that, nor stay empty.
CREATE FUNCTION spread(step bigint, offset_by bigint) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN count(*) < 256 THEN 'only ' || count(*) || ' buckets'
	            WHEN max(accounts) > 2 * sum(accounts) / 256 THEN max(accounts) || ' accounts in one bucket'
	            ELSE 'even' END
	FROM (SELECT count(*) AS accounts FROM generate_series(0, 99999) AS n
	      GROUP BY perennial.bucket_of(offset_by + n * step)) AS bucket
$$;

SELECT is(spread(1, 1), 'even', '100 000 sequential ids spread evenly');
SELECT is(spread(1024, 0), 'even', '100 000 ids with a step of 1024 spread evenly');
SELECT is(spread(1048576, 0), 'even', '100 000 ids with a step of 2^20 spread evenly');
SELECT is(spread(4194304, 7340032000000000000), 'even',
          '100 000 ids of one a millisecond, 22 bits below, spread evenly');
SELECT is(spread(-1, -1), 'even', '100 000 negative ids spread evenly');

SELECT * FROM finish();
ROLLBACK;
