// raw WEIGHTS WIDTH HEIGHT FORMAT IMAGE MASK OUT
//
// Fills a picture of raw samples (16 bits in the machine's byte order) where MASK, a byte a pixel, is 128 or more. FORMAT
// is grey8, greya8, rgb8, rgba8, grey16, greya16, rgb16 or rgba16. Runs on one thread. The library opens no file and, once
// the engine is made, takes no memory, unless a hole is wider than the network reaches: weights, pixels and scratch are this
// program's. The exit code is the status.
#include <inpaint_edge.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  char *bytes = NULL;
  size_t capacity = 0;
  *size = 0;
  while (file != NULL && !feof(file) && !ferror(file)) {
    if (*size == capacity) {
      void *more = realloc(bytes, capacity = 2 * capacity + 65536);
      if (more == NULL) break;
      bytes = (char *)more;
    }
    *size += fread(bytes + *size, 1, capacity - *size, file);
  }
  if (file == NULL || !feof(file)) {
    fprintf(stderr, "raw: %s: cannot be read\n", path);
    exit(1);
  }
  fclose(file);
  return bytes;
}

static int format_of(const char *name) {
  static const struct { const char *name; int format; } formats[] = {
      {"grey8", INPAINT_GREY8},   {"greya8", INPAINT_GREYA8},   {"rgb8", INPAINT_RGB8},   {"rgba8", INPAINT_RGBA8},
      {"grey16", INPAINT_GREY16}, {"greya16", INPAINT_GREYA16}, {"rgb16", INPAINT_RGB16}, {"rgba16", INPAINT_RGBA16},
  };
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (strcmp(name, formats[i].name) == 0) return formats[i].format;
  return 0;
}

static int failed(inpaint_status status) {
  if (status != INPAINT_OK) fprintf(stderr, "raw: %s\n", inpaint_last_error());
  return status != INPAINT_OK;
}

int main(int argc, char **argv) {
  if (argc != 8 || inpaint_abi_version() != INPAINT_ABI_VERSION) {
    fprintf(stderr, "usage: raw WEIGHTS WIDTH HEIGHT FORMAT IMAGE MASK OUT\n");
    return INPAINT_USAGE;
  }
  size_t weights_size, scratch_size;
  void *weights = read_file(argv[1], &weights_size);
  inpaint_image image = {NULL, 0, 0, 0, 0, format_of(argv[4])};
  image.width = (uint32_t)strtoul(argv[2], NULL, 10);
  image.height = (uint32_t)strtoul(argv[3], NULL, 10);
  image.data = read_file(argv[5], &image.size);
  inpaint_mask mask = {NULL, 0, 0};
  mask.data = (const uint8_t *)read_file(argv[6], &mask.size);

  inpaint_engine *engine = NULL;
  inpaint_options *options = inpaint_options_new();
  inpaint_status status = inpaint_options_set_threads(options, 1);
  if (!failed(status)) failed(status = inpaint_engine_new(weights, weights_size, options, &engine));
  inpaint_options_free(options);
  free(weights);
  if (status == INPAINT_OK) {
    void *scratch = NULL;
    if (!failed(status = inpaint_scratch_size(engine, image.width, image.height, &scratch_size))) {
      scratch = malloc(scratch_size);
      failed(status = inpaint_run(engine, &image, &mask, scratch, scratch == NULL ? 0 : scratch_size, NULL, NULL));
    }
    free(scratch);
  }
  inpaint_engine_free(engine);
  if (status == INPAINT_OK) {
    FILE *file = fopen(argv[7], "wb");
    int written = file != NULL && fwrite(image.data, 1, image.size, file) == image.size;
    if (file == NULL || fclose(file) != 0 || !written) {
      fprintf(stderr, "raw: %s: cannot be written\n", argv[7]);
      status = INPAINT_OUTPUT;
    }
  }
  free(image.data);
  free((void *)mask.data);
  return status;
}
