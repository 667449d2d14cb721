-- holds: what operators do with subscriptions that no run may touch, or may touch again.

-- Refuses text that is more than one line, or longer than that many bytes.  What is null is not there.
CREATE FUNCTION perennial.refuse_text(name text, value text, bytes int) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, perennial, pg_temp
AS $$
BEGIN
	-- By their codes: what a class of characters has depends on the database's locale.
	IF btrim(value) = '' OR octet_length(value) > bytes OR value ~ E'[\\u0001-\\u001f\\u007f-\\u009f]' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = name || CASE WHEN btrim(value) = '' THEN ' is empty' WHEN octet_length(value) > bytes THEN ' is too long'
			                  ELSE ' has control characters' END,
			HINT = format('it is one line of text, of 1 to %s bytes', bytes);
	END IF;
END
$$;

-- Puts a subscription on hold, and answers whether it was not already, and when its period ends.  Waits for a batch
-- that has it.
CREATE FUNCTION perennial.hold_subscription(bucket int, subscription_id bigint, reason text, note text DEFAULT NULL,
	OUT newly boolean, OUT period_end timestamptz)
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, perennial, pg_temp
AS $$
DECLARE
	s perennial.subscription;
	at timestamptz;
BEGIN
	PERFORM perennial.refuse_null(json_build_object('bucket', bucket, 'subscription_id', subscription_id,
		'reason', reason));
	PERFORM perennial.refuse_text('reason', reason, 200), perennial.refuse_text('note', note, 500);
	SELECT * INTO s
	FROM perennial.subscription t
	WHERE t.bucket = hold_subscription.bucket AND t.subscription_id = hold_subscription.subscription_id
	FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE SQLSTATE 'PR001' USING
			MESSAGE = format('bucket %s has no subscription %s', bucket, subscription_id),
			HINT = 'the bucket of a subscription is that of its account';
	END IF;
	PERFORM perennial.refuse_expired(s, 'no run touches it: it needs no hold');
	IF s.hold_reason <> reason THEN
		RAISE SQLSTATE 'PR002' USING
			MESSAGE = format('subscription %s is on hold already, for the reason %s', subscription_id, s.hold_reason),
			HINT = 'release it first';
	END IF;
	newly := s.hold_reason IS NULL;
	period_end := s.period_end;
	IF newly THEN
		at := perennial.event_time(s, now());
		UPDATE perennial.subscription t
		SET hold_reason = hold_subscription.reason, held_at = at, revision = t.revision + 1
		WHERE t.bucket = s.bucket AND t.subscription_id = s.subscription_id
		RETURNING * INTO s;
		INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, from_status, to_status,
			period_start, period_end, price_id, next_price_id, quantity, next_quantity, reason, detail)
		VALUES (s.bucket, s.subscription_id, s.account_id, s.revision, 'held', at, session_user, s.status, s.status,
		        s.period_start, s.period_end, s.price_id, s.next_price_id, s.quantity, s.next_quantity, s.hold_reason, note);
	END IF;
END
$$;

-- Lifts the holds of subscriptions of one bucket, and answers which.  One that has changed since its revision was read,
-- or is not on hold, stays as it is.  With catch_up those that are due are caught up however far behind they are.
CREATE FUNCTION perennial.release_subscriptions(bucket int, ids bigint[], revisions int[], catch_up boolean,
	note text DEFAULT NULL) RETURNS SETOF bigint
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, perennial, pg_temp
AS $$
BEGIN
	PERFORM perennial.refuse_null(json_build_object('bucket', bucket, 'ids', ids, 'revisions', revisions,
		'catch_up', catch_up));
	PERFORM perennial.refuse_text('note', note, 500);
	IF cardinality(ids) <> cardinality(revisions) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s ids and %s revisions', cardinality(ids), cardinality(revisions)),
			HINT = 'each id has its revision in the same place';
	END IF;
	RETURN QUERY
	WITH held AS MATERIALIZED (
		-- In this order, so that two who release the same rows do not wait for each other.
		SELECT t.subscription_id, t.hold_reason
		FROM unnest(ids, revisions) AS seen (subscription_id, revision)
		JOIN perennial.subscription t USING (subscription_id, revision)
		WHERE t.bucket = release_subscriptions.bucket AND t.status <> 'expired' AND t.hold_reason IS NOT NULL
		ORDER BY t.subscription_id
		FOR NO KEY UPDATE OF t
	), released AS (
		UPDATE perennial.subscription t
		SET hold_reason = NULL, held_at = NULL, revision = t.revision + 1,
		    -- Only a step takes it back, and what is not due takes none.
		    catch_up_allowed = catch_up AND t.period_end <= now()
		FROM held
		WHERE t.bucket = release_subscriptions.bucket AND t.subscription_id = held.subscription_id
		RETURNING t AS s, held.hold_reason
	)
	INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, from_status, to_status,
		period_start, period_end, price_id, next_price_id, quantity, next_quantity, reason, detail)
	SELECT (s).bucket, (s).subscription_id, (s).account_id, (s).revision, 'released', perennial.event_time(s, now()),
	       session_user, (s).status, (s).status, (s).period_start, (s).period_end, (s).price_id, (s).next_price_id,
	       (s).quantity, (s).next_quantity, released.hold_reason, note
	FROM released
	RETURNING event.subscription_id;
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA perennial FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
	perennial.hold_subscription(int, bigint, text, text),
	perennial.release_subscriptions(int, bigint[], int[], boolean, text)
	TO perennial_operator;

INSERT INTO perennial.schema_version (version, name) VALUES (20, 'holds');
