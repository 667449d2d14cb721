-- report_settings: what a report wants of its transaction.  Compiling costs more than it saves on every report that was
-- measured, and what is not sorted on disk is sorted faster.  Text forms of dates and times are the same everywhere.
-- returns jit text, work_mem text, time_zone text, date_style text
SELECT set_config('jit', 'off', true) AS jit,
       set_config('work_mem', '64MB', true) AS work_mem,
       set_config('TimeZone', 'UTC', true) AS time_zone,
       set_config('DateStyle', 'ISO, YMD', true) AS date_style
