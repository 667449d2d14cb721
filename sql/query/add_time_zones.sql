-- add_time_zones: names that the server knows and the schema does not, after a newer tzdata.
INSERT INTO perennial.time_zone (name)
:new_time_zones
ON CONFLICT (name) DO NOTHING
