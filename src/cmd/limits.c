/* The limits of the configuration. */
#include "cmd/limits.h"

#include <stdio.h>
#include <string.h>

static bool is_known(const struct currencies *currencies, const char *code)
{
	for (int i = 0; i < currencies->count; i++)
		if (strcmp(currencies->currency[i].code, code) == 0)
			return true;
	return false;
}

static bool read_amount(const struct config_amount *amount, const struct currencies *currencies,
			money_sum *minor, struct error *err)
{
	int exponent = currency_exponent(currencies, amount->currency);

	if (!is_known(currencies, amount->currency))
		fail(err, EXIT_CONFIG, "limits.max_amount: there is no currency %s",
		     amount->currency);
	else if (money_parse(amount->decimal, exponent, minor))
		return true;
	else
		fail(err, EXIT_CONFIG, "limits.max_amount: %s has %d decimals, \"%s %s\" has more",
		     amount->currency, exponent, amount->decimal, amount->currency);
	return fail_hint(err, "the table perennial.currency has all of them with their decimals");
}

bool limits_read(const struct config *config, const struct currencies *currencies,
		 struct limits *limits, struct error *err)
{
	*limits = (struct limits){ .max_held = config->max_held,
				   .max_expired = config->max_expired,
				   .amounts = config->max_amounts };
	for (int i = 0; i < limits->amounts; i++) {
		const struct config_amount *amount = &config->max_amount[i];

		memcpy(limits->amount[i].currency, amount->currency, sizeof(amount->currency));
		if (!read_amount(amount, currencies, &limits->amount[i].max_minor, err))
			return false;
	}
	return true;
}

bool limits_allowed(const char *names, const char *name)
{
	size_t size = strlen(name);

	for (; names != NULL; names = strchr(names, ','), names += names != NULL)
		if (strncmp(names, name, size) == 0 && (names[size] == ',' || names[size] == '\0'))
			return true;
	return false;
}

/* Writes the names of the limits that are set, with commas between them. */
static void list_names(const struct config *config, char *buffer, size_t size)
{
	size_t n = 0;

	buffer[0] = '\0';
	if (config->max_held != 0)
		n += (size_t)snprintf(buffer + n, size - n, "max_held");
	if (config->max_expired != 0)
		n += (size_t)snprintf(buffer + n, size - n, "%smax_expired", n > 0 ? "," : "");
	for (int i = 0; i < config->max_amounts && n < size; i++)
		n += (size_t)snprintf(buffer + n, size - n, "%smax_amount.%s", n > 0 ? "," : "",
				      config->max_amount[i].currency);
}

bool limits_check_names(const struct config *config, const char *names, struct error *err)
{
	char set[LIMITS_MAX * LIMIT_NAME_SIZE], name[LIMIT_NAME_SIZE];

	list_names(config, set, sizeof(set));
	for (; names != NULL; names = strchr(names, ','), names += names != NULL) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(names, ","), names);
		if (strcspn(names, ",") < sizeof(name) && name[0] != '\0' &&
		    limits_allowed(set, name))
			continue;
		fail(err, EXIT_USAGE, "--allow-over: no limit is set that is called \"%.*s\"",
		     (int)strcspn(names, ","), names);
		return fail_hint(err, "limits that are set: %s", set[0] != '\0' ? set : "none");
	}
	return true;
}

static int describe(const struct limit_check *check, const struct currencies *currencies,
		    char *buffer, size_t size)
{
	int exponent = check->currency != NULL ? currency_exponent(currencies, check->currency) : 0;
	const char *unit = check->currency != NULL ? check->currency : "subscriptions";
	char value[MONEY_TEXT_SIZE], max[MONEY_TEXT_SIZE];

	return snprintf(buffer, size, "\n  limits.%s: %s %s, more than %s", check->name,
			money_format(check->value, exponent, value), unit,
			money_format(check->max, exponent, max));
}

bool limits_hold(const struct limit_check *check, int checks, const char *allowed,
		 const struct currencies *currencies, struct error *err)
{
	char over[sizeof(err->message) / 2] = "", names[sizeof(err->hint) / 2] = "";
	size_t told = 0, named = 0;

	for (int i = 0; i < checks; i++) {
		if (!check[i].over || limits_allowed(allowed, check[i].name))
			continue;
		if (told < sizeof(over))
			told += (size_t)describe(&check[i], currencies, over + told,
						 sizeof(over) - told);
		if (named < sizeof(names))
			named += (size_t)snprintf(names + named, sizeof(names) - named, "%s%s",
						  named > 0 ? "," : "", check[i].name);
	}
	if (named == 0)
		return true;
	fail(err, EXIT_LIMIT, "what is due would pass a limit:%s", over);
	return fail_hint(err, "to let it pass once: perennial run --allow-over %s --reason TEXT",
			 names);
}
