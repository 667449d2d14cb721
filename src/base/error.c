/* Errors: filling in. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

bool fail(struct error *err, enum exit_code code, const char *format, ...)
{
	va_list args;

	*err = (struct error){ .code = code };
	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	return false;
}

bool fail_hint(struct error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->hint, sizeof(err->hint), format, args);
	va_end(args);
	return false;
}
