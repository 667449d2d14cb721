/* The configuration: the table of keys, and reading a file by it. */
#include "cmd/config.h"
#include "cmd/config_scan.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PATH SYSCONFDIR "/perennial/perennial.conf"
#define FILE_MAX     ((size_t)1024 * 1024)

enum key_kind {
	KEY_TEXT,
	KEY_BOOL,
	KEY_INT,
	KEY_DURATION, /* "500ms", "60s", "40min", "2h", as milliseconds */
	KEY_FACILITY,
	KEY_LEVEL,
	KEY_ACCOUNT, /* of a journal */
	KEY_PATH,    /* absolute, or empty */
};

/* A key is added here, in struct config, in conf/perennial.conf and in its manual page. */
static const struct key {
	const char *path;
	enum key_kind kind;
	int min, max; /* of an int */
	const char *fallback;
	size_t at; /* in struct config */
} key[] = {
	{ "database.connection", KEY_TEXT, 0, 0, "", offsetof(struct config, connection) },
	{ "database.prepared_statements", KEY_BOOL, 0, 0, "true",
	  offsetof(struct config, prepared_statements) },
	{ "run.workers", KEY_INT, 1, 64, "2", offsetof(struct config, workers) },
	{ "run.batch_size", KEY_INT, 1, 10000, "1000", offsetof(struct config, batch_size) },
	{ "run.deadline", KEY_DURATION, 0, 0, "40min", offsetof(struct config, deadline_ms) },
	{ "run.retry_for", KEY_DURATION, 0, 0, "60s", offsetof(struct config, retry_for_ms) },
	{ "run.statement_timeout", KEY_DURATION, 0, 0, "60s",
	  offsetof(struct config, statement_timeout_ms) },
	{ "run.lock_timeout", KEY_DURATION, 0, 0, "5s", offsetof(struct config, lock_timeout_ms) },
	{ "catch_up.max_periods", KEY_INT, 1, 31, "3", offsetof(struct config, max_periods) },
	{ "limits.max_held", KEY_INT, 0, 1000000000, "100", offsetof(struct config, max_held) },
	{ "report.time_zone", KEY_TEXT, 0, 0, "UTC", offsetof(struct config, report_time_zone) },
	{ "report.receivable", KEY_ACCOUNT, 0, 0, "assets:receivable",
	  offsetof(struct config, receivable) },
	{ "report.deferred", KEY_ACCOUNT, 0, 0, "liabilities:deferred revenue",
	  offsetof(struct config, deferred) },
	{ "report.revenue", KEY_ACCOUNT, 0, 0, "income:subscriptions",
	  offsetof(struct config, revenue) },
	{ "report.opening", KEY_ACCOUNT, 0, 0, "equity:opening balances",
	  offsetof(struct config, opening) },
	{ "metrics.file", KEY_PATH, 0, 0, "", offsetof(struct config, metrics_file) },
	{ "log.syslog_facility", KEY_FACILITY, 0, 0, "daemon",
	  offsetof(struct config, syslog_facility) },
	{ "log.level", KEY_LEVEL, 0, 0, "info", offsetof(struct config, log_level) },
};

#define KEYS (sizeof(key) / sizeof(key[0]))

struct word {
	const char *name;
	int value;
};

static const struct word facility[] = {
	{ "daemon", LOG_DAEMON }, { "user", LOG_USER },     { "cron", LOG_CRON },
	{ "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 }, { "local2", LOG_LOCAL2 },
	{ "local3", LOG_LOCAL3 }, { "local4", LOG_LOCAL4 }, { "local5", LOG_LOCAL5 },
	{ "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 }, { NULL, 0 },
};

static const struct word level[] = {
	{ "error", LOG_ERR }, { "warning", LOG_WARNING }, { "notice", LOG_NOTICE },
	{ "info", LOG_INFO }, { "debug", LOG_DEBUG },     { NULL, 0 },
};

/* What is being read: problems are counted, so that all of them are told at once. */
struct reading {
	const char *path;
	struct config *config;
	int problems;
};

static void problem(struct reading *r, int line, const char *name, const char *what)
{
	fprintf(stderr, "%s:%d: %s%s%s\n", r->path, line, name, name[0] != '\0' ? ": " : "", what);
	r->problems++;
}

static void tell(void *reading, int line, const char *what)
{
	problem(reading, line, "", what);
}

static bool set_word(const struct word *word, const char *text, int *value)
{
	for (; word->name != NULL; word++)
		if (strcmp(word->name, text) == 0) {
			*value = word->value;
			return true;
		}
	return false;
}

/* A number and a unit, from 1 ms to 24 hours. */
static bool set_duration(const char *text, int64_t *ms)
{
	static const struct word unit[] = {
		{ "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "h", 3600000 }, { NULL, 0 },
	};
	char *end;
	long number;
	int factor;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	number = strtol(text, &end, 10);
	if (errno != 0 || !set_word(unit, end, &factor) || number < 1 ||
	    number > 24L * 3600000 / factor)
		return false;
	*ms = (int64_t)number * factor;
	return true;
}

/* What hledger reads as one account: no two spaces in a row, and nothing that is a status, a
 * comment or a virtual posting. */
static bool is_account(const char *text)
{
	size_t n = strlen(text);

	if (n == 0 || strchr(" *!=", text[0]) != NULL || text[n - 1] == ' ' ||
	    strstr(text, "  ") != NULL)
		return false;
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f || strchr(";()[]", *text) != NULL)
			return false;
	return true;
}

/* Sets a key from its text; NULL, or what is wrong with it. */
static const char *set_text(const struct key *k, const char *text, void *at)
{
	switch (k->kind) {
	case KEY_DURATION:
		return set_duration(text, at)
			       ? NULL
			       : "not a duration from 1ms to 24h, such as \"500ms\", \"60s\", "
				 "\"40min\" or \"2h\"";
	case KEY_FACILITY:
		return set_word(facility, text, at)
			       ? NULL
			       : "not one of daemon, user, cron, local0 to local7";
	case KEY_LEVEL:
		return set_word(level, text, at) ? NULL
						 : "not one of error, warning, notice, info, debug";
	case KEY_ACCOUNT:
		if (!is_account(text))
			return "not the name of an account, such as \"assets:receivable\"";
		break;
	case KEY_PATH:
		if (text[0] != '\0' && text[0] != '/')
			return "not an absolute path";
		break;
	default:
		break;
	}
	if (strlen(text) >= CONFIG_TEXT_SIZE)
		return "too long";
	memcpy(at, text, strlen(text) + 1);
	return NULL;
}

static void set_default(const struct key *k, struct config *config)
{
	void *at = (char *)config + k->at;

	if (k->kind == KEY_BOOL)
		*(bool *)at = strcmp(k->fallback, "true") == 0;
	else if (k->kind == KEY_INT)
		*(int *)at = (int)strtol(k->fallback, NULL, 10);
	else
		set_text(k, k->fallback, at);
}

static void read_int(struct reading *r, const struct key *k, const config_setting_t *setting)
{
	int line = (int)config_setting_source_line(setting);
	int value = config_setting_get_int(setting);
	char what[80];

	if (config_setting_type(setting) != CONFIG_TYPE_INT) {
		problem(r, line, k->path, "not a whole number");
	} else if (value < k->min || value > k->max) {
		snprintf(what, sizeof(what), "%d is out of range, %d to %d", value, k->min, k->max);
		problem(r, line, k->path, what);
	} else {
		*(int *)(void *)((char *)r->config + k->at) = value;
	}
}

static void read_key(struct reading *r, const struct key *k, const config_setting_t *setting)
{
	int line = (int)config_setting_source_line(setting);
	void *at = (char *)r->config + k->at;
	const char *wrong;

	if (k->kind == KEY_INT) {
		read_int(r, k, setting);
	} else if (k->kind == KEY_BOOL) {
		if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
			problem(r, line, k->path, "not true or false");
		else
			*(bool *)at = config_setting_get_bool(setting);
	} else if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
		problem(r, line, k->path, "not a text in double quotes");
	} else {
		wrong = set_text(k, config_setting_get_string(setting), at);
		if (wrong != NULL)
			problem(r, line, k->path, wrong);
	}
}

/* The key of this name in a group, or NULL. */
static const struct key *find_key(const char *path)
{
	for (size_t i = 0; i < KEYS; i++)
		if (strcmp(key[i].path, path) == 0)
			return &key[i];
	return NULL;
}

static bool is_group(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < KEYS; i++)
		if (strncmp(key[i].path, name, n) == 0 && key[i].path[n] == '.')
			return true;
	return false;
}

static void read_group(struct reading *r, const config_setting_t *group)
{
	char path[128];

	for (int i = 0; i < config_setting_length(group); i++) {
		config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
		const struct key *k;

		snprintf(path, sizeof(path), "%s.%s", config_setting_name(group),
			 config_setting_name(setting));
		k = find_key(path);
		if (k != NULL)
			read_key(r, k, setting);
		else
			problem(r, (int)config_setting_source_line(setting), path, "unknown key");
	}
}

static void read_root(struct reading *r, const config_setting_t *root)
{
	for (int i = 0; i < config_setting_length(root); i++) {
		config_setting_t *group = config_setting_get_elem(root, (unsigned)i);
		int line = (int)config_setting_source_line(group);
		const char *name = config_setting_name(group);

		if (!is_group(name))
			problem(r, line, name, "unknown key");
		else if (config_setting_type(group) != CONFIG_TYPE_GROUP)
			problem(r, line, name, "not a group: { … };");
		else
			read_group(r, group);
	}
}

/* False, with errno, when the file cannot be read. */
static bool read_file(const char *path, struct config *config)
{
	FILE *f = fopen(path, "r");
	bool ok;

	if (f == NULL)
		return false;
	config->text = memory_zeroed(FILE_MAX + 1);
	config->text_size = fread(config->text, 1, FILE_MAX, f);
	ok = ferror(f) == 0;
	if (ok && config->text_size == FILE_MAX) {
		errno = EFBIG;
		ok = false;
	}
	config->text = memory_resize(config->text, config->text_size + 1);
	fclose(f);
	return ok;
}

static void parse(struct reading *r)
{
	config_t tree;

	if (strlen(r->config->text) != r->config->text_size) {
		problem(r, 1, "", "not a text file");
		return;
	}
	if (!config_scan(r->config->text, tell, r))
		return;
	config_init(&tree);
	if (config_read_string(&tree, r->config->text) != CONFIG_TRUE)
		problem(r, config_error_line(&tree), "", config_error_text(&tree));
	else
		read_root(r, config_root_setting(&tree));
	config_destroy(&tree);
}

void config_release(struct config *config)
{
	free(config->text);
	*config = (struct config){ 0 };
}

bool config_load(const char *path, struct config *config, struct error *err)
{
	struct reading r = { .path = path != NULL ? path : DEFAULT_PATH, .config = config };

	for (size_t i = 0; i < KEYS; i++)
		set_default(&key[i], config);
	if (!read_file(r.path, config)) {
		if (path == NULL && errno == ENOENT)
			return true;
		return fail(err, EXIT_CONFIG, "cannot read the configuration %s: %s", r.path,
			    strerror(errno));
	}
	parse(&r);
	if (r.problems > 0)
		return fail(err, EXIT_CONFIG, "the configuration %s has %d problem%s", r.path,
			    r.problems, r.problems == 1 ? "" : "s");
	return true;
}
