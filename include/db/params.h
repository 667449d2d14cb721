/* Parameters of a statement in PostgreSQL's binary format: single values, and arrays that are
 * filled element by element.  Memory is kept from use to use: a batch allocates nothing once it has
 * run. */
#ifndef DB_PARAMS_H
#define DB_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARAMS_MAX 20

enum pg_type {
	PG_BOOL = 16,
	PG_BYTEA = 17,
	PG_INT8 = 20,
	PG_INT2 = 21,
	PG_INT4 = 23,
	PG_TEXT = 25,
	PG_TIMESTAMP = 1114,
	PG_TIMESTAMPTZ = 1184,
	PG_BOOL_ARRAY = 1000,
	PG_INT4_ARRAY = 1007,
	PG_TEXT_ARRAY = 1009,
	PG_INT8_ARRAY = 1016,
	PG_TIMESTAMP_ARRAY = 1115,
	PG_TIMESTAMPTZ_ARRAY = 1185,
	PG_NUMERIC = 1700, /* only as text */
};

struct param {
	enum pg_type type;
	bool is_null;
	char *bytes;
	size_t used;
	size_t room;
	int elements;  /* of an array */
	bool has_null; /* an element is null */
};

struct params {
	int count;
	struct param param[PARAMS_MAX];
};

void params_release(struct params *params);

/* Forgets the values, keeps the memory. */
void params_clear(struct params *params);

/* Each adds the next parameter: a value, … */
void params_bool(struct params *params, bool value);
void params_int2(struct params *params, int16_t value);
void params_int4(struct params *params, int32_t value);
void params_int8(struct params *params, int64_t value);
void params_id(struct params *params, int64_t id); /* 0 is null */
void params_timestamp(struct params *params, int64_t us);
void params_timestamptz(struct params *params, int64_t us);
void params_text(struct params *params, const char *text); /* NULL is null */
void params_bytea(struct params *params, const char *bytes, size_t size);
void params_null(struct params *params, enum pg_type type);

/* … or an empty array, to which elements are appended. */
struct param *params_array(struct params *params, enum pg_type type);

void array_bool(struct param *array, bool value);
void array_int4(struct param *array, int32_t value);
void array_int8(struct param *array, int64_t value);    /* also instants */
void array_text(struct param *array, const char *text); /* NULL is null */
void array_null(struct param *array);

#endif
