-- lifecycle: what customers do with their subscriptions.  Each function is one transaction in one bucket: it locks the row,
-- changes it, appends the event and, where customers hear of it, a job.  What is so already is not done a second time.
--
-- at is the date that counts: now, or an earlier one for what happened elsewhere; never before what is in the history.

-- A subscription of this account, locked.  Somebody else's does not exist.
CREATE FUNCTION perennial.lock_subscription(account_id bigint, subscription_id bigint, at timestamptz)
	RETURNS perennial.subscription
	LANGUAGE plpgsql SET search_path = pg_catalog, perennial, pg_temp
AS $$
DECLARE
	s perennial.subscription;
BEGIN
	PERFORM perennial.refuse_null(json_build_object('account_id', account_id, 'subscription_id', subscription_id, 'at', at));
	PERFORM perennial.refuse_instant(at);
	SELECT * INTO s
	FROM perennial.subscription t
	WHERE t.bucket = perennial.bucket_of(lock_subscription.account_id) AND t.account_id = lock_subscription.account_id
	  AND t.subscription_id = lock_subscription.subscription_id
	FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE SQLSTATE 'PR001' USING
			MESSAGE = format('account %s has no subscription %s', account_id, subscription_id),
			HINT = 'subscriptions_of() lists what it has';
	END IF;
	RETURN s;
END
$$;

CREATE FUNCTION perennial.refuse_expired(s perennial.subscription, hint text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, perennial, pg_temp
AS $$
BEGIN
	IF s.status = 'expired' THEN
		RAISE SQLSTATE 'PR002' USING
			MESSAGE = format('subscription %s expired at %s', s.subscription_id,
			                 perennial.utc_text(coalesce(s.ended_at, s.period_end))),
			HINT = hint;
	END IF;
END
$$;

-- Sums never cross currencies, and no subscription does.
CREATE FUNCTION perennial.refuse_other_currency(s perennial.subscription, p perennial.price) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, perennial, pg_temp
AS $$
DECLARE
	currency char(3) := (SELECT q.currency FROM perennial.price q WHERE q.price_id = s.price_id);
BEGIN
	IF p.currency <> currency THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('price %s is in %s, subscription %s in %s', p.price_id, p.currency, s.subscription_id, currency),
			HINT = 'another currency is another subscription: cancel() this one and subscribe() anew';
	END IF;
END
$$;

-- Refuses a first period that would end later than any table allows.
CREATE FUNCTION perennial.refuse_end(period_end timestamptz) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, perennial, pg_temp
AS $$
BEGIN
	IF period_end > '3000-01-01 00:00:00+00' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the period would end at %s', perennial.utc_text(period_end)),
			HINT = 'no period ends after the year 2999';
	END IF;
END
$$;

-- When it happened.  The transaction's own time may lie before what the one that had the lock until now wrote: it then
-- happened right after that.  An instant that was given has to fit.
CREATE FUNCTION perennial.event_time(s perennial.subscription, at timestamptz) RETURNS timestamptz
	LANGUAGE plpgsql SET search_path = pg_catalog, perennial, pg_temp
AS $$
DECLARE
	last timestamptz := greatest(
		(SELECT max(e.at) FROM perennial.event e WHERE e.bucket = s.bucket AND e.subscription_id = s.subscription_id),
		(SELECT max(o.period_end) FROM perennial.outcome o WHERE o.bucket = s.bucket AND o.subscription_id = s.subscription_id));
BEGIN
	IF at < last AND at <> now() THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('at is %s, before the last entry in the history of subscription %s',
			                 perennial.utc_text(at), s.subscription_id),
			HINT = format('it is %s or later', perennial.utc_text(last));
	END IF;
	RETURN greatest(at, last);
END
$$;

-- Appends the event that made the row what it is now, and a job of this kind, if any.  billed is the price of a first
-- period.
CREATE FUNCTION perennial.append_event(s perennial.subscription, kind text, at timestamptz, from_status perennial.status,
	job text, billed perennial.price DEFAULT NULL, detail text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, perennial, pg_temp
AS $$
DECLARE
	appended bigint;
BEGIN
	INSERT INTO perennial.event AS e (bucket, subscription_id, account_id, revision, kind, at, actor, from_status, to_status,
		period_start, period_end, price_id, next_price_id, quantity, next_quantity, unit_amount, amount, currency,
		detail)
	VALUES (s.bucket, s.subscription_id, s.account_id, s.revision, append_event.kind, append_event.at, session_user,
	        append_event.from_status, s.status, s.period_start, s.period_end, s.price_id, s.next_price_id, s.quantity,
	        s.next_quantity, billed.unit_amount, billed.unit_amount * s.quantity, billed.currency,
	        append_event.detail)
	RETURNING e.event_id INTO appended;
	IF job IS NOT NULL THEN
		INSERT INTO perennial.notification_job (bucket, subscription_id, account_id, kind, boundary, event_id)
		VALUES (s.bucket, s.subscription_id, s.account_id, job, s.period_end, appended);
		PERFORM pg_notify('perennial_job', '');
	END IF;
END
$$;


-- New ones.

CREATE FUNCTION perennial.subscribe(account_id bigint, price_id int, quantity int, time_zone text,
	at timestamptz DEFAULT now()) RETURNS bigint
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, perennial, pg_temp
AS $$
DECLARE
	s perennial.subscription;
	p perennial.price;
BEGIN
	PERFORM perennial.refuse_null(json_build_object('account_id', account_id, 'price_id', price_id, 'quantity', quantity,
		'time_zone', time_zone, 'at', at));
	PERFORM perennial.refuse_instant(at);
	PERFORM perennial.refuse_unknown_account(account_id);
	PERFORM perennial.refuse_unknown_zone(time_zone);
	p := perennial.price_for(price_id, quantity);
	s.anchor := at AT TIME ZONE time_zone;
	s.period_end := perennial.boundary(s.anchor, time_zone, p.interval_months);
	PERFORM perennial.refuse_end(s.period_end);

	INSERT INTO perennial.subscription (bucket, account_id, price_id, quantity, status, anchor, time_zone, months_elapsed,
		period_start, period_end, revision)
	VALUES (perennial.bucket_of(subscribe.account_id), subscribe.account_id, subscribe.price_id, subscribe.quantity, 'active',
	        s.anchor, subscribe.time_zone, p.interval_months, subscribe.at, s.period_end, 1)
	RETURNING * INTO s;
	PERFORM perennial.append_event(s, 'subscribed', at, NULL, 'subscribed', p);
	RETURN s.subscription_id;
END
$$;

-- Its days are counted in local time.
CREATE FUNCTION perennial.start_trial(account_id bigint, price_id int, quantity int, days int, time_zone text,
	billing_info boolean, at timestamptz DEFAULT now()) RETURNS bigint
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, perennial, pg_temp
AS $$
DECLARE
	s perennial.subscription;
BEGIN
	PERFORM perennial.refuse_null(json_build_object('account_id', account_id, 'price_id', price_id, 'quantity', quantity,
		'days', days, 'time_zone', time_zone, 'billing_info', billing_info, 'at', at));
	PERFORM perennial.refuse_instant(at);
	PERFORM perennial.refuse_unknown_account(account_id);
	PERFORM perennial.refuse_unknown_zone(time_zone);
	PERFORM perennial.price_for(price_id, quantity);
	IF days NOT BETWEEN 1 AND 3660 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('a trial of %s days', days), HINT = 'it has 1 to 3660 days';
	END IF;
	s.anchor := at AT TIME ZONE time_zone;
	s.period_end := (s.anchor + make_interval(days => days)) AT TIME ZONE time_zone;
	PERFORM perennial.refuse_end(s.period_end);

	INSERT INTO perennial.subscription (bucket, account_id, price_id, quantity, status, billing_info_at, anchor, time_zone,
		months_elapsed, period_start, period_end, trial_end, revision)
	VALUES (perennial.bucket_of(start_trial.account_id), start_trial.account_id, start_trial.price_id, start_trial.quantity,
	        'trialing', CASE WHEN start_trial.billing_info THEN start_trial.at END, s.anchor, start_trial.time_zone,
	        0, start_trial.at, s.period_end, s.period_end, 1)
	RETURNING * INTO s;
	PERFORM perennial.append_event(s, 'trial_started', at, NULL, 'trial_started',
		detail => CASE WHEN billing_info THEN 'with billing information' END);
	RETURN s.subscription_id;
END
$$;


-- Cancelling.

-- Answers the expiry: the end of what was paid, which the run may not have come to yet.
CREATE FUNCTION perennial.cancel(account_id bigint, subscription_id bigint, at timestamptz DEFAULT now())
	RETURNS timestamptz
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, perennial, pg_temp
AS $$
DECLARE
	s perennial.subscription := perennial.lock_subscription(account_id, subscription_id, at);
	before perennial.status := s.status;
BEGIN
	PERFORM perennial.refuse_expired(s, 'there is nothing left to cancel');
	IF s.status <> 'pending_cancellation' THEN
		at := perennial.event_time(s, at);
		UPDATE perennial.subscription t
		SET status = 'pending_cancellation', cancel_requested_at = cancel.at, revision = t.revision + 1
		WHERE t.bucket = s.bucket AND t.subscription_id = s.subscription_id
		RETURNING * INTO s;
		PERFORM perennial.append_event(s, 'cancelled', at, before, 'cancellation_confirmed');
	END IF;
	RETURN s.period_end;
END
$$;

CREATE FUNCTION perennial.withdraw_cancellation(account_id bigint, subscription_id bigint, at timestamptz DEFAULT now())
	RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, perennial, pg_temp
AS $$
DECLARE
	s perennial.subscription := perennial.lock_subscription(account_id, subscription_id, at);
BEGIN
	PERFORM perennial.refuse_expired(s, 'reactivate() opens a new period');
	IF s.status = 'pending_cancellation' THEN
		at := perennial.event_time(s, at);
		UPDATE perennial.subscription t
		SET status = CASE WHEN t.trial_end = t.period_end THEN 'trialing' ELSE 'active' END::perennial.status,
		    cancel_requested_at = NULL, revision = t.revision + 1
		WHERE t.bucket = s.bucket AND t.subscription_id = s.subscription_id
		RETURNING * INTO s;
		PERFORM perennial.append_event(s, 'withdrawn', at, 'pending_cancellation', 'cancellation_withdrawn');
	END IF;
END
$$;

-- Opens a new period after the end of the last, and counts from there; the gap costs nothing.  Answers its end.
CREATE FUNCTION perennial.reactivate(account_id bigint, subscription_id bigint, price_id int,
	at timestamptz DEFAULT now()) RETURNS timestamptz
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, perennial, pg_temp
AS $$
DECLARE
	s perennial.subscription := perennial.lock_subscription(account_id, subscription_id, at);
	p perennial.price;
BEGIN
	PERFORM perennial.refuse_null(json_build_object('price_id', price_id));
	IF s.status <> 'expired' THEN
		RAISE SQLSTATE 'PR002' USING
			MESSAGE = format('subscription %s is %s', subscription_id, s.status),
			HINT = CASE s.status WHEN 'pending_cancellation' THEN 'withdraw_cancellation() keeps it'
			                     ELSE 'only an expired one is reactivated' END;
	END IF;
	p := perennial.price_for(price_id, s.quantity);
	PERFORM perennial.refuse_other_currency(s, p);
	PERFORM perennial.refuse_unknown_zone(s.time_zone);
	at := perennial.event_time(s, at);
	IF at < coalesce(s.ended_at, s.period_end) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('at is %s, before subscription %s ended', perennial.utc_text(at), subscription_id),
			HINT = format('it is %s or later', perennial.utc_text(coalesce(s.ended_at, s.period_end)));
	END IF;
	s.anchor := at AT TIME ZONE s.time_zone;
	s.period_end := perennial.boundary(s.anchor, s.time_zone, p.interval_months);
	PERFORM perennial.refuse_end(s.period_end);

	UPDATE perennial.subscription t
	SET status = 'active', price_id = p.price_id, next_price_id = NULL, next_quantity = NULL, anchor = s.anchor,
	    months_elapsed = p.interval_months, period_start = reactivate.at, period_end = s.period_end, trial_end = NULL,
	    cancel_requested_at = NULL, ended_at = NULL, end_reason = NULL, catch_up_allowed = false, revision = t.revision + 1
	WHERE t.bucket = s.bucket AND t.subscription_id = s.subscription_id
	RETURNING * INTO s;
	PERFORM perennial.append_event(s, 'reactivated', at, 'expired', 'reactivated', p);
	RETURN s.period_end;
END
$$;


-- What counts at the next boundary.

-- Given for this one subscription: that of another converts nothing here.
CREATE FUNCTION perennial.set_billing_info(account_id bigint, subscription_id bigint, at timestamptz DEFAULT now())
	RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, perennial, pg_temp
AS $$
DECLARE
	s perennial.subscription := perennial.lock_subscription(account_id, subscription_id, at);
BEGIN
	PERFORM perennial.change_billing_info(s, at, true);
END
$$;

CREATE FUNCTION perennial.clear_billing_info(account_id bigint, subscription_id bigint, at timestamptz DEFAULT now())
	RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, perennial, pg_temp
AS $$
DECLARE
	s perennial.subscription := perennial.lock_subscription(account_id, subscription_id, at);
BEGIN
	PERFORM perennial.change_billing_info(s, at, false);
END
$$;

CREATE FUNCTION perennial.change_billing_info(s perennial.subscription, at timestamptz, given boolean) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, perennial, pg_temp
AS $$
BEGIN
	PERFORM perennial.refuse_expired(s, 'reactivate() opens a new period');
	IF given <> (s.billing_info_at IS NOT NULL) THEN
		at := perennial.event_time(s, at);
		UPDATE perennial.subscription t
		SET billing_info_at = CASE WHEN given THEN change_billing_info.at END, revision = t.revision + 1
		WHERE t.bucket = s.bucket AND t.subscription_id = s.subscription_id
		RETURNING * INTO s;
		PERFORM perennial.append_event(s, CASE WHEN given THEN 'billing_info_set' ELSE 'billing_info_cleared' END, at,
			s.status, NULL);
	END IF;
END
$$;

-- From the next boundary on, in place of what was scheduled before.  A part that is null goes on as it is now.
CREATE FUNCTION perennial.schedule_change(account_id bigint, subscription_id bigint, price_id int, quantity int,
	at timestamptz DEFAULT now()) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, perennial, pg_temp
AS $$
DECLARE
	s perennial.subscription := perennial.lock_subscription(account_id, subscription_id, at);
	p perennial.price;
BEGIN
	PERFORM perennial.refuse_expired(s, 'reactivate() opens a new period, with its own price');
	IF num_nonnulls(price_id, quantity) > 0 THEN
		p := perennial.price_for(coalesce(price_id, s.price_id), coalesce(quantity, s.quantity));
		PERFORM perennial.refuse_other_currency(s, p);
	END IF;
	-- What is in force needs no schedule.
	price_id := nullif(price_id, s.price_id);
	quantity := nullif(quantity, s.quantity);
	IF (price_id, quantity) IS DISTINCT FROM (s.next_price_id, s.next_quantity) THEN
		at := perennial.event_time(s, at);
		UPDATE perennial.subscription t
		SET next_price_id = schedule_change.price_id, next_quantity = schedule_change.quantity, revision = t.revision + 1
		WHERE t.bucket = s.bucket AND t.subscription_id = s.subscription_id
		RETURNING * INTO s;
		PERFORM perennial.append_event(s, 'change_scheduled', at, s.status, NULL);
	END IF;
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA perennial FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
	perennial.subscribe(bigint, int, int, text, timestamptz),
	perennial.start_trial(bigint, int, int, int, text, boolean, timestamptz),
	perennial.cancel(bigint, bigint, timestamptz),
	perennial.withdraw_cancellation(bigint, bigint, timestamptz),
	perennial.reactivate(bigint, bigint, int, timestamptz),
	perennial.set_billing_info(bigint, bigint, timestamptz),
	perennial.clear_billing_info(bigint, bigint, timestamptz),
	perennial.schedule_change(bigint, bigint, int, int, timestamptz)
	TO perennial_app;

INSERT INTO perennial.schema_version (version, name) VALUES (8, 'lifecycle');
