/* Values of the configuration, from their texts. */
#include "cmd/config_value.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

const char *value_set(enum key_kind kind, const char *text, void *at)
{
	switch (kind) {
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

bool value_set_amount(const char *text, struct config_amount *amount)
{
	size_t size = strcspn(text, " ");
	money_sum ignored;

	if (size >= sizeof(amount->decimal) || strlen(text) != size + sizeof(amount->currency) ||
	    strspn(text + size + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)
		return false;
	memcpy(amount->decimal, text, size);
	amount->decimal[size] = '\0';
	memcpy(amount->currency, text + size + 1, sizeof(amount->currency));
	return money_parse(amount->decimal, MONEY_DECIMALS_MAX, &ignored);
}
