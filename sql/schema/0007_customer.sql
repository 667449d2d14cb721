-- customer: what applications call.  Accounts are put and looked at here; subscriptions are changed in lifecycle.
--
-- Every function runs with its owner's rights, whatever its caller may do, on a fixed search path, and takes values, never
-- SQL.  Errors: PR001 not found, PR002 wrong state, 22023 bad argument, each with a hint; nothing has changed then.

-- A customer's subscriptions, and the foreign key to the account.
CREATE INDEX subscription_account ON perennial.subscription (bucket, account_id);


-- Text for people and programs.

-- UTC as ISO 8601, with a fraction only where there is one.
CREATE FUNCTION perennial.utc_text(instant timestamptz) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN to_char(instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
	       || rtrim(rtrim(to_char(instant AT TIME ZONE 'UTC', '.US'), '0'), '.') || 'Z';

-- Local time as ISO 8601 without an offset; null where the server no longer knows the zone: one job must not stop the rest.
CREATE FUNCTION perennial.local_text(instant timestamptz, time_zone text) RETURNS text
	LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, perennial, pg_temp
AS $$
BEGIN
	RETURN to_char(instant AT TIME ZONE time_zone, 'YYYY-MM-DD"T"HH24:MI:SS');
EXCEPTION
	WHEN invalid_parameter_value THEN RETURN NULL;
END
$$;

-- Minor units as decimal text: 1234 EUR is 12.34, 1234 JPY is 1234.
CREATE FUNCTION perennial.decimal_text(minor numeric, currency char(3)) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	BEGIN ATOMIC
		SELECT round(minor * 10::numeric ^ -c.exponent, c.exponent)::text FROM perennial.currency c WHERE c.code = currency;
	END;

GRANT EXECUTE ON FUNCTION perennial.utc_text(timestamptz), perennial.decimal_text(numeric, char)
	TO perennial_batch, perennial_reader;


-- What the functions below share.  Nobody else may execute it.

-- Refuses arguments that are null, given as {"name": value, …}.
CREATE FUNCTION perennial.refuse_null(arguments json) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, perennial, pg_temp
AS $$
DECLARE
	missing text := (SELECT string_agg(key, ', ') FROM json_each_text(arguments) WHERE value IS NULL);
BEGIN
	IF missing IS NOT NULL THEN
		RAISE invalid_parameter_value USING MESSAGE = missing || ' is null', HINT = 'give it a value';
	END IF;
END
$$;

-- Refuses an instant that no table would take.
CREATE FUNCTION perennial.refuse_instant(at timestamptz) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, perennial, pg_temp
AS $$
BEGIN
	IF at < '1900-01-01 00:00:00+00' OR at >= '3000-01-01 00:00:00+00' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('at is out of range: %s', CASE WHEN isfinite(at) THEN perennial.utc_text(at) ELSE at::text END),
			HINT = 'it is a finite instant from 1900 to 2999';
	END IF;
END
$$;

CREATE FUNCTION perennial.refuse_unknown_account(account_id bigint) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, perennial, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM perennial.account a WHERE a.bucket = perennial.bucket_of(refuse_unknown_account.account_id)
	               AND a.account_id = refuse_unknown_account.account_id) THEN
		RAISE SQLSTATE 'PR001' USING
			MESSAGE = format('there is no account %s', account_id), HINT = 'put_account() creates it';
	END IF;
END
$$;

CREATE FUNCTION perennial.refuse_unknown_zone(time_zone text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, perennial, pg_temp
AS $$
BEGIN
	-- One that is in the table may be lost to the server, since its time zone data changed.
	IF NOT EXISTS (SELECT FROM perennial.time_zone z WHERE z.name = time_zone)
	   OR perennial.local_text(now(), time_zone) IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('there is no time zone %L', time_zone),
			HINT = 'it is a name of the IANA database, written exactly so: Europe/Paris, UTC';
	END IF;
END
$$;

-- The price at which so many units are sold.
CREATE FUNCTION perennial.price_for(price_id int, quantity int) RETURNS perennial.price
	LANGUAGE plpgsql SET search_path = pg_catalog, perennial, pg_temp
AS $$
DECLARE
	p perennial.price;
BEGIN
	SELECT * INTO p FROM perennial.price WHERE price.price_id = price_for.price_id;
	IF NOT FOUND THEN
		RAISE SQLSTATE 'PR001' USING
			MESSAGE = format('there is no price %s', price_id), HINT = 'what is for sale stands in perennial.price, which members of perennial_reader may read';
	END IF;
	IF quantity <= 0 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('quantity is %s', quantity), HINT = 'it is 1 or more';
	END IF;
	IF p.unit_amount::numeric * quantity > 1000000000000000 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s times %s is more than an amount may be', quantity, p.unit_amount),
			HINT = 'an amount has 1000000000000000 minor units at most';
	END IF;
	RETURN p;
END
$$;


-- Accounts.

CREATE FUNCTION perennial.put_account(account_id bigint, kind text, name text, billing_email text,
	representative_email text, locale text) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, perennial, pg_temp
AS $$
DECLARE
	contact text := CASE kind WHEN 'corporate' THEN 'representative_email' ELSE 'billing_email' END;
	-- E'': the same whatever standard_conforming_strings says.
	mailbox text := E'^[^[:cntrl:][:space:]@<>(),;:"\\\\]+@[^[:cntrl:][:space:]@<>(),;:"\\\\]+$';
	wrong text;
BEGIN
	PERFORM perennial.refuse_null(json_build_object('account_id', account_id, 'kind', kind, 'name', name,
		contact, CASE kind WHEN 'corporate' THEN representative_email ELSE billing_email END, 'locale', locale));
	IF kind NOT IN ('online', 'corporate') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('there is no kind of account %L', kind), HINT = 'it is online or corporate';
	END IF;
	-- They end up in the headers of mails: nothing in them may begin another line.
	SELECT string_agg(given.name, ', ') INTO wrong
	FROM (VALUES ('name', name, '^[^[:cntrl:]]*[^[:cntrl:][:space:]][^[:cntrl:]]*$'),
	             ('billing_email', billing_email, mailbox),
	             ('representative_email', representative_email, mailbox),
	             ('locale', locale, '^[A-Za-z]{2,3}([_-][A-Za-z0-9]{1,8})*$')) AS given (name, value, pattern)
	WHERE given.value !~ given.pattern OR length(given.value) > 254;
	IF wrong IS NOT NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = wrong || ' is not valid',
			HINT = 'an address is like ada@example.com, a locale like en or pt_BR, a name one line; none has more than 254 characters';
	END IF;

	INSERT INTO perennial.account AS a (bucket, account_id, kind, name, billing_email, representative_email, locale)
	VALUES (perennial.bucket_of(put_account.account_id), put_account.account_id, put_account.kind, put_account.name,
	        put_account.billing_email, put_account.representative_email, put_account.locale)
	ON CONFLICT ON CONSTRAINT account_pkey DO UPDATE
	SET kind = excluded.kind, name = excluded.name, billing_email = excluded.billing_email,
	    representative_email = excluded.representative_email, locale = excluded.locale
	WHERE (a.kind, a.name, a.billing_email, a.representative_email, a.locale)
	      IS DISTINCT FROM (excluded.kind, excluded.name, excluded.billing_email, excluded.representative_email, excluded.locale);
END
$$;

-- What an account has, and what becomes of it if nobody does anything.
CREATE FUNCTION perennial.subscriptions_of(account_id bigint) RETURNS TABLE (
	subscription_id bigint, status perennial.status, plan_code text, plan_name text, price_id int, quantity int,
	unit_amount bigint, currency char(3), interval_months smallint, time_zone text,
	period_start timestamptz, period_end timestamptz,
	renews_at timestamptz,       -- null: it does not
	renewal_amount bigint,       -- what is then billed; null also where it is more than an amount may be
	expires_at timestamptz,      -- null: it does not; past once it has expired
	usable boolean,
	billing_info boolean, next_price_id int, next_quantity int, cancel_requested_at timestamptz)
	LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, perennial, pg_temp
AS $$
BEGIN
	PERFORM perennial.refuse_null(json_build_object('account_id', account_id));
	PERFORM perennial.refuse_unknown_account(account_id);
	RETURN QUERY
	SELECT s.subscription_id, s.status, plan.code, plan.name, s.price_id, s.quantity,
	       p.unit_amount, p.currency, p.interval_months, s.time_zone,
	       s.period_start, s.period_end,
	       CASE WHEN fate.renews THEN s.period_end END,
	       CASE WHEN fate.renews AND fate.amount <= 1000000000000000 THEN fate.amount::bigint END,
	       CASE WHEN NOT fate.renews THEN coalesce(s.ended_at, s.period_end) END,
	       s.status <> 'expired',
	       s.billing_info_at IS NOT NULL, s.next_price_id, s.next_quantity, s.cancel_requested_at
	FROM perennial.subscription s
	JOIN perennial.price p ON p.price_id = s.price_id
	JOIN perennial.plan ON plan.plan_id = p.plan_id
	JOIN perennial.price next ON next.price_id = coalesce(s.next_price_id, s.price_id)
	CROSS JOIN LATERAL (SELECT
		s.status = 'active' OR s.status = 'trialing' AND (next.unit_amount = 0 OR s.billing_info_at IS NOT NULL) AS renews,
		next.unit_amount::numeric * coalesce(s.next_quantity, s.quantity) AS amount
	) AS fate
	WHERE s.bucket = perennial.bucket_of(subscriptions_of.account_id) AND s.account_id = subscriptions_of.account_id
	ORDER BY s.subscription_id;
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA perennial FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
	perennial.put_account(bigint, text, text, text, text, text),
	perennial.subscriptions_of(bigint)
	TO perennial_app;

INSERT INTO perennial.schema_version (version, name) VALUES (7, 'customer');
