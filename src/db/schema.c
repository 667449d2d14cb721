/* The schema's version: migrations, forward only. */
#include "db/schema.h"

int schema_version(void)
{
	return migrations[migration_count - 1].version;
}

/* False unless the installed version is the program's. */
static bool is_current(int installed, struct error *err)
{
	if (installed == schema_version())
		return true;
	fail(err, EXIT_CONFIG, "the database's schema has version %d, this program needs %d",
	     installed, schema_version());
	return installed < schema_version()
		       ? fail_hint(err, "upgrade it as its owner: perennial migrate")
		       : fail_hint(err, "the schema is newer than this program: install the newer "
					"program");
}

/* 0 where there is no schema yet. */
static bool installed_version(struct conn *conn, int *version, struct error *err)
{
	static const enum pg_type is_there[] = { PG_BOOL }, number[] = { PG_INT4 };
	struct rows *rows = conn_query(conn, QUERY_HAS_SCHEMA, NULL, err);
	bool ok = rows != NULL && rows_expect(rows, is_there, 1, err);
	bool there = ok && rows_bool(rows, 0, 0);

	*version = 0;
	rows_free(rows);
	if (!there)
		return ok;
	rows = conn_query(conn, QUERY_SCHEMA_VERSION, NULL, err);
	ok = rows != NULL && rows_expect(rows, number, 1, err);
	if (ok)
		*version = rows_int4(rows, 0, 0);
	rows_free(rows);
	return ok;
}

bool schema_check(struct conn *conn, struct error *err)
{
	int version;

	if (!installed_version(conn, &version, err))
		return false;
	if (version != 0)
		return is_current(version, err);
	fail(err, EXIT_CONFIG, "the database has no perennial schema");
	return fail_hint(err, "install it as its owner-to-be: perennial migrate");
}

/* A migration ends with the row that says it was applied. */
static bool apply(struct conn *conn, const struct migration *m, struct error *err)
{
	int version;

	if (!conn_script(conn, m->text, err) || !installed_version(conn, &version, err))
		return false;
	return version == m->version ||
	       fail(err, EXIT_INTERNAL, "migration %d recorded version %d", m->version, version);
}

/* Applies the first migration that is missing.  *version is what was found, under the lock. */
static bool migrate_one(struct conn *conn, int *version, struct error *err)
{
	bool ok = conn_execute(conn, QUERY_BEGIN_MIGRATION, NULL, err) &&
		  conn_execute(conn, QUERY_LOCK_SCHEMA, NULL, err) &&
		  installed_version(conn, version, err);

	if (ok && *version > schema_version())
		ok = is_current(*version, err);
	else if (ok && *version < schema_version())
		ok = apply(conn, &migrations[*version], err);
	else if (ok)
		ok = conn_execute(conn, QUERY_ADD_TIME_ZONES, NULL, err);
	ok = ok && conn_commit(conn, err);
	if (!ok)
		conn_rollback(conn);
	return ok;
}

bool schema_migrate(struct conn *conn, int *from,
		    void (*applied)(const struct migration *migration), struct error *err)
{
	int version;

	*from = -1;
	do {
		if (!migrate_one(conn, &version, err))
			return false;
		if (*from < 0)
			*from = version;
		if (version < schema_version())
			applied(&migrations[version]);
	} while (version < schema_version());
	return true;
}
