-- journal: double entry, an entry for each day, currency and kind.
SELECT *
FROM perennial.report_journal(:'from', :'to', :'time_zone', :'receivable', :'deferred', :'revenue', :'opening')
WHERE (:'currency' = '' OR currency = :'currency')
ORDER BY entry, debit_minor DESC, account
