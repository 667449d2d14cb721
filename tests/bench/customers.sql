-- customers: one of them cancels or changes their mind, whatever the state of their subscription; those that have ended
-- are told so, which is nothing to stop for.
CREATE FUNCTION bench.customer(id bigint, cancels boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF cancels THEN
		PERFORM perennial.cancel(id, id);
	ELSE
		PERFORM perennial.withdraw_cancellation(id, id);
	END IF;
EXCEPTION WHEN SQLSTATE 'PR002' THEN
	NULL;
END
$$
