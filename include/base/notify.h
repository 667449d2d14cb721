/* Tells systemd how the program gets on, by the datagrams of sd_notify(3): "systemctl status" shows
 * it.
 *
 * $NOTIFY_SOCKET names who listens.  Without it nothing is sent; what cannot be sent at once is
 * dropped. */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include <stdbool.h>

/* Whether there is somebody to tell. */
bool notify_wanted(void);

/* One line on what it does. */
void notify_status(const char *text);

/* It is going to end. */
void notify_stopping(void);

#endif
