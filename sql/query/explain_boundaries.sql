-- explain_boundaries: the end of a subscription's period and the ends of those that would follow it, as facts.inc has
-- them; only the first where the server does not know the zone.
-- $1 smallint  bucket
-- $2 bigint    subscription_id
-- $3 text[]    lost time zones
-- $4 integer   how many
-- returns months integer, local text, utc text, zone text
SELECT i.months,
:local_time
       AS local,
       perennial.utc_text(i.at) AS utc,
       i.zone
FROM (
	SELECT c.months + k * coalesce(p.interval_months, 0) AS months, c.time_zone, c.zone,
	       CASE WHEN k = 0 THEN c.period_end
	            ELSE perennial.boundary(c.anchor, c.time_zone, c.months + k * p.interval_months) END AS at
	FROM (
		SELECT s.period_end, s.price_id, s.next_price_id, s.time_zone AS zone, z.name AS time_zone,
		       CASE s.status WHEN 'trialing' THEN s.period_end AT TIME ZONE z.name ELSE s.anchor END AS anchor,
		       CASE s.status WHEN 'trialing' THEN 0 ELSE s.months_elapsed END AS months
		FROM perennial.subscription s
		LEFT JOIN perennial.time_zone z ON z.name = s.time_zone AND z.name <> ALL ($3)
		WHERE s.bucket = $1 AND s.subscription_id = $2
	) AS c
	LEFT JOIN perennial.price p ON p.price_id = coalesce(c.next_price_id, c.price_id)
	CROSS JOIN generate_series(0, $4 - 1) AS k
) AS i
WHERE i.at IS NOT NULL
ORDER BY i.months, i.at
