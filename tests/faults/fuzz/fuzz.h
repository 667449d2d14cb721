/* Fuzzing: each file *_fuzz.c is one target of libFuzzer, which calls it again and again with bytes
 * of its choice.  They have to end in no crash, no sanitizer's report and no failed assertion. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
