// What main.c needs of a board, by Zephyr.
#include <zephyr/sys/printk.h>

#include "Board.h"

void board_put(uint8_t character) { printk("%c", character); }
