#define _POSIX_C_SOURCE 200112L
// In a child of fork() an engine with the parent's threads refuses to run, and neither running nor freeing it hangs:
// `fork WEIGHTS`, with a library that has threads and reads files.
#include <inpaint_edge.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIDE = 64 };

static uint8_t pixels[SIDE][SIDE][3], holes[SIDE][SIDE];

static inpaint_status run(const inpaint_engine *engine) {
  inpaint_image image = {pixels, sizeof pixels, 0, SIDE, SIDE, INPAINT_RGB8};
  inpaint_mask mask = {&holes[0][0], sizeof holes, 0};
  return inpaint_run(engine, &image, &mask, NULL, 0, NULL, NULL);
}

static inpaint_engine *engine_of(const char *weights, unsigned threads) {
  inpaint_engine *engine;
  inpaint_options *options = inpaint_options_new();
  if (inpaint_options_set_threads(options, threads) != INPAINT_OK) exit(3);
  if (inpaint_engine_new_from_file(weights, options, &engine) != INPAINT_OK) exit(4);
  inpaint_options_free(options);
  return engine;
}

int main(int argc, char **argv) {
  int status;
  if (argc != 2) return 2;
  memset(holes[20], 255, sizeof holes[20]);
  inpaint_engine *engine = engine_of(argv[1], 3), *single = engine_of(argv[1], 1);
  if (run(engine) != INPAINT_OK || run(single) != INPAINT_OK) return 5;
  pid_t child = fork();
  if (child < 0) return 6;
  if (child == 0) {
    alarm(60);
    if (run(engine) != INPAINT_USAGE || strstr(inpaint_last_error(), "fork()") == NULL) _exit(7);
    inpaint_engine_free(engine);
    if (run(single) != INPAINT_OK) _exit(8);
    inpaint_engine_free(single);
    inpaint_engine *own = engine_of(argv[1], 3);
    if (run(own) != INPAINT_OK) _exit(9);
    inpaint_engine_free(own);
    _exit(0);
  }
  if (waitpid(child, &status, 0) != child) return 10;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    printf("fork: the child ended with %d\n", status);
    return 11;
  }
  if (run(engine) != INPAINT_OK) return 12;
  inpaint_engine_free(engine);
  inpaint_engine_free(single);
  puts("fork: passed");
  return 0;
}
