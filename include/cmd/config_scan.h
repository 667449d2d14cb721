/* What libconfig reads as something else than was written: a number that does not fit wraps around
 * without a word, and an included file would be neither in the messages nor in the run's checksum.
 */
#ifndef CMD_CONFIG_SCAN_H
#define CMD_CONFIG_SCAN_H

#include <stdbool.h>

/* Tells each problem with its line.  False where libconfig must not see the text: it waits for an
 * included file that is a pipe, and ends the process over one that is a folder. */
bool config_scan(const char *text, void (*problem)(void *subject, int line, const char *what),
		 void *subject);

#endif
