/* The limits of the configuration, and what is said when one would be passed. */
#ifndef CMD_LIMITS_H
#define CMD_LIMITS_H

#include "cmd/config.h"
#include "core/limits.h"
#include "db/currencies.h"

/* The limits in minor units.  False with EXIT_CONFIG for a currency that the database does not
 * have, or an amount with more decimals than its currency has. */
bool limits_read(const struct config *config, const struct currencies *currencies,
		 struct limits *limits, struct error *err) MUST_CHECK;

/* Whether name is one of the names, which commas separate; NULL is none. */
bool limits_allowed(const char *names, const char *name);

/* Checks the names of --allow-over: false with EXIT_USAGE unless each is a limit that is set. */
bool limits_check_names(const struct config *config, const char *names,
			struct error *err) MUST_CHECK;

/* The first that is over and not among the names that are allowed; NULL: none. */
const struct limit_check *limits_first_over(const struct limit_check *check, int checks,
					    const char *allowed);

/* False, with EXIT_LIMIT, if one is over and not among the names that are allowed. */
bool limits_obeyed(const struct limit_check *check, int checks, const char *allowed,
		   const struct currencies *currencies, struct error *err) MUST_CHECK;

#endif
