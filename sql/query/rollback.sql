-- rollback: nothing of the transaction is kept.
ROLLBACK
