/* C interface of the pare runtime: loads a .pare file and runs it, without libtorch.
 *
 *   pare_model* model = NULL;
 *   pare_error error = PARE_ERROR_INIT;
 *   if (pare_model_load_file("model.pare", NULL, &model, &error) != PARE_OK) { puts(error.message); return 1; }
 *   const void* inputs[] = {pixels};
 *   const size_t sizes[] = {sizeof pixels};
 *   pare_model_run(model, inputs, sizes, 1, &error);
 *   pare_tensor scores = PARE_TENSOR_INIT;
 *   pare_model_output(model, 0, &scores, &error);
 *   pare_model_free(model);
 *
 * Every function that can fail returns a status and, when `error` is not NULL, explains it there; on success `error` is left
 * as it was. Nothing is printed, nothing aborts, no exception leaves the library, and it keeps no state of its own: any
 * number of threads may call it, each on its own pare_model.
 *
 * Structs begin with their size, which the PARE_..._INIT macros set. A library that is newer than the program fills what
 * the program knows; a program that is newer than the library may set what the library does not know to zero only.
 * Within one PARE_ABI_VERSION fields and functions are added, never changed.
 */
#ifndef PARE_RUNTIME_H
#define PARE_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define PARE_API __attribute__((visibility("default")))
#else
#define PARE_API
#endif

#define PARE_ABI_VERSION 1

/* The number of the interface that the library was built with: PARE_ABI_VERSION. */
PARE_API int32_t pare_abi_version(void);
/* The library's own version, e.g. "0.1.0". */
PARE_API const char* pare_version(void);

typedef int32_t pare_status;
enum {
  PARE_OK = 0,
  PARE_ERROR_ARGUMENT = 2, /* an argument of the call is wrong */
  PARE_ERROR_MODEL = 3,    /* the file is damaged, or the model does not take such inputs */
  PARE_ERROR_DATA = 4,
  PARE_ERROR_IO = 5,       /* the file cannot be read */
  PARE_ERROR_INTERNAL = 7, /* a bug in pare */
  PARE_ERROR_MEMORY = 8
};

typedef struct pare_error {
  uint32_t struct_size;
  pare_status status;
  char message[504];       /* UTF-8, ends with 0, cut when longer */
} pare_error;
#define PARE_ERROR_INIT {sizeof(pare_error), PARE_OK, {0}}

typedef int32_t pare_dtype;
enum {
  PARE_F32 = 0, PARE_F64 = 1, PARE_F16 = 2, PARE_BF16 = 3, PARE_I8 = 4, PARE_U8 = 5, PARE_I16 = 6, PARE_U16 = 7,
  PARE_I32 = 8, PARE_U32 = 9, PARE_I64 = 10, PARE_U64 = 11, PARE_BOOL = 12
};
/* Bytes of one element; 0 for an unknown type. */
PARE_API size_t pare_dtype_size(pare_dtype dtype);
/* "F32", "I8", ...; NULL for an unknown type. */
PARE_API const char* pare_dtype_name(pare_dtype dtype);

/* Zero means the default, and so does a NULL pointer instead of the struct. */
typedef struct pare_options {
  uint32_t struct_size;
  int32_t threads;         /* 1 to 256, the caller's own included; default 1. Results do not depend on it */
  int32_t max_plans;       /* input shapes whose plans are kept; default 16 */
  int32_t reserved;        /* zero */
  int64_t memory_limit;    /* bytes for a plan's activations, and for the decoded constants; default 2^36 */
} pare_options;
#define PARE_OPTIONS_INIT {sizeof(pare_options), 0, 0, 0, 0}

/* A loaded model with its buffers. One thread at a time may use it. */
typedef struct pare_model pare_model;

/* Reads a file; parts of it stay mapped while the model or one that shares it lives: do not write to the file. */
PARE_API pare_status pare_model_load_file(const char* path, const pare_options* options, pare_model** model, pare_error* error);
/* The same from `size` bytes, which are lent: they must stay unchanged until the model and all that share it are freed. */
PARE_API pare_status pare_model_load_memory(const void* bytes, size_t size, const pare_options* options, pare_model** model,
                                            pare_error* error);
/* Another model of the same file for another thread: packed weights are shared, buffers and input shapes are its own. */
PARE_API pare_status pare_model_share(const pare_model* model, pare_model** shared, pare_error* error);
/* NULL is fine. */
PARE_API void pare_model_free(pare_model* model);

/* An input or output as the model declares it. Pointers live as long as the model. */
typedef struct pare_value_info {
  uint32_t struct_size;
  pare_dtype dtype;
  const char* name;
  const int64_t* dims;          /* [rank]; -1: free */
  const char* const* symbols;   /* [rank]: the text of a free dim, e.g. "N" (equal text means equal size), else NULL */
  int32_t rank;
} pare_value_info;
#define PARE_VALUE_INFO_INIT {sizeof(pare_value_info), 0, NULL, NULL, NULL, 0}

PARE_API int32_t pare_model_input_count(const pare_model* model);
PARE_API int32_t pare_model_output_count(const pare_model* model);
PARE_API pare_status pare_model_input_info(const pare_model* model, int32_t index, pare_value_info* info, pare_error* error);
PARE_API pare_status pare_model_output_info(const pare_model* model, int32_t index, pare_value_info* info, pare_error* error);

/* Fixes the shape of an input for the runs that follow; needed once for inputs with free dims. */
PARE_API pare_status pare_model_set_input_shape(pare_model* model, int32_t index, const int64_t* dims, int32_t rank,
                                                pare_error* error);
/* Plans for the present input shapes and allocates, so that the first run costs no more than later ones. */
PARE_API pare_status pare_model_prepare(pare_model* model, pare_error* error);
/* Runs on `count` inputs in the model's order, dense and row-major: inputs[i] holds exactly sizes[i] bytes, which must be
 * what the input's shape and type need. They are only read, and only during the call. */
PARE_API pare_status pare_model_run(pare_model* model, const void* const* inputs, const size_t* sizes, int32_t count,
                                    pare_error* error);

/* A result; it belongs to the model and lives until its next run. */
typedef struct pare_tensor {
  uint32_t struct_size;
  pare_dtype dtype;
  const int64_t* dims;     /* [rank] */
  const void* data;        /* [bytes], row-major, aligned for its type */
  size_t bytes;
  int32_t rank;
} pare_tensor;
#define PARE_TENSOR_INIT {sizeof(pare_tensor), 0, NULL, NULL, 0, 0}

PARE_API pare_status pare_model_output(const pare_model* model, int32_t index, pare_tensor* tensor, pare_error* error);
/* Copies an output into the caller's buffer of exactly `bytes` bytes. */
PARE_API pare_status pare_model_read_output(const pare_model* model, int32_t index, void* buffer, size_t bytes,
                                            pare_error* error);

/* How an image becomes the model's input: resize to height x width (0: as it is), value = (pixel * scale - mean) / std for
 * 8-bit pixels, channels first unless channels_last. Pointers live as long as the model. */
typedef struct pare_preprocess {
  uint32_t struct_size;
  int32_t channels_last;
  int64_t channels, height, width;
  double scale;
  const double* mean;      /* [mean_count]: per channel, or none */
  const double* std;       /* [std_count] */
  int32_t mean_count, std_count;
} pare_preprocess;
#define PARE_PREPROCESS_INIT {sizeof(pare_preprocess), 0, 0, 0, 0, 0.0, NULL, NULL, 0, 0}

PARE_API pare_status pare_model_preprocess(const pare_model* model, pare_preprocess* preprocess, pare_error* error);

/* Class names; NULL behind the last one. */
PARE_API int32_t pare_model_label_count(const pare_model* model);
PARE_API const char* pare_model_label(const pare_model* model, int32_t index);

#ifdef __cplusplus
}
#endif
#endif
