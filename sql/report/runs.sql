-- runs: those as of an instant in the period, with what they did, by currency.
SELECT *
FROM perennial.report_runs(:'from', :'to', :'time_zone')
ORDER BY run_id, currency
