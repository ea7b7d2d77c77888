/* Strings and lists as the bindings have them. */
#ifndef TEXT_H
#define TEXT_H

#include "distribution.h"

/* Bytes of UTF-8 without a zero at their end. What a plugin returns is freed by the bindings, string by string: each has to
   be a copy of its own. What it gets, and all else, goes away with the call. */
typedef distribution_string_t text;

/* A view of a literal. */
#define TEXT(literal) ((text){(uint8_t *)(literal), sizeof(literal) - 1})

text text_of(const char *characters);
text text_copy(text original);
bool text_is(text one, text other);
bool text_begins(text whole, const char *start);
bool text_has(text whole, char character);
void text_replace(text changed, char from, char to);

/* A new string: `%s` is a string of C, `%t` a `text`, `%u` an unsigned int, `%l` a uint64_t. */
text text_format(const char *format, ...);
void text_append(text *end, text more);

/* Adds to a list of the bindings. */
#define PUSH(list, item)                                                          \
  do {                                                                            \
    (list).ptr = list_grow((list).ptr, (list).len, sizeof *(list).ptr);           \
    (list).ptr[(list).len++] = (item);                                            \
  } while (0)

void *list_grow(void *items, size_t length, size_t size);

#endif
