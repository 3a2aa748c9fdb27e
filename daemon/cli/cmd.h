/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_CMD_H
#define UPAGER_CMD_H

/*
 * One function per command: argv[0] is the command's name, the return value the
 * exit code (enum upager_exit).  Each prints its own --help and, on error, one
 * line on stderr.
 */
int cmd_attach(int argc, char **argv);
int cmd_budget(int argc, char **argv);
int cmd_detach(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_map(int argc, char **argv);
int cmd_metrics(int argc, char **argv);
int cmd_mkswap(int argc, char **argv);
int cmd_populate(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_swapoff(int argc, char **argv);
int cmd_swapon(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_tour(int argc, char **argv);

#endif
