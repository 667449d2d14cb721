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

	assert(minor >= 0 && exponent >= 0 && exponent <= MONEY_DECIMALS_MAX);
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

bool money_parse(const char *decimal, int exponent, money_sum *minor)
{
	money_sum sum = 0;
	int whole = 0, decimals = 0;

	/* One digit more is something else behind the number: 30, and 4 decimals, fit. */
	for (; *decimal >= '0' && *decimal <= '9' && whole < 30; decimal++, whole++)
		sum = sum * 10 + (*decimal - '0');
	if (whole == 0)
		return false;
	if (*decimal == '.')
		for (decimal++; *decimal >= '0' && *decimal <= '9' && decimals < exponent;
		     decimal++, decimals++)
			sum = sum * 10 + (*decimal - '0');
	/* A point without a decimal, too many of them, or something else. */
	if (*decimal != '\0' || decimal[-1] == '.')
		return false;
	for (; decimals < exponent; decimals++)
		sum *= 10;
	*minor = sum;
	return true;
}
