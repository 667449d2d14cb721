/* Output: data on stdout.  A full disk or closed pipe is found out at the end or between rows. */
#ifndef CMD_OUTPUT_H
#define CMD_OUTPUT_H

#include "base/error.h"

#include <stdint.h>

/* False with EXIT_OUTPUT once something could not be written; without a message where that is
 * because nobody reads it any more, as behind "| head". */
bool output_ok(struct error *err) MUST_CHECK;

/* Writes out what is buffered. */
bool output_finish(struct error *err) MUST_CHECK;

/* Text of others for a person: control characters become spaces. */
void output_text(const char *text);

/* The same, with blanks behind it up to width columns. */
void output_padded(const char *text, int width);

/* A JSON string with its quotes; NULL is null. */
void output_json_text(const char *text);

/* A CSV field, quoted where RFC 4180 asks for it; NULL is empty. */
void output_csv_text(const char *text);

/* A count with its thousands apart ("12 345"), right-aligned in width columns. */
void output_count(int64_t count, int width);

#define OUTPUT_DECIMAL_SIZE 80

/* Decimal text ("-1234.50") with its thousands apart.  Returns buffer. */
const char *output_grouped(const char *decimal, char buffer[OUTPUT_DECIMAL_SIZE]);

/* The same, printed and right-aligned. */
void output_decimal(const char *decimal, int width);

/* A count and what it counts: "1 outcome", "2 outcomes". */
void output_counted(int64_t count, const char *noun);

#define OUTPUT_AGE_SIZE 40

/* A number of seconds for a person, in its two largest units: "3 d 4 h", "2 h 5 min", "42 s".
 * Returns buffer. */
const char *output_age(int64_t seconds, char buffer[OUTPUT_AGE_SIZE]);

#endif
