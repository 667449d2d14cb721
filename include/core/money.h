/* Money: int64 minor units with the currency beside them, never a double.
 *
 * A sum may need more than an amount does and is held in 128 bits, so that it cannot overflow:
 * 2^63 amounts of the largest size fit. */
#ifndef CORE_MONEY_H
#define CORE_MONEY_H

#include <stdbool.h>
#include <stdint.h>

/* No amount of a single period may be larger; a check of the tables says the same. */
#define MONEY_MAX INT64_C(1000000000000000)

#define MONEY_TEXT_SIZE 56

/* No currency has more. */
#define MONEY_DECIMALS_MAX 4

__extension__ typedef __int128 money_sum;

/* Price of one period in minor units.  False when it is larger than MONEY_MAX; *amount_minor is
 * then untouched.  Neither argument is negative. */
bool money_times(int64_t unit_amount_minor, int32_t quantity, int64_t *amount_minor);

/* Writes minor units as decimal text with exponent decimals: 1234 and 3 give "1.234".  Returns
 * buffer. */
const char *money_format(money_sum minor, int exponent, char buffer[MONEY_TEXT_SIZE]);

/* Reads decimal text without a sign, "1234.50", of at most 30 digits before the point and exponent
 * decimals behind it.  False, and *minor untouched, for anything else. */
bool money_parse(const char *decimal, int exponent, money_sum *minor);

#endif
