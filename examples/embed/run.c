/* Runs a .pare file through the C interface. */
#include <inttypes.h>
#include <pare_runtime.h>
#include <stdio.h>
#include <stdlib.h>

static void fail(const pare_error* error) {
  fprintf(stderr, "error %" PRId32 ": %s\n", error->status, error->message);
  exit(1);
}

/* Sets free dims to 1; returns the elements of the input. */
static size_t choose_shape(pare_model* model, const pare_value_info* info, pare_error* error) {
  int64_t dims[16];
  size_t count = 1;
  if (info->rank > 16) exit(1);
  printf("input %s: %s", info->name, pare_dtype_name(info->dtype));
  for (int32_t i = 0; i < info->rank; ++i) {
    dims[i] = info->dims[i] < 0 ? 1 : info->dims[i];
    count *= (size_t)dims[i];
    printf(" %" PRId64, dims[i]);
  }
  printf("\n");
  if (pare_model_set_input_shape(model, 0, dims, info->rank, error) != PARE_OK) fail(error);
  return count;
}

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s MODEL.pare\n", argv[0]);
    return 2;
  }
  pare_error error = PARE_ERROR_INIT;
  pare_options options = PARE_OPTIONS_INIT;
  options.threads = 2;
  pare_model* model = NULL;
  if (pare_model_load_file(argv[1], &options, &model, &error) != PARE_OK) fail(&error);

  pare_value_info info = PARE_VALUE_INFO_INIT;
  if (pare_model_input_info(model, 0, &info, &error) != PARE_OK) fail(&error);
  if (info.dtype != PARE_F32 || pare_model_input_count(model) != 1) {
    fprintf(stderr, "expected a model of one float input\n");
    return 1;
  }
  const size_t count = choose_shape(model, &info, &error);
  float* values = malloc(count * sizeof(float));
  if (!values) return 1;
  for (size_t i = 0; i < count; ++i) values[i] = (float)(i % 17) / 17.0f;

  const void* inputs[] = {values};
  const size_t sizes[] = {count * sizeof(float)};
  if (pare_model_run(model, inputs, sizes, 1, &error) != PARE_OK) fail(&error);
  free(values);

  pare_tensor output = PARE_TENSOR_INIT;
  if (pare_model_output(model, 0, &output, &error) != PARE_OK) fail(&error);
  printf("output:");
  for (size_t i = 0; i < output.bytes / sizeof(float); ++i) printf(" %.6g", ((const float*)output.data)[i]);
  printf("\n");
  pare_model_free(model);
  return 0;
}
