// Fills a hole in a ramp with the weights built into the library, and prints a pixel of it before and after.
#include <inpaint_edge.h>
#include <stdio.h>

int main(void) {
  static uint8_t pixels[64][64][3], holes[64][64];
  for (int i = 0; i < 64 * 64; i++) {
    holes[i / 64][i % 64] = i / 64 / 16 == 1 && i % 64 / 16 == 1 ? 255 : 0;
    for (int c = 0; c < 3; c++) pixels[i / 64][i % 64][c] = holes[i / 64][i % 64] ? 0 : (uint8_t)(3 * (i % 64) + 10 * c);
  }
  inpaint_engine *engine;
  inpaint_image image = {pixels, sizeof pixels, 0, 64, 64, INPAINT_RGB8};
  inpaint_mask mask = {&holes[0][0], sizeof holes, 0};
  inpaint_status status = inpaint_engine_new(NULL, 0, NULL, &engine);
  if (status == INPAINT_OK) status = inpaint_run(engine, &image, &mask, NULL, 0, NULL, NULL);
  if (status != INPAINT_OK) fprintf(stderr, "fill: %s\n", inpaint_last_error());
  else printf("%s: (24, 24) was 0 0 0, is %d %d %d\n", inpaint_isa(engine), pixels[24][24][0], pixels[24][24][1], pixels[24][24][2]);
  inpaint_engine_free(engine);
  return status;
}
