/* perennial migrate: install or upgrade the schema. */
#include "cmd/command.h"
#include "base/log.h"
#include "cmd/output.h"
#include "db/schema.h"

#include <stdio.h>

static const enum option_id migrate_options[] = { OPTION_PRINT, OPTION_END };

static void say_applied(const struct migration *m)
{
	printf("applied %04d %s\n", m->version, m->name);
	log_event(LOG_NOTICE, "migrated", "version=%d name=%s", m->version, m->name);
}

/* The same that migrate does, as a script for psql.  On a database that has the schema its first
 * migration fails and nothing changes. */
static void print_script(void)
{
	printf("\\set ON_ERROR_STOP on\nSET search_path = pg_catalog, pg_temp;\n");
	for (int i = 0; i < migration_count; i++)
		printf("\n%s;\n%s;\n\n%s\n%s;\n", queries[QUERY_BEGIN_MIGRATION].text,
		       queries[QUERY_LOCK_SCHEMA].text, migrations[i].text,
		       queries[QUERY_COMMIT].text);
	printf("\n%s;\n", queries[QUERY_ADD_TIME_ZONES].text);
}

static bool migrate(const struct context *context, struct error *err)
{
	/* A migration may take its time, and waits for another one. */
	const struct session session = session_patient();
	struct conn *conn = conn_open(context->conninfo, &session, err);
	int from = 0;
	bool ok = conn != NULL && schema_migrate(conn, &from, say_applied, err);

	conn_close(conn);
	if (ok)
		printf("schema version %d%s\n", schema_version(),
		       from == schema_version() ? ": nothing to do" : "");
	return ok;
}

static bool migrate_main(struct context *context, enum exit_code *code, struct error *err)
{
	(void)code;
	if (context->options.print)
		print_script();
	else if (!migrate(context, err))
		return false;
	return output_finish(err);
}

const struct command command_migrate = {
	.name = "migrate",
	.usage = "migrate [--print]",
	.summary = "install or upgrade the schema; run as its owner",
	.option = migrate_options,
	.writes = true,
	.example = {
		{ "-d dbname=billing migrate", "install the schema, or upgrade it" },
		{ "migrate --print | less", "read the SQL of all of it" },
		{ "migrate --print | psql -d billing", "install it with psql" },
	},
	.run = migrate_main,
};
