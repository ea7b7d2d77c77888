#include "text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void *allocate(void *old, size_t size) {
  void *memory = realloc(old, size);
  if (!memory) abort();
  return memory;
}

text text_of(const char *characters) {
  return (text){(uint8_t *)characters, strlen(characters)};
}

text text_copy(text original) {
  text copy = {NULL, 0};
  text_append(&copy, original);
  return copy;
}

bool text_is(text one, text other) {
  return one.len == other.len && (one.len == 0 || memcmp(one.ptr, other.ptr, one.len) == 0);
}

bool text_begins(text whole, const char *start) {
  size_t length = strlen(start);
  return whole.len >= length && memcmp(whole.ptr, start, length) == 0;
}

bool text_has(text whole, char character) {
  return whole.len > 0 && memchr(whole.ptr, character, whole.len) != NULL;
}

void text_replace(text changed, char from, char to) {
  for (size_t i = 0; i < changed.len; i++) {
    if (changed.ptr[i] == (uint8_t)from) changed.ptr[i] = (uint8_t)to;
  }
}

void text_append(text *end, text more) {
  if (more.len == 0) return;
  end->ptr = allocate(end->ptr, end->len + more.len);
  memcpy(end->ptr + end->len, more.ptr, more.len);
  end->len += more.len;
}

static void append_number(text *end, uint64_t number) {
  uint8_t digits[20];
  size_t start = sizeof digits;
  do digits[--start] = (uint8_t)('0' + number % 10);
  while (number /= 10);
  text_append(end, (text){digits + start, sizeof digits - start});
}

text text_format(const char *format, ...) {
  text made = {NULL, 0};
  va_list values;
  va_start(values, format);
  while (*format) {
    const char *next = strchr(format, '%');
    size_t plain = next ? (size_t)(next - format) : strlen(format);
    text_append(&made, (text){(uint8_t *)format, plain});
    if (!next) break;
    switch (next[1]) {
      case 's': text_append(&made, text_of(va_arg(values, const char *))); break;
      case 't': text_append(&made, va_arg(values, text)); break;
      case 'u': append_number(&made, va_arg(values, unsigned)); break;
      case 'l': append_number(&made, va_arg(values, uint64_t)); break;
      default: abort();
    }
    format = next + 2;
  }
  va_end(values);
  return made;
}

/* Room for one more: twice as much whenever the length is a power of two. */
void *list_grow(void *items, size_t length, size_t size) {
  if (length & (length - 1)) return items;
  return allocate(items, (length ? 2 * length : 1) * size);
}
