/* The configuration: the table of keys, and reading a file by it. */
#include "cmd/config.h"
#include "cmd/config_near.h"
#include "cmd/config_scan.h"
#include "cmd/config_value.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PATH SYSCONFDIR "/perennial/perennial.conf"
/* Numbers as text, and dots between them. */
#define DOTTED(major, minor, revision) TEXT(major) "." TEXT(minor) "." TEXT(revision)
#define TEXT(number)                   #number

#define FILE_MAX ((size_t)1024 * 1024)

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
	{ "run.max_rows_per_second", KEY_INT, 0, 1000000, "0",
	  offsetof(struct config, max_rows_per_second) },
	{ "run.deadline", KEY_DURATION, 0, 0, "40min", offsetof(struct config, deadline_ms) },
	{ "run.retry_for", KEY_DURATION, 0, 0, "60s", offsetof(struct config, retry_for_ms) },
	{ "run.statement_timeout", KEY_DURATION, 0, 0, "60s",
	  offsetof(struct config, statement_timeout_ms) },
	{ "run.lock_timeout", KEY_DURATION, 0, 0, "5s", offsetof(struct config, lock_timeout_ms) },
	{ "catch_up.max_periods", KEY_INT, 1, 31, "3", offsetof(struct config, max_periods) },
	{ "limits.max_held", KEY_INT, 0, 1000000000, "100", offsetof(struct config, max_held) },
	{ "limits.max_expired", KEY_INT, 0, 1000000000, "0", offsetof(struct config, max_expired) },
	{ "limits.max_amount", KEY_AMOUNTS, 0, 0, "()", offsetof(struct config, max_amount) },
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

/* What is being read: problems are collected, so that all of them are told at once. */
struct reading {
	struct config *config;
	int problems;
};

static void problem(struct reading *r, int line, const char *name, const char *what)
{
	struct config *c = r->config;
	size_t used = c->problems != NULL ? strlen(c->problems) : 0;
	size_t room = strlen(c->path) + strlen(name) + strlen(what) + 32;

	c->problems = memory_resize(c->problems, used + room);
	snprintf(c->problems + used, room, "%s:%d: %s%s%s\n", c->path, line, name,
		 name[0] != '\0' ? ": " : "", what);
	r->problems++;
}

static void tell(void *reading, int line, const char *what)
{
	problem(reading, line, "", what);
}

static void set_default(const struct key *k, struct config *config)
{
	void *at = (char *)config + k->at;

	if (k->kind == KEY_BOOL)
		*(bool *)at = strcmp(k->fallback, "true") == 0;
	else if (k->kind == KEY_INT)
		*(int *)at = (int)strtol(k->fallback, NULL, 10);
	else if (k->kind != KEY_AMOUNTS)
		value_set(k->kind, k->fallback, at);
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

static bool is_limited(const struct config *config, const char *currency)
{
	for (int i = 0; i < config->max_amounts; i++)
		if (strcmp(config->max_amount[i].currency, currency) == 0)
			return true;
	return false;
}

static void read_amount(struct reading *r, const struct key *k, const config_setting_t *setting)
{
	struct config *config = r->config;
	int line = (int)config_setting_source_line(setting);
	struct config_amount amount;

	if (config_setting_type(setting) != CONFIG_TYPE_STRING ||
	    !value_set_amount(config_setting_get_string(setting), &amount))
		problem(r, line, k->path,
			"not an amount with its currency, such as \"250000.00 EUR\"");
	else if (is_limited(config, amount.currency))
		problem(r, line, k->path, "a currency stands there twice");
	else if (config->max_amounts == LIMIT_AMOUNTS_MAX)
		problem(r, line, k->path, "too many amounts");
	else
		config->max_amount[config->max_amounts++] = amount;
}

static void read_amounts(struct reading *r, const struct key *k, const config_setting_t *setting)
{
	int type = config_setting_type(setting);

	if (type != CONFIG_TYPE_LIST && type != CONFIG_TYPE_ARRAY) {
		problem(r, (int)config_setting_source_line(setting), k->path,
			"not a list, such as ( \"250000.00 EUR\", \"9000000 JPY\" )");
		return;
	}
	for (int i = 0; i < config_setting_length(setting); i++)
		read_amount(r, k, config_setting_get_elem(setting, (unsigned)i));
}

static void read_key(struct reading *r, const struct key *k, const config_setting_t *setting)
{
	int line = (int)config_setting_source_line(setting);
	void *at = (char *)r->config + k->at;
	const char *wrong;

	if (k->kind == KEY_INT) {
		read_int(r, k, setting);
	} else if (k->kind == KEY_AMOUNTS) {
		read_amounts(r, k, setting);
	} else if (k->kind == KEY_BOOL) {
		if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
			problem(r, line, k->path, "not true or false");
		else
			*(bool *)at = config_setting_get_bool(setting);
	} else if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
		problem(r, line, k->path, "not a text in double quotes");
	} else {
		wrong = value_set(k->kind, config_setting_get_string(setting), at);
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

static const char *path_of(size_t i)
{
	return i < KEYS ? key[i].path : NULL;
}

static void unknown_key(struct reading *r, int line, const char *name, const char *meant)
{
	char what[100] = "unknown key";

	if (meant != NULL)
		snprintf(what, sizeof(what), "unknown key; did you mean %s?", meant);
	problem(r, line, name, what);
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
			unknown_key(r, (int)config_setting_source_line(setting), path,
				    near_key(path, path_of));
	}
}

static void read_root(struct reading *r, const config_setting_t *root)
{
	char near[GROUP_SIZE];

	for (int i = 0; i < config_setting_length(root); i++) {
		config_setting_t *group = config_setting_get_elem(root, (unsigned)i);
		int line = (int)config_setting_source_line(group);
		const char *name = config_setting_name(group);
		bool braced = config_setting_type(group) == CONFIG_TYPE_GROUP;

		if (!is_group(name))
			unknown_key(r, line, name,
				    braced ? near_group(name, path_of, near)
					   : near_key(name, path_of));
		else if (!braced)
			problem(r, line, name, "not a group: { … };");
		else
			read_group(r, group);
	}
}

/* False, with errno, when the file cannot be read. */
static bool read_file(struct config *config)
{
	FILE *f = fopen(config->path, "r");
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

const char *config_library_version(void)
{
	return DOTTED(LIBCONFIG_VER_MAJOR, LIBCONFIG_VER_MINOR, LIBCONFIG_VER_REVISION);
}

void config_release(struct config *config)
{
	free(config->text);
	free(config->problems);
	*config = (struct config){ 0 };
}

bool config_load(const char *path, struct config *config, struct error *err)
{
	struct reading r = { .config = config };

	config->path = path != NULL ? path : DEFAULT_PATH;
	for (size_t i = 0; i < KEYS; i++)
		set_default(&key[i], config);
	if (!read_file(config)) {
		if (path == NULL && errno == ENOENT)
			return true;
		return fail(err, EXIT_CONFIG, "cannot read the configuration %s: %s", config->path,
			    strerror(errno));
	}
	parse(&r);
	if (r.problems > 0)
		return fail(err, EXIT_CONFIG, "the configuration %s has %d problem%s", config->path,
			    r.problems, r.problems == 1 ? "" : "s");
	return true;
}
