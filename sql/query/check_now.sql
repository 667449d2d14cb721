-- check_now: triggers that others deferred to the commit speak now, while it is known which row they mean.
SET CONSTRAINTS ALL IMMEDIATE
