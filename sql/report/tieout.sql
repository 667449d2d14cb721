-- tieout: the reports held against each other and against the tables; left and right must be equal.
SELECT *
FROM perennial.report_tieout(:'from', :'to', :'time_zone')
