/* Points at which a test build kills itself: every boundary between two statements of an exchange,
 * in the order in which they are passed.  Other builds have none.
 *
 * PERENNIAL_KILL_AT=N is the number of the point that is fatal; PERENNIAL_POINTS names a file to
 * which each point that is passed is appended. */
#ifndef BASE_FAULT_POINT_H
#define BASE_FAULT_POINT_H

#ifdef FAULT_POINTS
void fault_point(const char *when, const char *statement);
#else
#define fault_point(when, statement) ((void)0)
#endif

#endif
