/* Parameters: writing PostgreSQL's binary format. */
#include "db/params.h"
#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_HEADER 20 /* dimensions, has nulls, element type, size, lower bound: int32 each */

static void append(struct param *p, const void *bytes, size_t size)
{
	if (p->used + size > p->room) {
		p->room = (p->used + size) * 2;
		p->bytes = memory_resize(p->bytes, p->room);
	}
	if (size > 0)
		memcpy(p->bytes + p->used, bytes, size);
	p->used += size;
}

/* Network order. */
static void append_int(struct param *p, uint64_t value, int size)
{
	unsigned char bytes[8];

	for (int i = 0; i < size; i++)
		bytes[i] = (unsigned char)(value >> (8 * (size - 1 - i)));
	append(p, bytes, (size_t)size);
}

static void put_int4(char *at, int32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (char)((uint32_t)value >> (8 * (3 - i)));
}

void params_release(struct params *params)
{
	for (int i = 0; i < PARAMS_MAX; i++)
		free(params->param[i].bytes);
	*params = (struct params){ 0 };
}

void params_clear(struct params *params)
{
	params->count = 0;
}

static struct param *next_param(struct params *params, enum pg_type type)
{
	struct param *p = &params->param[params->count++];

	assert(params->count <= PARAMS_MAX);
	p->type = type;
	p->is_null = false;
	p->used = 0;
	p->elements = 0;
	p->has_null = false;
	return p;
}

void params_bool(struct params *params, bool value)
{
	append_int(next_param(params, PG_BOOL), value, 1);
}

void params_int2(struct params *params, int16_t value)
{
	append_int(next_param(params, PG_INT2), (uint64_t)value, 2);
}

void params_int4(struct params *params, int32_t value)
{
	append_int(next_param(params, PG_INT4), (uint64_t)value, 4);
}

void params_int8(struct params *params, int64_t value)
{
	append_int(next_param(params, PG_INT8), (uint64_t)value, 8);
}

void params_id(struct params *params, int64_t id)
{
	if (id != 0)
		params_int8(params, id);
	else
		params_null(params, PG_INT8);
}

void params_timestamp(struct params *params, int64_t us)
{
	append_int(next_param(params, PG_TIMESTAMP), (uint64_t)us, 8);
}

void params_timestamptz(struct params *params, int64_t us)
{
	append_int(next_param(params, PG_TIMESTAMPTZ), (uint64_t)us, 8);
}

void params_text(struct params *params, const char *text)
{
	struct param *p = next_param(params, PG_TEXT);

	p->is_null = text == NULL;
	if (text != NULL)
		append(p, text, strlen(text));
}

void params_bytea(struct params *params, const char *bytes, size_t size)
{
	append(next_param(params, PG_BYTEA), bytes, size);
}

void params_null(struct params *params, enum pg_type type)
{
	next_param(params, type)->is_null = true;
}

static enum pg_type element_type(enum pg_type array)
{
	switch (array) {
	case PG_BOOL_ARRAY:
		return PG_BOOL;
	case PG_INT4_ARRAY:
		return PG_INT4;
	case PG_INT8_ARRAY:
		return PG_INT8;
	case PG_TIMESTAMP_ARRAY:
		return PG_TIMESTAMP;
	case PG_TIMESTAMPTZ_ARRAY:
		return PG_TIMESTAMPTZ;
	default:
		assert(array == PG_TEXT_ARRAY);
		return PG_TEXT;
	}
}

struct param *params_array(struct params *params, enum pg_type type)
{
	struct param *p = next_param(params, type);

	append_int(p, 1, 4);
	append_int(p, 0, 4);
	append_int(p, (uint64_t)element_type(type), 4);
	append_int(p, 0, 4);
	append_int(p, 1, 4);
	return p;
}

/* The header tells how many elements follow, and whether one of them is null. */
static void count_element(struct param *array)
{
	array->elements++;
	put_int4(array->bytes + 4, array->has_null);
	put_int4(array->bytes + 12, array->elements);
}

static void append_element(struct param *array, uint64_t value, int size)
{
	append_int(array, (uint64_t)size, 4);
	append_int(array, value, size);
	count_element(array);
}

void array_bool(struct param *array, bool value)
{
	append_element(array, value, 1);
}

void array_int4(struct param *array, int32_t value)
{
	append_element(array, (uint64_t)value, 4);
}

void array_int8(struct param *array, int64_t value)
{
	append_element(array, (uint64_t)value, 8);
}

void array_null(struct param *array)
{
	array->has_null = true;
	append_int(array, UINT32_MAX, 4);
	count_element(array);
}

void array_text(struct param *array, const char *text)
{
	size_t size;

	if (text == NULL) {
		array_null(array);
		return;
	}
	size = strlen(text);
	append_int(array, size, 4);
	append(array, text, size);
	count_element(array);
}
