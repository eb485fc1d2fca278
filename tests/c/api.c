#define _POSIX_C_SOURCE 200112L
// The C interface as C sees it: arguments that are refused, strides, scratch, callbacks, several threads, a small stack, a
// child process, and a floating-point environment that is not the default. `api WEIGHTS` prints "api: passed". Needs a
// library without features.
#include <inpaint_edge.h>

#include <fenv.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// The stack that the header promises to be enough for a calling thread; a library with AddressSanitizer needs more.
#ifndef STACK
#define STACK (64 << 10)
#endif
#define WIDTH 41
#define HEIGHT 30

static int checks;

#define CHECK(condition)                                                                   \
  do {                                                                                     \
    checks++;                                                                              \
    if (!(condition)) {                                                                    \
      printf("%s:%d: %s; last error: %s\n", __FILE__, __LINE__, #condition, inpaint_last_error()); \
      exit(1);                                                                             \
    }                                                                                      \
  } while (0)

// Checks that the call fails with this status and a message that holds `part`.
#define REFUSED(call, expected, part)                       \
  do {                                                      \
    CHECK((call) == (expected));                            \
    CHECK(strstr(inpaint_last_error(), (part)) != NULL);    \
  } while (0)

struct memory {
  const uint8_t *data;
  size_t size;
};

static uint8_t holes[HEIGHT][WIDTH];
static uint8_t expected[HEIGHT][WIDTH][3];

static uint8_t ramp(int x, int y, int c) { return (uint8_t)(5 * x + 2 * y + 30 * c); }

static int is_hole(int x, int y) { return x >= 12 && x < 25 && y >= 8 && y < 20; }

static void fill_ramp(uint8_t *data, size_t stride, size_t pixel) {
  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++)
      for (int c = 0; c < 3; c++) data[(size_t)y * stride + (size_t)x * pixel + (size_t)c] = ramp(x, y, c);
}

static void *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) exit(1);
  *size = (size_t)ftell(file);
  void *bytes = malloc(*size);
  rewind(file);
  if (bytes == NULL || fread(bytes, 1, *size, file) != *size) exit(1);
  fclose(file);
  return bytes;
}

static int count(void *user, uint64_t done, uint64_t total) {
  uint64_t *last = (uint64_t *)user;
  if (done < *last || done > total) abort();
  *last = done;
  return 0;
}

static int stop(void *user, uint64_t done, uint64_t total) {
  (void)done;
  (void)total;
  return ++*(int *)user == 3;
}

static void *run_often(void *engine) {
  for (int i = 0; i < 3; i++) {
    uint8_t pixels[HEIGHT][WIDTH][3];
    inpaint_image image = {pixels, sizeof pixels, 0, WIDTH, HEIGHT, INPAINT_RGB8};
    inpaint_mask mask = {&holes[0][0], sizeof holes, 0};
    fill_ramp(&pixels[0][0][0], 3 * WIDTH, 3);
    if (inpaint_run((const inpaint_engine *)engine, &image, &mask, NULL, 0, NULL, NULL) != INPAINT_OK) return engine;
    if (memcmp(pixels, expected, sizeof pixels) != 0) return engine;
  }
  return NULL;
}

static void options_are_checked(void) {
  inpaint_options *options = inpaint_options_new();
  CHECK(options != NULL);
  CHECK(inpaint_options_set_threads(options, 512) == INPAINT_OK);
  REFUSED(inpaint_options_set_threads(options, 513), INPAINT_USAGE, "found 513");
  REFUSED(inpaint_options_set_threads(NULL, 1), INPAINT_USAGE, "options");
  CHECK(inpaint_options_set_isa(options, "auto") == INPAINT_OK);
  REFUSED(inpaint_options_set_isa(options, "sse9"), INPAINT_USAGE, "sse9");
  REFUSED(inpaint_options_set_isa(options, NULL), INPAINT_USAGE, "name");
  REFUSED(inpaint_options_set_polarity(options, 2), INPAINT_USAGE, "found 2");
  REFUSED(inpaint_options_set_polarity(NULL, 0), INPAINT_USAGE, "options");
  CHECK(inpaint_options_set_threshold(options, 1) == INPAINT_OK);
  CHECK(inpaint_options_set_hole_aware(options, 0) == INPAINT_OK);
  CHECK(inpaint_options_set_grain(options, 0) == INPAINT_OK);
  CHECK(inpaint_options_set_grow(options, 3) == INPAINT_OK);
  CHECK(inpaint_options_set_context(options, 40) == INPAINT_OK);
  REFUSED(inpaint_options_set_context(NULL, 40), INPAINT_USAGE, "options");
  inpaint_options_free(options);
  inpaint_options_free(NULL);
}

static void engines_are_checked(const uint8_t *weights, size_t size) {
  inpaint_engine *engine = (inpaint_engine *)&checks;
  REFUSED(inpaint_engine_new(NULL, 0, NULL, &engine), INPAINT_USAGE, "no weights of its own");
  CHECK(engine == NULL);
  REFUSED(inpaint_engine_new(NULL, 5, NULL, &engine), INPAINT_USAGE, "weights");
  REFUSED(inpaint_engine_new(weights, size, NULL, NULL), INPAINT_USAGE, "engine");
  REFUSED(inpaint_engine_new(weights, SIZE_MAX, NULL, &engine), INPAINT_USAGE, "memory");
  REFUSED(inpaint_engine_new(weights, 0, NULL, &engine), INPAINT_WEIGHTS, "safetensors");
  REFUSED(inpaint_engine_new(weights, size - 1, NULL, &engine), INPAINT_WEIGHTS, "found");
  REFUSED(inpaint_engine_new_from_file(NULL, NULL, &engine), INPAINT_USAGE, "path");
  REFUSED(inpaint_engine_new_from_file("weights", NULL, &engine), INPAINT_USAGE, "reads no files");
  CHECK(engine == NULL);
  CHECK(inpaint_isa(NULL) == NULL);
  inpaint_engine_free(NULL);
}

static void runs_are_checked(const inpaint_engine *engine) {
  uint16_t pixels[HEIGHT][WIDTH][3];
  inpaint_image image = {pixels, sizeof pixels, 0, WIDTH, HEIGHT, INPAINT_RGB16}, bad;
  inpaint_mask mask = {&holes[0][0], sizeof holes, 0}, bad_mask;
  size_t needed;
  memset(pixels, 7, sizeof pixels);
  CHECK(inpaint_scratch_size(engine, WIDTH, HEIGHT, &needed) == INPAINT_OK);
  REFUSED(inpaint_scratch_size(engine, 70000, 1, &needed), INPAINT_LIMITS, "70000");
  REFUSED(inpaint_scratch_size(engine, UINT32_MAX, UINT32_MAX, &needed), INPAINT_LIMITS, "address");
  REFUSED(inpaint_scratch_size(engine, WIDTH, HEIGHT, NULL), INPAINT_USAGE, "size");
  REFUSED(inpaint_scratch_size(NULL, WIDTH, HEIGHT, &needed), INPAINT_USAGE, "engine");

#define RUN(image, mask) inpaint_run(engine, (image), (mask), NULL, 0, NULL, NULL)
#define BAD(field, value, status, part) \
  do {                                  \
    bad = image;                        \
    bad.field = (value);                \
    REFUSED(RUN(&bad, &mask), status, part); \
  } while (0)
#define BAD_MASK(field, value, part)         \
  do {                                       \
    bad_mask = mask;                         \
    bad_mask.field = (value);                \
    REFUSED(RUN(&image, &bad_mask), INPAINT_USAGE, part); \
  } while (0)
  REFUSED(inpaint_run(NULL, &image, &mask, NULL, 0, NULL, NULL), INPAINT_USAGE, "engine");
  REFUSED(RUN(NULL, &mask), INPAINT_USAGE, "image");
  REFUSED(RUN(&image, NULL), INPAINT_USAGE, "mask");
  BAD(data, NULL, INPAINT_USAGE, "image: expected an address");
  BAD(data, (char *)pixels + 1, INPAINT_USAGE, "even");
  BAD(size, sizeof pixels - 1, INPAINT_USAGE, " bytes, found ");
  BAD(stride, 6 * WIDTH - 2, INPAINT_USAGE, "stride");
  bad = image;
  bad.stride = 6 * WIDTH + 1;
  bad.height = HEIGHT - 1;
  REFUSED(RUN(&bad, &mask), INPAINT_USAGE, "even");
  BAD(stride, SIZE_MAX - 1, INPAINT_USAGE, "inside of memory");
  BAD(stride, SIZE_MAX / (HEIGHT - 1) / 2 * 2, INPAINT_USAGE, "inside of memory");
  /* A single row needs no stride. */
  bad = image;
  bad.height = 1;
  bad.stride = SIZE_MAX - 1;
  CHECK(RUN(&bad, &mask) == INPAINT_OK);
  BAD(height, HEIGHT + 1, INPAINT_USAGE, " bytes, found ");
  BAD(width, UINT32_MAX, INPAINT_USAGE, "image");
  BAD(height, UINT32_MAX, INPAINT_USAGE, "image");
  BAD(width, 0, INPAINT_INPUT, "pixel");
  BAD(height, 0, INPAINT_INPUT, "pixel");
  BAD(format, 0, INPAINT_USAGE, "format");
  BAD(format, 5, INPAINT_USAGE, "format");
  BAD(format, -1, INPAINT_USAGE, "format");
  BAD(format, INPAINT_RGBA16, INPAINT_USAGE, " bytes, found ");
  BAD_MASK(data, NULL, "mask: expected an address");
  BAD_MASK(size, sizeof holes - 1, " bytes, found ");
  BAD_MASK(stride, WIDTH - 1, "stride");
  BAD_MASK(data, (const uint8_t *)pixels + 100, "overlap");

  uint8_t *scratch = (uint8_t *)malloc(needed + sizeof pixels);
  CHECK(scratch != NULL);
  REFUSED(inpaint_run(engine, &image, &mask, scratch, needed - 1, NULL, NULL), INPAINT_USAGE, "scratch");
  REFUSED(inpaint_run(engine, &image, &mask, NULL, needed, NULL, NULL), INPAINT_USAGE, "scratch");
  bad = image;
  bad.data = scratch + (needed - 2) / 2 * 2;
  REFUSED(inpaint_run(engine, &bad, &mask, scratch, needed, NULL, NULL), INPAINT_USAGE, "image and scratch");
  bad_mask = mask;
  bad_mask.data = scratch;
  REFUSED(inpaint_run(engine, &image, &bad_mask, scratch, needed, NULL, NULL), INPAINT_USAGE, "mask and scratch");
  free(scratch);

  // Nothing known.
  uint8_t all[HEIGHT][WIDTH];
  memset(all, 255, sizeof all);
  bad_mask = mask;
  bad_mask.data = &all[0][0];
  REFUSED(RUN(&image, &bad_mask), INPAINT_INPUT, "no pixel known");
  int calls = 0;
  REFUSED(inpaint_run(engine, &image, &mask, NULL, 0, stop, &calls), INPAINT_CANCELLED, "stopped");
  CHECK(calls == 3);
  // None of them has written a byte.
  for (size_t i = 0; i < sizeof pixels; i++) CHECK(((uint8_t *)pixels)[i] == 7);
}

// Padded rows of RGBA pixels, scratch at any address, an engine of the other polarity.
static void strides_are_kept(const uint8_t *weights, size_t size) {
  enum { STRIDE = 4 * WIDTH + 12, MASK_STRIDE = WIDTH + 3 };
  uint8_t pixels[HEIGHT * STRIDE], before[HEIGHT * STRIDE], keep[HEIGHT * MASK_STRIDE];
  inpaint_image image = {pixels, sizeof pixels - 12, STRIDE, WIDTH, HEIGHT, INPAINT_RGBA8};
  inpaint_mask mask = {keep, sizeof keep - 3, MASK_STRIDE};
  inpaint_options *options = inpaint_options_new();
  inpaint_engine *engine;
  CHECK(inpaint_options_set_threads(options, 1) == INPAINT_OK);
  CHECK(inpaint_options_set_polarity(options, INPAINT_WHITE_IS_KEPT) == INPAINT_OK);
  CHECK(inpaint_engine_new(weights, size, options, &engine) == INPAINT_OK);
  inpaint_options_free(options);
  memset(pixels, 99, sizeof pixels);
  memset(keep, 0, sizeof keep);
  fill_ramp(pixels, STRIDE, 4);
  memcpy(before, pixels, sizeof pixels);
  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++) keep[y * MASK_STRIDE + x] = is_hole(x, y) ? 127 : 128;
  size_t needed;
  uint64_t done = 0;
  CHECK(inpaint_scratch_size(engine, WIDTH, HEIGHT, &needed) == INPAINT_OK);
  // Unwritten memory, so that valgrind sees what is read of it.
  for (size_t offset = 0; offset < 70; offset += 23) {
    uint8_t *scratch = (uint8_t *)malloc(needed + offset);
    CHECK(scratch != NULL);
    memcpy(pixels, before, sizeof pixels);
    CHECK(inpaint_run(engine, &image, &mask, scratch + offset, needed, count, &done) == INPAINT_OK);
    CHECK(done > 0);
    done = 0;
    free(scratch);
    for (int i = 0; i < HEIGHT * STRIDE; i++) {
      int x = i % STRIDE / 4, y = i / STRIDE, c = i % 4;
      CHECK(pixels[i] == (x < WIDTH && c < 3 ? expected[y][x][c] : before[i]));
    }
  }
  inpaint_engine_free(engine);
}

// A mask with one byte of 1 fills a disc of radius 3, with the same bytes whether the run is hole-aware or not.
static void options_take_effect(const uint8_t *weights, size_t size) {
  uint8_t pixels[HEIGHT][WIDTH][3], first[HEIGHT][WIDTH][3], one[HEIGHT][WIDTH];
  inpaint_image image = {pixels, sizeof pixels, 0, WIDTH, HEIGHT, INPAINT_RGB8};
  inpaint_mask mask = {&one[0][0], sizeof one, 0};
  memset(one, 0, sizeof one);
  one[14][18] = 1;
  for (int aware = 0; aware < 2; aware++) {
    inpaint_options *options = inpaint_options_new();
    inpaint_engine *engine;
    CHECK(inpaint_options_set_threshold(options, 1) == INPAINT_OK);
    CHECK(inpaint_options_set_grow(options, 3) == INPAINT_OK);
    CHECK(inpaint_options_set_hole_aware(options, aware) == INPAINT_OK);
    CHECK(inpaint_engine_new(weights, size, options, &engine) == INPAINT_OK);
    inpaint_options_free(options);
#define IN_DISC ((x - 18) * (x - 18) + (y - 14) * (y - 14) <= 9)
    for (int y = 0; y < HEIGHT; y++)
      for (int x = 0; x < WIDTH; x++) memset(pixels[y][x], IN_DISC ? 255 : 100, 3);
    CHECK(inpaint_run(engine, &image, &mask, NULL, 0, NULL, NULL) == INPAINT_OK);
    for (int y = 0; y < HEIGHT; y++)
      for (int x = 0; x < WIDTH; x++) CHECK(IN_DISC ? pixels[y][x][0] < 200 : pixels[y][x][0] == 100);
    if (!aware) memcpy(first, pixels, sizeof pixels);
    CHECK(memcmp(first, pixels, sizeof pixels) == 0);
    inpaint_engine_free(engine);
  }
}

// Whatever the context, pixels outside the hole stay, and scratch memory changes no byte.
static void contexts_take_effect(const uint8_t *weights, size_t size, int first) {
  enum { WIDE = 50, HIGH = 40 };
  static uint8_t pixels[HIGH][WIDE][3], again[HIGH][WIDE][3], wide[HIGH][WIDE];
  static const uint32_t contexts[] = {0, 6, UINT32_MAX};
  inpaint_mask mask = {&wide[0][0], sizeof wide, 0};
#define IN_WIDE (x >= 12 && x < 38 && y >= 10 && y < 30)
  for (int y = 0; y < HIGH; y++)
    for (int x = 0; x < WIDE; x++) wide[y][x] = IN_WIDE ? 255 : 0;
  for (int i = first; i < 3; i++) {
    inpaint_options *options = inpaint_options_new();
    inpaint_engine *engine;
    size_t needed = 0, huge = 0;
    uint64_t done = 0;
    CHECK(inpaint_options_set_context(options, contexts[i]) == INPAINT_OK);
    CHECK(inpaint_engine_new(weights, size, options, &engine) == INPAINT_OK);
    inpaint_options_free(options);
    for (int y = 0; y < HIGH; y++)
      for (int x = 0; x < WIDE; x++)
        for (int c = 0; c < 3; c++) again[y][x][c] = pixels[y][x][c] = IN_WIDE ? 0 : (uint8_t)(100 + (x + y) / 8 + c);
    inpaint_image image = {pixels, sizeof pixels, 0, WIDE, HIGH, INPAINT_RGB8};
    CHECK(inpaint_run(engine, &image, &mask, NULL, 0, count, &done) == INPAINT_OK);
    CHECK(done > 0);
    for (int y = 0; y < HIGH; y++)
      for (int x = 0; x < WIDE; x++)
        for (int c = 0; c < 3; c++) {
          int v = pixels[y][x][c], known = 100 + (x + y) / 8 + c;
          CHECK(IN_WIDE ? v > 50 : v == known);
        }
    image.data = again;
    CHECK(inpaint_scratch_size(engine, WIDE, HIGH, &needed) == INPAINT_OK && needed > 0);
    void *scratch = malloc(needed);
    CHECK(inpaint_run(engine, &image, &mask, scratch, needed, NULL, NULL) == INPAINT_OK);
    free(scratch);
    CHECK(memcmp(pixels, again, sizeof pixels) == 0);
    // A large picture takes what a tile of it takes.
    CHECK(inpaint_scratch_size(engine, 20000, 20000, &huge) == INPAINT_OK && huge > needed);
    inpaint_engine_free(engine);
  }
}

static int disturb(void *user, uint64_t done, uint64_t total) {
  (void)user;
  (void)done;
  (void)total;
  return fesetround(FE_UPWARD) != 0;
}

// Neither the caller's rounding nor one that a callback chooses changes a 16-bit result; the caller's is restored
// afterwards.
static void rounding_does_not_matter(const uint8_t *weights, size_t size) {
  static const int roundings[] = {FE_TONEAREST, FE_UPWARD, FE_TOWARDZERO};
  static uint16_t pixels[3][HEIGHT][WIDTH][3];
  inpaint_mask mask = {&holes[0][0], sizeof holes, 0};
  for (int i = 0; i < 3; i++) {
    inpaint_engine *engine;
    inpaint_image image = {pixels[i], sizeof pixels[i], 0, WIDTH, HEIGHT, INPAINT_RGB16};
    for (int y = 0; y < HEIGHT; y++)
      for (int x = 0; x < WIDTH; x++)
        for (int c = 0; c < 3; c++) pixels[i][y][x][c] = (uint16_t)(257 * ramp(x, y, c));
    CHECK(fesetround(roundings[i]) == 0);
    inpaint_status made = inpaint_engine_new(weights, size, NULL, &engine);
    fesetround(FE_TONEAREST);
    CHECK(made == INPAINT_OK);
    for (int run = 0; run < 2; run++) {
      CHECK(fesetround(roundings[i]) == 0);
      inpaint_status done = inpaint_run(engine, &image, &mask, NULL, 0, run == 0 && i == 1 ? disturb : NULL, NULL);
      int rounding = fegetround();
      fesetround(FE_TONEAREST);
      CHECK(done == INPAINT_OK && rounding == roundings[i]);
      CHECK(memcmp(pixels[i], pixels[0], sizeof pixels[0]) == 0);
    }
    inpaint_engine_free(engine);
  }
}

// Paint of a colour is added to what a mask holds; wrong arguments are refused.
static void paint_is_added_to_a_mask(void) {
  uint8_t pixels[HEIGHT][WIDTH][3], mask[HEIGHT * WIDTH + 1];
  uint16_t deep[HEIGHT][WIDTH][4];
  inpaint_image image = {pixels, sizeof pixels, 0, WIDTH, HEIGHT, INPAINT_RGB8};
  inpaint_image rgba = {deep, sizeof deep, 0, WIDTH, HEIGHT, INPAINT_RGBA16};
  fill_ramp(&pixels[0][0][0], 3 * WIDTH, 3);
  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++) {
      if (is_hole(x, y)) pixels[y][x][0] = 255, pixels[y][x][1] = 0, pixels[y][x][2] = 250;
      for (int c = 0; c < 3; c++) deep[y][x][c] = (uint16_t)(256 * pixels[y][x][c] + 77);
      deep[y][x][3] = 0;
    }
  const int tolerances[] = {-1, 5, 255};
  for (int i = 0; i < 3; i++) {
    memset(mask, 9, sizeof mask);
    CHECK(inpaint_mask_add_colour(&image, 255, 0, 255, tolerances[i], mask, HEIGHT * WIDTH) == INPAINT_OK);
    for (int p = 0; p < HEIGHT * WIDTH; p++)
      CHECK(mask[p] == (tolerances[i] == 255 || is_hole(p % WIDTH, p / WIDTH) ? 255 : 9));
    CHECK(mask[HEIGHT * WIDTH] == 9);
  }
  memset(mask, 0, sizeof mask);
  CHECK(inpaint_mask_add_colour(&image, 255, 0, 255, 4, mask, sizeof mask) == INPAINT_OK);
  for (int p = 0; p < HEIGHT * WIDTH; p++) CHECK(mask[p] == 0);
  CHECK(inpaint_mask_add_colour(&rgba, 255, 0, 255, 5, mask, sizeof mask) == INPAINT_OK);
  for (int p = 0; p < HEIGHT * WIDTH; p++) CHECK(mask[p] == (is_hole(p % WIDTH, p / WIDTH) ? 255 : 0));

  REFUSED(inpaint_mask_add_colour(NULL, 1, 2, 3, -1, mask, sizeof mask), INPAINT_USAGE, "image");
  REFUSED(inpaint_mask_add_colour(&image, 1, 2, 3, -2, mask, sizeof mask), INPAINT_USAGE, "tolerance: expected -1 to 255");
  REFUSED(inpaint_mask_add_colour(&image, 1, 2, 3, 256, mask, sizeof mask), INPAINT_USAGE, "found 256");
  REFUSED(inpaint_mask_add_colour(&image, 1, 2, 3, 0, NULL, sizeof mask), INPAINT_USAGE, "mask: expected an address");
  REFUSED(inpaint_mask_add_colour(&image, 1, 2, 3, 0, mask, HEIGHT * WIDTH - 1), INPAINT_USAGE, " bytes, found ");
  REFUSED(inpaint_mask_add_colour(&image, 1, 2, 3, 0, &pixels[2][0][0], sizeof mask), INPAINT_USAGE, "overlap");
  rgba.format = 7;
  REFUSED(inpaint_mask_add_colour(&rgba, 1, 2, 3, 0, mask, sizeof mask), INPAINT_USAGE, "format");
}

// Strokes on a transparent layer are the hole; a channel that is named is read; wrong arguments are refused.
static void masks_are_made_of_pictures(const inpaint_engine *engine) {
  uint8_t strokes[HEIGHT][WIDTH + 1][4], bytes[HEIGHT][WIDTH + 1];
  uint16_t deep[HEIGHT][WIDTH][2];
  inpaint_image image = {strokes, sizeof strokes - 4, sizeof strokes[0], WIDTH, HEIGHT, INPAINT_RGBA8}, bad;
  uint8_t *mask = &bytes[0][0];
  memset(bytes, 9, sizeof bytes);
  memset(strokes, 0, sizeof strokes);
  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++) {
      strokes[y][x][3] = is_hole(x, y) ? 255 : 0;
      deep[y][x][0] = (uint16_t)(256 * ramp(x, y, 0) + 255);
      deep[y][x][1] = (uint16_t)(256 * (is_hole(x, y) ? 127 : 128));
    }
  CHECK(inpaint_mask_from_image(&image, INPAINT_CHANNEL_AUTO, mask, WIDTH * HEIGHT) == INPAINT_OK);
  for (int i = 0; i < WIDTH * HEIGHT; i++) CHECK(mask[i] == (is_hole(i % WIDTH, i / WIDTH) ? 255 : 0));
  CHECK(mask[WIDTH * HEIGHT] == 9);
  uint8_t pixels[HEIGHT][WIDTH][3];
  inpaint_image picture = {pixels, sizeof pixels, 0, WIDTH, HEIGHT, INPAINT_RGB8};
  inpaint_mask holes_of_it = {mask, WIDTH * HEIGHT, 0};
  fill_ramp(&pixels[0][0][0], 3 * WIDTH, 3);
  CHECK(inpaint_run(engine, &picture, &holes_of_it, NULL, 0, NULL, NULL) == INPAINT_OK);
  CHECK(memcmp(pixels, expected, sizeof pixels) == 0);

  CHECK(inpaint_mask_from_image(&image, INPAINT_CHANNEL_LUMA, mask, sizeof bytes) == INPAINT_OK);
  CHECK(mask[15 * WIDTH + 15] == 0);
  strokes[9][13][1] = 200;
  CHECK(inpaint_mask_from_image(&image, INPAINT_CHANNEL_GREEN, mask, sizeof bytes) == INPAINT_OK);
  CHECK(mask[9 * WIDTH + 13] == 200 && mask[9 * WIDTH + 14] == 0);
  // Now colour and alpha both vary.
  REFUSED(inpaint_mask_from_image(&image, INPAINT_CHANNEL_AUTO, mask, sizeof bytes), INPAINT_INPUT, "luma and alpha");
  CHECK(mask[9 * WIDTH + 13] == 200);
  inpaint_image grey = {deep, sizeof deep, 0, WIDTH, HEIGHT, INPAINT_GREYA16};
  CHECK(inpaint_mask_from_image(&grey, INPAINT_CHANNEL_BLUE, mask, sizeof bytes) == INPAINT_OK);
  for (int i = 0; i < WIDTH * HEIGHT; i++) CHECK(mask[i] == ramp(i % WIDTH, i / WIDTH, 0));
  CHECK(inpaint_mask_from_image(&grey, INPAINT_CHANNEL_ALPHA, mask, sizeof bytes) == INPAINT_OK);
  CHECK(mask[0] == 128 && mask[15 * WIDTH + 15] == 127);

#define MASK_OF(image) inpaint_mask_from_image((image), INPAINT_CHANNEL_ALPHA, mask, sizeof bytes)
  REFUSED(MASK_OF(NULL), INPAINT_USAGE, "image");
  REFUSED(MASK_OF(&picture), INPAINT_INPUT, "alpha");
  REFUSED(inpaint_mask_from_image(&image, 6, mask, sizeof bytes), INPAINT_USAGE, "found 6");
  REFUSED(inpaint_mask_from_image(&image, -1, mask, sizeof bytes), INPAINT_USAGE, "channel");
  REFUSED(inpaint_mask_from_image(&image, INPAINT_CHANNEL_RED, NULL, sizeof bytes), INPAINT_USAGE, "mask: expected an address");
  REFUSED(inpaint_mask_from_image(&image, INPAINT_CHANNEL_RED, mask, WIDTH * HEIGHT - 1), INPAINT_USAGE, " bytes, found ");
  REFUSED(inpaint_mask_from_image(&image, INPAINT_CHANNEL_RED, &strokes[3][0][0], 3000), INPAINT_USAGE, "overlap");
  bad = image;
  bad.size--;
  REFUSED(MASK_OF(&bad), INPAINT_USAGE, " bytes, found ");
  bad = image;
  bad.format = 7;
  REFUSED(MASK_OF(&bad), INPAINT_USAGE, "format");
  bad = grey;
  bad.data = (char *)deep + 1;
  REFUSED(MASK_OF(&bad), INPAINT_USAGE, "even");
  CHECK(mask[0] == 128);
}

// Runs on a thread with the smallest stack that the header allows.
static void *make_and_run(void *weights) {
  const struct memory *memory = (const struct memory *)weights;
  inpaint_engine *engine;
  if (inpaint_engine_new(memory->data, memory->size, NULL, &engine) != INPAINT_OK) return weights;
  void *wrong = run_often(engine);
  inpaint_engine_free(engine);
  contexts_take_effect(memory->data, memory->size, 2);
  return wrong;
}

static void a_small_stack_is_enough(const uint8_t *weights, size_t size) {
  struct memory memory = {weights, size};
  pthread_attr_t attributes;
  pthread_t thread;
  void *wrong;
  // Some systems give no thread less than twice that.
  size_t least = (size_t)PTHREAD_STACK_MIN, stack = least > STACK ? least : STACK;
  CHECK(pthread_attr_init(&attributes) == 0);
  CHECK(pthread_attr_setstacksize(&attributes, stack) == 0);
  CHECK(pthread_create(&thread, &attributes, make_and_run, &memory) == 0);
  CHECK(pthread_join(thread, &wrong) == 0 && wrong == NULL);
  pthread_attr_destroy(&attributes);
}

// An engine of one thread runs in a child and is freed there.
static void a_child_may_run(inpaint_engine *engine) {
  int status;
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    alarm(120);
    void *wrong = run_often(engine);
    inpaint_engine_free(engine);
    _exit(wrong != NULL);
  }
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(int argc, char **argv) {
  size_t size;
  if (argc != 2) return 2;
  uint8_t *weights = (uint8_t *)read_file(argv[1], &size);
  CHECK(inpaint_abi_version() == INPAINT_ABI_VERSION);
  CHECK(strchr(inpaint_version(), '.') != NULL);
  CHECK(*inpaint_last_error() == 0);
  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++) holes[y][x] = is_hole(x, y) ? 255 : 0;

  options_are_checked();
  engines_are_checked(weights, size);
  inpaint_engine *engine;
  CHECK(inpaint_engine_new(weights, size, NULL, &engine) == INPAINT_OK);
  CHECK(strlen(inpaint_isa(engine)) > 0);
  runs_are_checked(engine);

  inpaint_image image = {expected, sizeof expected, 0, WIDTH, HEIGHT, INPAINT_RGB8};
  inpaint_mask mask = {&holes[0][0], sizeof holes, 0};
  fill_ramp(&expected[0][0][0], 3 * WIDTH, 3);
  CHECK(inpaint_run(engine, &image, &mask, NULL, 0, NULL, NULL) == INPAINT_OK);
  int changed = 0;
  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++)
      for (int c = 0; c < 3; c++) {
        CHECK(is_hole(x, y) || expected[y][x][c] == ramp(x, y, c));
        changed += expected[y][x][c] != ramp(x, y, c);
      }
  CHECK(changed > 0);

  masks_are_made_of_pictures(engine);
  paint_is_added_to_a_mask();
  strides_are_kept(weights, size);

  pthread_t threads[3];
  for (int i = 0; i < 3; i++) CHECK(pthread_create(&threads[i], NULL, run_often, engine) == 0);
  for (int i = 0; i < 3; i++) {
    void *wrong;
    CHECK(pthread_join(threads[i], &wrong) == 0 && wrong == NULL);
  }
  a_child_may_run(engine);
  inpaint_engine_free(engine);
  a_small_stack_is_enough(weights, size);

  options_take_effect(weights, size);
  contexts_take_effect(weights, size, 0);
  rounding_does_not_matter(weights, size);
  free(weights);
  printf("api: passed, %d checks\n", checks);
  return 0;
}
