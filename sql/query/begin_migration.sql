-- begin_migration
BEGIN
