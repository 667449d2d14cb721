/* The commands, in the order of the help. */
#include "cmd/command.h"

const struct command *const commands[] = {
	&command_run,    &command_plan,  &command_explain, &command_history, &command_status,
	&command_holds,  &command_hold,  &command_release, &command_check,   &command_metrics,
	&command_report, &command_prune, &command_migrate,
};

const int command_count = sizeof(commands) / sizeof(commands[0]);
