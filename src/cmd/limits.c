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

/* Cuts the next name off a list with commas; NULL is an empty list.  Where the list is a comma or
 * ends with one, a name is empty. */
static bool next_name(const char **names, const char **name, int *size)
{
	if (*names == NULL)
		return false;
	*name = *names;
	*size = (int)strcspn(*names, ",");
	*names = (*names)[*size] == ',' ? *names + *size + 1 : NULL;
	return true;
}

static bool is_listed(const char *item, int item_size, const char *list)
{
	const char *name;
	int size;

	while (next_name(&list, &name, &size))
		if (size == item_size && strncmp(name, item, (size_t)size) == 0)
			return true;
	return false;
}

bool limits_allowed(const char *names, const char *name)
{
	return is_listed(name, (int)strlen(name), names);
}

/* Writes the names of the limits that are set, with commas between them. */
static void list_names(const struct config *config, char *buffer, size_t size)
{
	char name[LIMIT_NAME_SIZE];
	size_t n = 0;

	buffer[0] = '\0';
	if (config->max_held != 0)
		n += (size_t)snprintf(buffer + n, size - n, "max_held");
	if (config->max_expired != 0)
		n += (size_t)snprintf(buffer + n, size - n, "%smax_expired", n > 0 ? "," : "");
	for (int i = 0; i < config->max_amounts && n < size; i++)
		n += (size_t)snprintf(buffer + n, size - n, "%s%s", n > 0 ? "," : "",
				      limit_name(config->max_amount[i].currency, name));
}

bool limits_check_names(const struct config *config, const char *names, struct error *err)
{
	char set[LIMITS_MAX * LIMIT_NAME_SIZE];
	const char *name;
	int size;

	list_names(config, set, sizeof(set));
	while (next_name(&names, &name, &size)) {
		if (size > 0 && is_listed(name, size, set))
			continue;
		fail(err, EXIT_USAGE, "--allow-over: no limit is set that is called \"%.*s\"", size,
		     name);
		return fail_hint(err, "limits that are set: %s", set[0] != '\0' ? set : "none");
	}
	return true;
}

const struct limit_check *limits_first_over(const struct limit_check *check, int checks,
					    const char *allowed)
{
	for (int i = 0; i < checks; i++)
		if (check[i].over && !limits_allowed(allowed, check[i].name))
			return &check[i];
	return NULL;
}

static int describe(const struct limit_check *check, const struct currencies *currencies,
		    char *buffer, size_t size)
{
	int exponent =
		check->currency[0] != '\0' ? currency_exponent(currencies, check->currency) : 0;
	const char *unit = check->currency[0] != '\0' ? check->currency : "subscriptions";
	char value[MONEY_TEXT_SIZE], max[MONEY_TEXT_SIZE];

	return snprintf(buffer, size, "\n  limits.%s: %s %s, more than %s", check->name,
			money_format(check->value, exponent, value), unit,
			money_format(check->max, exponent, max));
}

bool limits_obeyed(const struct limit_check *check, int checks, const char *allowed,
		   const struct currencies *currencies, struct error *err)
{
	char over[sizeof(err->message) / 2] = "", names[sizeof(err->hint) / 2] = "";
	const struct limit_check *end = check + checks, *c = check;
	size_t told = 0, named = 0;

	while ((c = limits_first_over(c, (int)(end - c), allowed)) != NULL) {
		size_t size = strlen(c->name) + 1;

		if (told < sizeof(over))
			told += (size_t)describe(c, currencies, over + told, sizeof(over) - told);
		/* Only whole names. */
		if (named + size < sizeof(names))
			named += (size_t)snprintf(names + named, sizeof(names) - named, "%s%s",
						  named > 0 ? "," : "", c->name);
		c++;
	}
	if (named == 0)
		return true;
	fail(err, EXIT_LIMIT, "what is due would pass a limit:%s", over);
	return fail_hint(err, "to let it pass once: perennial run --allow-over %s --reason TEXT",
			 names);
}
