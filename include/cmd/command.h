/* Commands are values: one file, one struct command.  commands.c lists them. */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include "cmd/config.h"
#include "cmd/options.h"
#include "db/buckets.h"
#include "db/conn.h"
#include "db/server.h"

/* What a command is given. */
struct context {
	struct config config;
	struct error config_error; /* where the command bears it */
	const char *conninfo;      /* -d, or the configuration's */
	bool quiet;                /* -q */
	struct options options;
};

/* What stands behind a command's options. */
enum arguments {
	TAKES_NOTHING,
	TAKES_ID,   /* a subscription */
	TAKES_IDS,  /* any number of them */
	TAKES_NAME, /* a name, or nothing */
};

#define EXAMPLES 3

struct command {
	const char *name;
	const char *usage;
	const char *summary;
	const enum option_id *option; /* ends with OPTION_END */
	unsigned formats;             /* bits, 1 << FORMAT_…; the first is the default */
	enum arguments takes;
	bool writes;              /* it needs the primary among several hosts */
	bool bears_config;        /* a configuration with problems is one of its findings */
	void (*print_more)(void); /* what follows in its help; NULL: nothing */
	struct {
		const char *line; /* without "perennial" */
		const char *does;
	} example[EXAMPLES];
	/* Does it.  True, and the exit code is *code; or false, and it is the error's. */
	bool (*run)(struct context *context, enum exit_code *code, struct error *err);
};

extern const struct command command_run;
extern const struct command command_plan;
extern const struct command command_explain;
extern const struct command command_history;
extern const struct command command_holds;
extern const struct command command_hold;
extern const struct command command_release;
extern const struct command command_status;
extern const struct command command_metrics;
extern const struct command command_report;
extern const struct command command_prune;
extern const struct command command_check;
extern const struct command command_migrate;

/* All of them, in the order of the help. */
extern const struct command *const commands[];
extern const int command_count;

/* How many rows a batch has at most: as the options say or the configuration, and no more than a
 * second may have. */
int batch_size_of(const struct context *context);

/* How a connection is used: with what the configuration says of statements and timeouts, … */
struct session session_of(const struct config *config);

/* … or by what is in nobody's way however long it takes, and sends each statement once. */
struct session session_patient(void);

/* Opens a connection on a database whose schema fits, and checks --as-of and the subscription
 * against it.  NULL after a failure. */
struct conn *session_open(const struct context *context, bool allow_future,
			  const struct session *session, struct server *server, struct error *err)
	OWNED_BY(conn_close);

/* The buckets that have a subscription with this id; usually there is one.  0 after a failure,
 * which is EXIT_UNKNOWN where none has. */
int session_buckets(struct conn *conn, int64_t subscription_id, int16_t bucket[BUCKETS],
		    struct error *err) MUST_CHECK;

/* Whether there is a subscription with this id; false with EXIT_UNKNOWN where there is none. */
bool session_find(struct conn *conn, int64_t subscription_id, struct error *err) MUST_CHECK;

/* The plan command on its own options, for run --dry-run too. */
bool plan_main(struct context *context, enum exit_code *code, struct error *err) MUST_CHECK;

#endif
