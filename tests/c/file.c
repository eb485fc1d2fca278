// An engine is made from a file, and a missing file is refused: `file WEIGHTS`, with a library that reads files.
#include <inpaint_edge.h>

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  inpaint_engine *engine;
  size_t size;
  if (argc != 2) return 2;
  if (inpaint_engine_new_from_file("nowhere.safetensors", NULL, &engine) != INPAINT_WEIGHTS || engine != NULL) return 3;
  if (strstr(inpaint_last_error(), "nowhere.safetensors") == NULL) return 4;
  if (inpaint_engine_new_from_file(argv[1], NULL, &engine) != INPAINT_OK) return 5;
  if (inpaint_scratch_size(engine, 64, 64, &size) != INPAINT_OK || size == 0) return 6;
  inpaint_engine_free(engine);
  puts("file: passed");
  return 0;
}
