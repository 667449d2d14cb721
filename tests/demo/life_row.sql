-- life_row: all that is stored of one subscription, as text.
-- subscription  its id

SELECT s FROM perennial.subscription s WHERE s.subscription_id = :subscription;
