-- begin_plan: one snapshot, and nothing can be written.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY
