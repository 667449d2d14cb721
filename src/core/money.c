/* Money: checked multiplication, and decimal text. */
#include "core/money.h"

#include <assert.h>

bool money_times(int64_t unit_amount_minor, int32_t quantity, int64_t *amount_minor)
{
	money_sum product = (money_sum)unit_amount_minor * quantity;

	assert(unit_amount_minor >= 0 && quantity >= 0);
	if (product > MONEY_MAX)
		return false;
	*amount_minor = (int64_t)product;
	return true;
}

const char *money_format(money_sum minor, int exponent, char buffer[MONEY_TEXT_SIZE])
{
	char reversed[MONEY_TEXT_SIZE];
	int n = 0, out = 0;

	assert(minor >= 0 && exponent >= 0 && exponent <= 4);
	for (int digit = 0; minor > 0 || digit <= exponent; digit++, minor /= 10) {
		if (digit == exponent && exponent > 0)
			reversed[n++] = '.';
		reversed[n++] = (char)('0' + (int)(minor % 10));
	}
	while (n > 0)
		buffer[out++] = reversed[--n];
	buffer[out] = '\0';
	return buffer;
}
